"""Promises of db/dead_letters.py for retries: a success closes the dead letter, and a failure keeps it open."""

import uuid
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from db import dead_letter_decisions, dead_letters
from db.connections import Connection
from domain.dead_letters import Cause
from tests.integration.db.dead_letter_builders import a_death, a_message, a_run, end, kept, letter, listed, sent_again


class TestRetryingARun:
    @pytest.fixture
    def died(self, engine: Engine, connection: Connection) -> int:
        """A dead letter whose run has failed."""
        run_id = a_run(engine, connection)
        dead_letter_id = kept(engine, a_death(connection, run_id))
        end(engine, run_id, "failed")
        return dead_letter_id

    @pytest.fixture
    def retry_run(self, engine: Engine, connection: Connection, died: int) -> uuid.UUID:
        run_id = a_run(engine, connection)
        assert sent_again(engine, died, run_id=run_id)
        return run_id

    @pytest.mark.parametrize("status", ["succeeded", "degraded"])
    def test_a_run_without_failures_closes_its_dead_letter(
        self, engine: Engine, died: int, retry_run: uuid.UUID, status: str
    ) -> None:
        assert letter(engine, died)["status"] == "open", "until the run has done its work"
        end(engine, retry_run, status)
        found = letter(engine, died)
        assert (found["status"], found["retry_run_id"]) == ("retried", None)
        assert found["closed_at"] is not None
        assert [entry["what"] for entry in found["history"]] == ["failed", "sent again", "retry succeeded"]

    @pytest.mark.parametrize(
        ("error", "actor_name"),
        [("KeyError", "upsert_customers"), ("ValueError", "upsert_customers"), ("KeyError", "start_sync")],
        ids=["the same", "another error", "another step"],
    )
    def test_a_retry_that_fails_again_keeps_the_same_dead_letter(
        self, engine: Engine, connection: Connection, died: int, retry_run: uuid.UUID, error: str, actor_name: str
    ) -> None:
        assert kept(engine, a_death(connection, retry_run, error=error, actor_name=actor_name)) == died
        end(engine, retry_run, "failed")
        found = letter(engine, died)
        assert (found["status"], found["error"], found["actor"], found["failures"]) == ("open", error, actor_name, 2)
        assert [entry["what"] for entry in found["history"]] == ["failed", "sent again", "failed"]
        assert listed(engine) == [died]

    def test_a_retry_with_the_error_of_another_dead_letter_counts_there_and_stays_open(
        self, engine: Engine, connection: Connection, died: int, retry_run: uuid.UUID
    ) -> None:
        other = kept(engine, a_death(connection, uuid.uuid4(), error="ValueError"))
        assert other != died
        assert kept(engine, a_death(connection, retry_run, error="ValueError")) == other
        end(engine, retry_run, "failed")
        assert letter(engine, died)["status"] == "open"
        assert letter(engine, died)["history"][-1]["what"] == "retry failed"

    def test_a_parked_run_leaves_its_dead_letter_open(self, engine: Engine, died: int, retry_run: uuid.UUID) -> None:
        end(engine, retry_run, "parked")
        found = letter(engine, died)
        assert (found["status"], found["retry_run_id"], found["history"][-1]["run_status"]) == ("open", None, "parked")

    def test_a_closed_dead_letter_is_not_sent_again(self, engine: Engine, died: int) -> None:
        with engine.begin() as db:
            assert dead_letter_decisions.discard(db, [died], "seen") == [died]
            assert dead_letter_decisions.discard(db, [died], "twice") == []
        assert not sent_again(engine, died, None)
        assert letter(engine, died)["note"] == "seen"

    def test_a_dead_letter_reports_a_later_successful_run(
        self, engine: Engine, connection: Connection, died: int
    ) -> None:
        assert letter(engine, died)["recovered"] is False
        end(engine, a_run(engine, connection))
        assert letter(engine, died)["recovered"] is True
        assert letter(engine, died)["status"] == "open", "a person decides"


class TestRetryingAMessage:
    def test_a_successful_retry_closes_its_dead_letter(self, engine: Engine) -> None:
        dead_letter_id = kept(engine, a_message())
        sent_again(engine, dead_letter_id, None)
        with engine.begin() as db:
            dead_letters.message_done(db, dead_letter_id, "m-2")
        assert letter(engine, dead_letter_id)["status"] == "retried"

    def test_a_retry_that_fails_with_another_error_keeps_the_same_dead_letter(self, engine: Engine) -> None:
        dead_letter_id = kept(engine, a_message("7"))
        again = replace(a_message("7"), cause=Cause.DEFECT, fingerprint="another", dead_letter_id=dead_letter_id)
        assert kept(engine, again) == dead_letter_id
        assert letter(engine, dead_letter_id)["fingerprint"] == "another"
