"""Each kind of message failure becomes a dead letter in Postgres; the commands list, inspect, retry and discard it."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from cryptography.fernet import Fernet
from dramatiq import Message

from db.migrations.runner import migrate
from domain.runs import MAX_ATTEMPTS
from sandbox.servers import EmbeddedPostgres
from sandbox.servers.ports import free_port
from sandbox.zoho.control import SandboxControl
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.end_to_end.installation import SCHEDULER, WORKER, Installation, Outcome, kill, settings_for
from tests.end_to_end.underway import eventually
from workers.queue import new_broker
from workers.queue.messages import LONGEST_AGE_SECONDS
from workers.redis_access import new_redis_client

pytestmark = pytest.mark.slow

ADA = "ada@example.com"

Row = dict[str, Any]


class Letters:
    """The command, and the queue of the test."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self._redis_url = installation.environment["REDIS_URL"]

    def ask(self, *words: str, code: int = 0, **changed: str | None) -> Outcome:
        outcome = self.installation.run("dead-letters", *words, "--json", **changed)
        assert outcome.code == code, outcome.stderr
        assert "Traceback" not in outcome.stderr
        return outcome

    def listed(self, *words: str) -> list[Row]:
        letters: list[Row] = self.ask("list", "--no-group", *words).json["dead_letters"]
        return letters

    def shown(self, dead_letter_id: int) -> Row:
        return self.ask("show", str(dead_letter_id)).json

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.installation.environment["DATABASE_URL"], autocommit=True) as database:
            return database.execute(sql).fetchall()

    def await_deaths(self, number: int) -> None:
        eventually(lambda: self.rows("SELECT coalesce(sum(deaths), 0) FROM booksync.dead_letters") == [(number,)])

    def send(self, actor_name: str, *args: Any, sent_at: float | None = None) -> None:
        message: Message[None] = Message("database", actor_name, args, {}, {})
        if sent_at is not None:
            message = message.copy(message_timestamp=int(sent_at * 1000))
        new_broker(new_redis_client(self._redis_url, patient=False)).enqueue(message)

    def put(self, content: bytes) -> None:
        """Put a message into the queue as another program might do."""
        with redis.Redis.from_url(self._redis_url) as client:
            client.hset("dramatiq:database.msgs", "stray", content)
            client.rpush("dramatiq:database", "stray")


@pytest.fixture
def letters(installation: Installation) -> Letters:
    return Letters(installation)


def causes(found: list[Row]) -> dict[str, Row]:
    return {letter["cause"]: letter for letter in found}


def test_messages_that_fail_in_the_queue_become_dead_letters(letters: Letters) -> None:
    letters.installation.start(*WORKER)
    letters.send("from_a_newer_release", "1234567000000", 7)
    letters.await_deaths(1)
    letters.send("start_sync", str(uuid.uuid4()), 0, sent_at=time.time() - LONGEST_AGE_SECONDS - 1)
    letters.put(f"{{{ADA}".encode())
    letters.send("start_sync", "no-run", 0)
    letters.await_deaths(4)

    found = causes(letters.listed())
    assert found.keys() == {"unknown_actor", "too_old", "unreadable", "defect"}
    assert found["unknown_actor"]["arguments"] == {"args": ["1234567000000", 7], "kwargs": {}}
    defect = letters.shown(found["defect"]["id"])
    assert (defect["error"], defect["actor"]) == ("ValueError", "start_sync")
    assert "uuid.UUID(run_id)" in defect["traceback"]
    assert ADA not in str(found)

    grouped = letters.ask("list").json
    assert grouped["open"] == 4
    assert {group["fingerprint"]: group["ids"] for group in grouped["groups"]} == {
        each["fingerprint"]: [each["id"]] for each in found.values()
    }
    _a_retry_that_dies_again_is_the_same_letter(letters, found["unknown_actor"])
    _what_cannot_be_read_cannot_be_retried(letters, found["unreadable"])
    _letters_are_discarded_with_a_note(letters, found["defect"])


def _a_retry_that_dies_again_is_the_same_letter(letters: Letters, letter: Row) -> None:
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    assert "Redis cannot be reached" in letters.ask("retry", str(letter["id"]), code=1, REDIS_URL=nowhere).stderr
    told = letters.ask("retry", str(letter["id"])).json
    assert [each["id"] for each in told["retried"]] == [letter["id"]]
    letters.await_deaths(5)
    again = letters.shown(letter["id"])
    assert (again["status"], again["failures"], again["attempts"]) == ("open", 2, 2)
    assert [entry["what"] for entry in again["history"]] == ["failed", "sent again", "failed"]


def _what_cannot_be_read_cannot_be_retried(letters: Letters, letter: Row) -> None:
    told = letters.ask("retry", "--group", letter["fingerprint"], code=1)
    assert "discard" in told.stderr
    assert (told.json["retried"], len(told.json["refused"])) == ([], 1)


def _letters_are_discarded_with_a_note(letters: Letters, letter: Row) -> None:
    assert letters.ask("discard", str(letter["id"]), "--note", "a typo of ours").json == {"discarded": [letter["id"]]}
    assert len(letters.ask("discard", "--all", "--note", "seen").json["discarded"]) == 3
    kept = {each["id"]: (each["status"], each["note"]) for each in letters.listed("--status", "all")}
    assert len(kept) == 4
    assert kept[letter["id"]] == ("discarded", "a typo of ours")


def test_wrong_requests_are_reported(letters: Letters) -> None:
    assert "No dead letter has the id 7" in letters.ask("retry", "7", code=1).json["error"]
    letters.ask("retry", "7", "--all", code=2)


def test_failed_steps_become_dead_letters_and_are_retried(letters: Letters) -> None:
    installation, zoho = letters.installation, letters.installation.zoho
    for program in (WORKER, SCHEDULER):
        installation.start(*program)
    connection_id = installation.connect().json["connection_id"]
    zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACTS, status=500, code=1000)
    zoho.fault(FaultName.ANSWER, kind=CallKind.INVOICES, status=400, code=2)

    installation.run("sync", connection_id)
    _spend_the_attempts(letters)
    letters.await_deaths(2)
    found = causes(letters.listed("--connection", connection_id, "--status", "open"))
    assert found.keys() == {"retries_exhausted", "permanent_error"}
    assert found["retries_exhausted"]["attempts"] == MAX_ATTEMPTS

    state = installation.run("status", "--json")
    assert "2 dead letters wait for a decision. Next: booksync dead-letters list" in state.stderr
    assert state.json["dead_letters"] == 2

    zoho.clear_faults()
    eventually(lambda: letters.rows("SELECT status FROM booksync.sync_runs") == [("degraded",)])
    told = letters.ask("retry", "--all").json
    assert [each["id"] for each in told["retried"]] == sorted(letter["id"] for letter in found.values())
    assert len({each["run_id"] for each in told["retried"]}) == 1, "one run does the work of both"
    eventually(lambda: letters.rows("SELECT DISTINCT status FROM booksync.dead_letters") == [("retried",)])
    assert letters.rows("SELECT status FROM booksync.sync_runs ORDER BY started_at") == [("degraded",), ("succeeded",)]
    assert letters.listed("--connection", connection_id, "--actor", "sync_invoices_page") == []


def _spend_the_attempts(letters: Letters) -> None:
    """Make the last attempt come at once, instead of after half a minute."""
    eventually(
        lambda: letters.rows("SELECT id FROM booksync.sync_runs WHERE phase = 'contacts' AND not_before > now()") != []
    )
    letters.rows(
        f"UPDATE booksync.sync_runs SET attempts = {MAX_ATTEMPTS - 1}, not_before = NULL, sweep_at = now() RETURNING id"
    )


def test_a_step_that_kills_its_process_becomes_a_dead_letter(letters: Letters) -> None:
    installation = letters.installation
    installation.environment["CLAIM_SECONDS"] = "2"
    worker = installation.start(*WORKER)
    connection_id = installation.connect().json["connection_id"]
    installation.zoho.fault(FaultName.LATENCY, kind=CallKind.BULK_PERSONS, seconds=5)
    installation.run("sync", connection_id)
    eventually(lambda: letters.rows("SELECT id FROM booksync.sync_runs WHERE phase = 'persons' AND attempts > 0") != [])
    # The state after five killed workers.
    letters.rows(f"UPDATE booksync.sync_runs SET attempts = {MAX_ATTEMPTS} RETURNING id")
    kill(worker)

    for program in (WORKER, SCHEDULER):
        installation.start(*program)
    letters.await_deaths(1)
    assert letters.rows("SELECT cause, attempts FROM booksync.dead_letters") == [("process_killer", MAX_ATTEMPTS + 1)]


@pytest.fixture
def postgres_of_its_own(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(tmp_path / "postgres", durable=False) as running:
        yield running


def test_a_failure_during_an_outage_of_postgres_is_not_lost(
    postgres_of_its_own: EmbeddedPostgres, redis_url: str, zoho: SandboxControl, tmp_path: Path
) -> None:
    database_url = postgres_of_its_own.create_database("booksync")
    migrate(database_url)
    environment = settings_for(database_url, redis_url, zoho.url, Fernet.generate_key().decode())
    letters = Letters(Installation(environment, tmp_path, zoho))
    try:
        letters.installation.start(*WORKER)
        letters.send("first", 1)
        letters.await_deaths(1)
        postgres_of_its_own.stop()
        letters.send("second", 2)
        letters.put(b"{")
        eventually(lambda: (tmp_path / "dramatiq-0.log").read_text().count("Failed to post_process_message") > 0)
        postgres_of_its_own.start()
        letters.await_deaths(3)
        died = letters.rows("SELECT actor_name, cause FROM booksync.dead_letters ORDER BY id")
        assert died[0] == ("first", "unknown_actor")
        assert set(died[1:]) == {("second", "unknown_actor"), ("(none)", "unreadable")}
    finally:
        letters.installation.stop()
