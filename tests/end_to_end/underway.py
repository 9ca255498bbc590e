"""A sync in progress, with real processes and separate servers that a test may stop, restart and empty."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from cryptography.fernet import Fernet

from db.migrations.runner import migrate
from sandbox.servers import EmbeddedPostgres, EmbeddedValkey
from sandbox.zoho.control import SandboxControl
from sandbox.zoho.process import running_simulator
from sandbox.zoho.stats import CallKind
from tests.end_to_end.installation import SCHEDULER, WORKER, Installation, settings_for
from tests.truth import differences

ROWS_A_PAGE = 200
PATIENCE_SECONDS = 60.0

#: High enough that no process waits for the budget.
REQUESTS_PER_MINUTE = 100_000


@dataclass(frozen=True)
class UnderWay:
    """An installation with two workers and a scheduler; each sync is another user's first one."""

    installation: Installation
    postgres: EmbeddedPostgres
    valkey: EmbeddedValkey

    @property
    def zoho(self) -> SandboxControl:
        return self.installation.zoho

    def connect(self) -> str:
        """Connect a new user, and return the connection's id."""
        connected = self.installation.connect(uuid.uuid4())
        assert connected.code == 0, connected.stderr
        return str(connected.json["connection_id"])

    def begin_sync(self) -> str:
        """Start the first sync of a new connection, and return its id."""
        connection_id = self.connect()
        self.zoho.reset_stats()
        started = self.installation.run("sync", connection_id, "--json")
        assert started.code == 0, started.stderr
        return connection_id

    def look(self, sql: str, **values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.installation.environment["DATABASE_URL"], autocommit=True) as database:
            return database.execute(sql, values).fetchall()

    def step(self, connection_id: str) -> int:
        """The present step of the connection's only run."""
        ((step,),) = self.look("SELECT step FROM booksync.sync_runs WHERE connection_id = %(id)s", id=connection_id)
        return int(step)

    def progress(self, connection_id: str) -> int:
        """The steps and the checkpointed calls of the connection's only run."""
        sql = "SELECT step + api_calls FROM booksync.sync_runs WHERE connection_id = %(id)s"
        ((progress,),) = self.look(sql, id=connection_id)
        return int(progress)

    def status(self, connection_id: str) -> tuple[str, str | None]:
        """The status and the error of the connection's last run."""
        return self.look(
            "SELECT status, degraded_reason FROM booksync.sync_runs WHERE connection_id = %(id)s "
            "ORDER BY started_at DESC LIMIT 1",
            id=connection_id,
        )[0]

    def seconds_to_resume(self, connection_id: str) -> float:
        """The seconds from now until a step is done or a call is checkpointed."""
        began, progress = time.monotonic(), self.progress(connection_id)
        eventually(lambda: self.progress(connection_id) > progress)
        return time.monotonic() - began

    def ends_well(self, connection_id: str, *, repeated_calls: int) -> None:
        """Check that the run ends with the result of an undisturbed one, and at most `repeated_calls` more calls."""
        eventually(lambda: self.status(connection_id)[0] != "running")
        assert self.status(connection_id) == ("succeeded", None)
        truth = self.zoho.snapshot()
        assert self.differences(connection_id) == []
        stats = self.zoho.stats()
        assert stats.count() <= calls_of_a_first_sync(truth) + repeated_calls
        assert stats.count(CallKind.CONTACT) == stats.count(CallKind.INVOICE) == 0
        assert self.look("SELECT count(*) FROM booksync.dead_letters") == [(0,)]

    def differences(self, connection_id: str) -> list[str]:
        with psycopg.connect(self.installation.environment["DATABASE_URL"], autocommit=True) as database:
            return differences(self.zoho.snapshot(), database, connection_id)


def calls_of_a_first_sync(truth: Mapping[str, Any]) -> int:
    """The most calls of an undisturbed first sync: the organisation, then pages of persons, contacts and invoices.

    The bulk read of persons costs up to four calls more than its pages: one beyond the end, and overlapping pages.
    """
    persons = sum(len(contact["contact_persons"]) for contact in truth["contacts"])
    counts = (persons, len(truth["contacts"]), len(truth["invoices"]))
    return 1 + sum(-(-count // ROWS_A_PAGE) for count in counts) + (4 if persons > ROWS_A_PAGE else 0)


def eventually(holds: Callable[[], bool], patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until `holds()` is true."""
    deadline = time.monotonic() + patience_seconds
    while not holds():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.05)


@contextmanager
def processes_under_way(
    folder: Path, *, contacts: int, invoices: int, latency_seconds: float, organizations: int = 1, **settings: str
) -> Iterator[UnderWay]:
    """Servers, simulator, two workers and a scheduler; `settings` are additional environment variables."""
    with (
        EmbeddedPostgres(folder / "postgres", durable=False) as postgres,
        EmbeddedValkey(folder / "valkey") as valkey,
        running_simulator(
            contacts=contacts,
            invoices=invoices,
            organizations=organizations,
            latency_ms=latency_seconds * 1000,
            requests_per_minute=REQUESTS_PER_MINUTE,
            requests_per_day=REQUESTS_PER_MINUTE,
        ) as zoho,
    ):
        database_url = postgres.create_database("booksync")
        migrate(database_url)
        environment = settings_for(database_url, valkey.url, zoho.url, Fernet.generate_key().decode())
        environment |= {"ZOHO_REQUESTS_PER_MINUTE": str(REQUESTS_PER_MINUTE)} | settings
        installation = Installation(environment, folder, zoho)
        for program in (WORKER, WORKER, SCHEDULER):
            installation.start(*program)
        try:
            yield UnderWay(installation, postgres, valkey)
        finally:
            installation.stop()
