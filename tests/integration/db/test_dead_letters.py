"""Promises of db/dead_letters.py and db/dead_letter_lists.py: one dead letter per problem, until it is closed."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from db import dead_letter_lists, dead_letters, runs
from db.connections import Connection
from db.dead_letter_lists import Choice
from db.dead_letters import NewDeadLetter, Origin, UnknownDeadLetterError
from domain.dead_letters import Cause, DeadLetterStatus, fingerprint
from domain.runs import Mode
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change


def a_run(engine: Engine, connection: Connection) -> uuid.UUID:
    with engine.begin() as db:
        step = runs.start(db, connection.connection_id, Mode.FULL, allow_deletions=True, sweep_seconds=60)
    assert step is not None
    return step.run_id


def end(engine: Engine, run_id: uuid.UUID, status: str = "succeeded") -> None:
    change(engine, "UPDATE booksync.sync_runs SET status = :status WHERE id = :id", status=status, id=run_id)
    with engine.begin() as db:
        dead_letters.run_ended(db, run_id)


def a_death(
    connection: Connection, run_id: uuid.UUID, *, actor_name: str = "upsert_customers", error: str = "KeyError"
) -> NewDeadLetter:
    return NewDeadLetter(
        cause=Cause.DEFECT,
        queue_name="database",
        actor_name=actor_name,
        arguments={"args": [str(run_id), 3], "kwargs": {}},
        error_type=error,
        error=error,
        fingerprint=fingerprint(actor_name, error, ()),
        traceback="File …",
        attempts=6,
        connection_id=connection.connection_id,
        run_id=run_id,
    )


def a_message(
    argument: str = "7", *, message_id: str | None = None, actor_name: str = "resync_contact"
) -> NewDeadLetter:
    return NewDeadLetter(
        cause=Cause.UNKNOWN_ACTOR,
        queue_name="interactive",
        actor_name=actor_name,
        arguments={"args": [argument], "kwargs": {}},
        error_type="unknown_actor",
        error="No worker knows this actor.",
        fingerprint=fingerprint(actor_name, "unknown_actor", ()),
        message_id=message_id or str(uuid.uuid4()),
    )


def keep(engine: Engine, death: NewDeadLetter) -> int | None:
    with engine.begin() as db:
        return dead_letters.keep(db, death)


def kept(engine: Engine, death: NewDeadLetter) -> int:
    dead_letter_id = keep(engine, death)
    assert dead_letter_id is not None
    return dead_letter_id


def letter(engine: Engine, dead_letter_id: int) -> dict[str, Any]:
    with engine.connect() as db:
        return dead_letter_lists.dead_letter(db, dead_letter_id)


def listed(engine: Engine, choice: Choice | None = None) -> list[int]:
    with engine.connect() as db:
        return [found["id"] for found in dead_letter_lists.found(db, choice or Choice())]


def open_letters(engine: Engine, connection_id: uuid.UUID | None = None) -> int:
    with engine.connect() as db:
        return dead_letters.count_open(db, connection_id)


def sent_again(engine: Engine, dead_letter_id: int, run_id: uuid.UUID | None) -> bool:
    with engine.begin() as db:
        return dead_letters.sent_again(db, dead_letter_id, run_id=run_id)


class TestKeeping:
    def test_a_dead_letter_records_its_failure(self, engine: Engine, connection: Connection) -> None:
        run_id = a_run(engine, connection)
        death = a_death(connection, run_id)
        found = letter(engine, kept(engine, death))
        assert (found["status"], found["cause"], found["failures"], found["attempts"]) == ("open", "defect", 1, 6)
        assert (found["actor"], found["connection_id"], found["run_id"]) == (
            "upsert_customers",
            connection.connection_id,
            run_id,
        )
        assert (found["error"], found["traceback"], found["fingerprint"]) == ("KeyError", "File …", death.fingerprint)
        assert found["first_failed_at"] == found["last_failed_at"]
        (entry,) = found["history"]
        assert (entry["what"], entry["cause"], entry["run_id"]) == ("failed", "defect", str(run_id))

    def test_the_same_error_of_a_later_run_belongs_to_the_same_dead_letter(
        self, engine: Engine, connection: Connection
    ) -> None:
        first_run = a_run(engine, connection)
        first = kept(engine, a_death(connection, first_run))
        end(engine, first_run, "failed")
        second_run = a_run(engine, connection)
        assert kept(engine, a_death(connection, second_run)) == first
        found = letter(engine, first)
        assert (found["failures"], found["attempts"], found["run_id"]) == (2, 12, second_run)
        assert found["first_failed_at"] < found["last_failed_at"]
        assert [entry["run_id"] for entry in found["history"]] == [str(first_run), str(second_run)]

    def test_another_error_actor_or_connection_is_another_dead_letter(
        self, engine: Engine, connection: Connection
    ) -> None:
        run_id, elsewhere = a_run(engine, connection), a_connection(engine)
        failures = [
            a_death(connection, run_id),
            a_death(connection, run_id, error="ValueError"),
            a_death(connection, run_id, actor_name="create_reminders"),
            a_death(elsewhere, a_run(engine, elsewhere)),
        ]
        assert len({kept(engine, death) for death in failures}) == 4
        assert (open_letters(engine), open_letters(engine, connection.connection_id)) == (4, 3)

    def test_messages_outside_runs_have_a_dead_letter_for_each_of_their_arguments(self, engine: Engine) -> None:
        first, second = kept(engine, a_message("7")), kept(engine, a_message("8"))
        assert first != second
        assert kept(engine, a_message("7")) == first

    def test_the_failure_of_a_redelivered_message_counts_once(self, engine: Engine) -> None:
        death = a_message(message_id="m-1")
        first = kept(engine, death)
        assert keep(engine, death) is None
        assert letter(engine, first)["failures"] == 1

    def test_a_failure_after_closing_opens_another_dead_letter(self, engine: Engine) -> None:
        first = kept(engine, a_message())
        with engine.begin() as db:
            dead_letters.discard(db, [first], "seen")
        assert kept(engine, a_message()) != first
        assert letter(engine, first)["failures"] == 1

    def test_concurrent_failures_share_one_dead_letter(self, engine: Engine) -> None:
        failures = [a_message() for _ in range(8)]
        with ThreadPoolExecutor(8) as workers:
            found = set(workers.map(lambda death: keep(engine, death), failures))
        (dead_letter_id,) = found
        assert dead_letter_id is not None
        assert letter(engine, dead_letter_id)["failures"] == 8

    def test_the_history_has_a_maximum_length(self, engine: Engine) -> None:
        for _ in range(105):
            dead_letter_id = kept(engine, a_message())
        found = letter(engine, dead_letter_id)
        assert (found["failures"], len(found["history"])) == (105, 100)
        assert found["history"][-1]["message_id"] == found["message_id"]


@pytest.mark.parametrize("what", ["run", "connection", "neither"])
def test_the_origin_of_a_message_is_found_by_its_ids(engine: Engine, connection: Connection, what: str) -> None:
    run_id = a_run(engine, connection)
    stranger = uuid.uuid4()
    ids, found = {
        "run": ([stranger, run_id], Origin(run_id, connection.connection_id)),
        "connection": ([connection.connection_id], Origin(None, connection.connection_id)),
        "neither": ([stranger], Origin()),
    }[what]
    with engine.connect() as db:
        assert dead_letters.origin(db, ids) == found
        assert dead_letters.origin(db, []) == Origin()


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
            assert dead_letters.discard(db, [died], "seen") == [died]
            assert dead_letters.discard(db, [died], "twice") == []
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


class TestLooking:
    @pytest.fixture
    def three(self, engine: Engine, connection: Connection) -> tuple[int, int, int]:
        """Two messages of one error, and between them a run's step."""
        run_id = a_run(engine, connection)
        return kept(engine, a_message("7")), kept(engine, a_death(connection, run_id)), kept(engine, a_message("8"))

    def test_dead_letters_are_listed_in_the_order_of_their_last_failures(
        self, engine: Engine, three: tuple[int, int, int]
    ) -> None:
        assert listed(engine) == [*three]
        kept(engine, a_message("7"))
        assert listed(engine) == [three[1], three[2], three[0]]

    @pytest.mark.parametrize(
        ("choice", "found"),
        [
            (Choice(actor_name="resync_contact"), [0, 2]),
            (Choice(fingerprint=fingerprint("upsert_customers", "KeyError", ())), [1]),
            (Choice(status=DeadLetterStatus.DISCARDED), []),
            (Choice(status=None), [0, 1, 2]),
            (Choice(connection_id=uuid.uuid4()), []),
        ],
    )
    def test_a_filter_limits_the_list(
        self, engine: Engine, three: tuple[int, int, int], choice: Choice, found: list[int]
    ) -> None:
        assert listed(engine, choice) == [three[index] for index in found]

    def test_dead_letters_of_one_connection(
        self, engine: Engine, connection: Connection, three: tuple[int, int, int]
    ) -> None:
        assert listed(engine, Choice(connection_id=connection.connection_id)) == [three[1]]

    def test_dead_letters_are_grouped_by_error(self, engine: Engine, three: tuple[int, int, int]) -> None:
        with engine.connect() as db:
            large, small = dead_letter_lists.groups(db, Choice())
        assert (large["dead_letters"], large["ids"], large["actor"]) == (2, [three[0], three[2]], "resync_contact")
        assert (small["dead_letters"], small["connections"], small["attempts"]) == (1, 1, 6)
        assert large["first_failed_at"] < small["first_failed_at"] < large["last_failed_at"]

    def test_an_unknown_id_is_an_error(self, engine: Engine) -> None:
        with pytest.raises(UnknownDeadLetterError, match=r"No dead letter has the id 7\b"):
            letter(engine, 7)
