"""No personal data and no secret gets into a log, an error, a run's row, a dead letter or a message."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from dramatiq import Message, MessageProxy

from db.secrets import place_in
from domain import cached_customers
from domain.runs import MAX_ATTEMPTS, Mode, Phase
from sandbox.zoho.control import SandboxControl
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench
from tests.integration.db.look import change
from tests.process_logs import ProcessLogs, logs_of_a_process
from workers.boot import process
from workers.jobs.dead_letters import DeadLetterMiddleware
from workers.jobs.middleware import MessageLogs
from workers.queue.messages import ACTORS

#: Shorter texts may occur anywhere by chance.
SHORTEST_NAME, SHORTEST_NUMBER = 4, 7

NAMES = ("contact_name", "company_name", "first_name", "last_name", "attention", "email")
NUMBERS = ("phone", "mobile")


@pytest.fixture
def logs() -> Iterator[ProcessLogs]:
    with logs_of_a_process() as logs:
        yield logs


@pytest.fixture
def personal(zoho: SandboxControl) -> "Personal":
    return Personal.of(zoho.snapshot())


class Personal:
    """All names, e-mails and numbers of an organisation's contacts."""

    def __init__(self, names: set[str], numbers: set[str]) -> None:
        self.names = {name for name in names if len(name) >= SHORTEST_NAME}
        self.numbers = {number for number in numbers if len(_digits(number)) >= SHORTEST_NUMBER}
        assert self.names
        assert self.numbers

    @classmethod
    def of(cls, snapshot: dict[str, Any]) -> "Personal":
        names: set[str] = set()
        numbers: set[str] = set()
        for contact in snapshot["contacts"]:
            for told in (contact, *contact["contact_persons"]):
                names |= {str(told[key]).strip() for key in NAMES if told.get(key)}
                numbers |= {str(told[key]).strip() for key in NUMBERS if told.get(key)}
        return cls(names, numbers)

    def found_in(self, text: str) -> set[str]:
        """The names (as whole words) and numbers (as given or as bare digits) in the text."""
        words = "|".join(re.escape(name) for name in sorted(self.names, key=len, reverse=True))
        found = set(re.findall(rf"(?<!\w)(?:{words})(?!\w)", text, re.IGNORECASE))
        # The digits of a number may also occur in an id; a longer run of digits is not a phone number.
        digits = "|".join(sorted({_digits(number) for number in self.numbers}))
        return (
            found
            | {number for number in self.numbers if number in text}
            | set(re.findall(rf"(?<!\d)(?:{digits})(?!\d)", text))
        )


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number)


def secrets(bench: Bench) -> set[str]:
    """Every token, key and password of this process, encrypted and plain."""
    settings, vault = bench.resources.settings, bench.resources.vault
    (stored,) = bench.rows(
        "SELECT refresh_token_encrypted, webhook_secret_encrypted, access_token_encrypted "
        "FROM booksync.zoho_connections"
    )
    of_grant = bench.rows("SELECT refresh_token_encrypted, access_token_encrypted, token_hash FROM booksync.grants")
    return {
        *stored.values(),
        *(value for row in of_grant for value in row.values()),
        *(vault.decrypt(value, place_in(column, bench.connection_id)) for column, value in stored.items()),
        settings.zoho_client_secret.get_secret_value(),
        *(key.get_secret_value() for key in settings.encryption_keys),
    }


def kept(bench: Bench) -> dict[str, str]:
    """The content of all places that must have no personal data, as text."""
    tables = (
        "booksync.sync_runs",
        "booksync.dead_letters",
        "booksync.rejected_records",
        "booksync.seen_records",
        "sync_metadata",
        "booksync.api_use",
    )
    found = {table: repr(bench.rows(f"SELECT * FROM {table}")) for table in tables}
    return found | {"redis": repr(sorted(_everything_in(bench.resources.redis)))}


def _everything_in(client: redis.Redis) -> Iterator[tuple[str, str]]:
    for key in client.scan_iter():
        name = key.decode()
        match client.type(key):
            case b"hash":
                yield name, repr(client.hgetall(key))
            case b"list":
                yield name, repr(client.lrange(key, 0, -1))
            case b"zset":
                yield name, repr(client.zrange(key, 0, -1))
            case b"set":
                yield name, repr(client.smembers(key))
            case b"string":
                yield name, repr(client.get(key))
            case other:
                raise AssertionError(f"{name} is a {other!r}, which this test does not read")


def nothing_leaks(bench: Bench, logs: ProcessLogs, personal: Personal) -> None:
    # The lines as people read them, because JSON escapes letters beyond ASCII.
    places = kept(bench) | {"logs": "\n".join(repr(line) for line in logs.lines)}
    for place, text in places.items():
        assert personal.found_in(text) == set(), place
        for secret in secrets(bench):
            assert secret not in text, place


def test_the_search_for_personal_data_finds_cached_data(bench: Bench, personal: Personal) -> None:
    bench.sync()
    cached = bench.rows("SELECT customer_name, primary_phone FROM booksync.customers_cache WHERE phone_problem IS NULL")
    found = personal.found_in(repr(cached))
    assert found & personal.names
    assert found - personal.names


@pytest.mark.slow
def test_a_run_without_trouble_leaks_nothing(bench: Bench, logs: ProcessLogs, personal: Personal) -> None:
    assert bench.sync()["status"] == "succeeded"
    bench.zoho.touch(contact_ids=list(bench.customers())[:3])
    assert bench.sync()["status"] == "succeeded"
    assert bench.sync(Mode.FULL)["status"] == "succeeded"
    assert len(logs.lines) > 10
    nothing_leaks(bench, logs, personal)


@pytest.mark.slow
def test_a_failing_upstream_leaks_nothing(bench: Bench, logs: ProcessLogs, personal: Personal) -> None:
    bench.zoho.fault(FaultName.ANSWER, times=1, status=500, code=1000)
    bench.zoho.fault(FaultName.RESET, times=1, where="middle")
    bench.zoho.fault(FaultName.GARBAGE, times=1, body="truncated")
    bench.zoho.fault(FaultName.ACCESS_TOKENS_EXPIRED)
    for row in ("missing_id", "broken_time", "huge_name", "wrong_types"):
        bench.zoho.fault(FaultName.HOSTILE_ROW, kind=CallKind.CONTACTS, times=1, row=row)
    result = bench.sync()
    assert (result["status"], result["rejected"] > 0) == ("succeeded", True)
    bench.zoho.delete_contact(next(iter(bench.customers())))
    bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACTS, status=500, code=1000)
    assert bench.sync()["status"] == "degraded"
    nothing_leaks(bench, logs, personal)


@pytest.mark.slow
def test_a_parked_connection_leaks_nothing(bench: Bench, logs: ProcessLogs, personal: Personal) -> None:
    bench.zoho.fault(FaultName.REFRESH_TOKEN_REVOKED)
    bench.zoho.fault(FaultName.ACCESS_TOKENS_EXPIRED)
    assert bench.sync()["status"] == "parked"
    nothing_leaks(bench, logs, personal)
    assert personal.found_in(repr(bench.rows("SELECT parked_reason FROM booksync.zoho_connections"))) == set()


def deliver(bench: Bench) -> None:
    """Does the present step like a worker: with its message and its middleware."""
    step = bench.present_step()
    assert step is not None
    actor_name, queue_name = ACTORS[step.phase]
    message: Message[None] = Message(queue_name, actor_name, (str(step.run_id), step.step), {}, {})
    proxy = MessageProxy(message)
    around = (MessageLogs(), DeadLetterMiddleware())
    for middleware in around:
        middleware.before_process_message(bench.resources.broker, proxy)
    bench.take(step)
    for middleware in reversed(around):
        middleware.after_process_message(bench.resources.broker, proxy)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["python", "postgres"])
def test_an_error_that_quotes_personal_data_leaks_nothing(
    bench: Bench, logs: ProcessLogs, personal: Personal, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(process, "_resources", bench.resources)
    if where == "python":
        # A library's message may quote data like this.
        def quote(*_: Any, **__: Any) -> None:
            raise ValueError(f"cannot write {personal.names} {personal.numbers}")

        monkeypatch.setattr(cached_customers, "customer_from", quote)
    else:
        # Postgres's message quotes the whole rejected row.
        sql = "ALTER TABLE booksync.customers_cache ADD CONSTRAINT nobody CHECK (customer_name = 'nobody')"
        change(bench.resources.engine, sql)
    bench.start()
    while bench.present_step() is not None:
        bench.skip_waiting()
        deliver(bench)
    (run,) = bench.rows("SELECT status, phase, error FROM booksync.sync_runs")
    (letter,) = bench.rows("SELECT actor_name, error FROM booksync.dead_letters")
    assert (run["status"], run["phase"], letter["actor_name"]) == ("failed", Phase.DONE, "upsert_customers")
    assert letter["error"] == run["error"]
    assert (
        bench.rows(
            "SELECT zoho_customer_id FROM booksync.staged_contacts UNION ALL SELECT '' FROM booksync.staged_persons"
        )
        == []
    )
    assert sum(line.get("action") == "step.failed" for line in logs.lines) == MAX_ATTEMPTS
    nothing_leaks(bench, logs, personal)
