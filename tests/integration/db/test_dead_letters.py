"""Promises of db/dead_letters.py and db/dead_letter_lists.py: one dead letter per problem, listed and grouped."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine

from db import dead_letter_decisions, dead_letter_lists, dead_letters
from db.connections import Connection
from db.dead_letter_lists import Choice
from db.dead_letters import Origin, UnknownDeadLetterError
from domain.dead_letters import DeadLetterStatus, fingerprint
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.dead_letter_builders import (
    a_death,
    a_message,
    a_run,
    end,
    keep,
    kept,
    letter,
    listed,
    open_letters,
)


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
            dead_letter_decisions.discard(db, [first], "seen")
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
