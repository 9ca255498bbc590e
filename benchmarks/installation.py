"""Real servers and a simulator for one benchmark, and the environment for booksync's settings."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
from cryptography.fernet import Fernet
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from sqlalchemy import Engine

from db import connections
from db.connections import Connection
from db.migrations.runner import migrate
from sandbox.servers import EmbeddedPostgres, EmbeddedValkey
from sandbox.zoho.control import SandboxControl
from sandbox.zoho.process import running_simulator
from tests.integration.db.connection_builders import a_new_connection, save
from workers.boot import settings
from workers.boot.resources import Resources, open_resources
from workers.budget import BudgetLimits

#: No limit, because a benchmark does not measure waiting for the budget.
UNLIMITED = 1_000_000_000
UNTHROTTLED = BudgetLimits(requests_per_minute=UNLIMITED)

_WIDTH = 120  #: of a table in a file
_TEMPLATE = "booksync_template"


class Servers:
    """A durable Postgres, as in production, and a Valkey; each measurement gets a new database."""

    def __init__(self, postgres: EmbeddedPostgres, valkey: EmbeddedValkey) -> None:
        self.postgres = postgres
        self.valkey = valkey
        self._databases = 0
        migrate(postgres.create_database(_TEMPLATE))

    @contextmanager
    def new_database(self) -> Iterator[str]:
        """The URL of an empty database at the newest schema."""
        self._databases += 1
        name = f"benchmark_{self._databases}"
        yield self.postgres.create_database(name, template=_TEMPLATE)
        self.postgres.drop_database(name)


def ending_with_sigterm() -> None:
    """Clean up after SIGTERM too, because the started processes would stay otherwise. Logs are dropped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))


@contextmanager
def running_servers() -> Iterator[Servers]:
    """The servers and their data are removed at the end of the block, also after SIGTERM."""
    ending_with_sigterm()
    with (
        TemporaryDirectory(prefix="booksync-benchmark-") as folder,
        EmbeddedPostgres(Path(folder, "postgres")) as postgres,
        EmbeddedValkey(Path(folder, "valkey"), durable=False) as valkey,
    ):
        yield Servers(postgres, valkey)


@contextmanager
def unthrottled_simulator(
    *, contacts: int, invoices: int, organizations: int = 1, behind_seconds: float = 0
) -> Iterator[SandboxControl]:
    """A simulator that refuses nothing; its clock may be some seconds behind. Each organisation has these records."""
    with running_simulator(
        contacts=contacts,
        invoices=invoices,
        organizations=organizations,
        behind_seconds=behind_seconds,
        requests_per_minute=UNLIMITED,
        requests_per_day=UNLIMITED,
        concurrency=1000,
    ) as zoho:
        yield zoho


@contextmanager
def limited_simulator(limits: BudgetLimits, *, latency_ms: int, **sizes: int) -> Iterator[SandboxControl]:
    """A simulator with these limits; a refusal lasts for one window. `sizes` are options such as `contacts`."""
    with running_simulator(
        **sizes,
        latency_ms=latency_ms,
        requests_per_minute=limits.requests_per_minute,
        window_seconds=limits.window_seconds,
        block_seconds=limits.window_seconds,
        concurrency=limits.concurrency,
    ) as zoho:
        yield zoho


@contextmanager
def installed(servers: Servers, zoho: SandboxControl, limits: BudgetLimits = UNTHROTTLED) -> Iterator[Resources]:
    """A new installation of booksync, with its settings in the environment of this process and its children."""
    with servers.new_database() as database_url:
        os.environ |= {
            "DATABASE_URL": database_url,
            "REDIS_URL": servers.valkey.url,
            "ZOHO_CLIENT_ID": "sandbox-client",
            "ZOHO_CLIENT_SECRET": "sandbox-secret",
            "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "ZOHO_API_URL": zoho.url,
            "ZOHO_ACCOUNTS_URL": zoho.url,
            "ZOHO_REQUESTS_PER_MINUTE": str(limits.requests_per_minute),
            "ZOHO_WINDOW_SECONDS": str(limits.window_seconds),
        }
        settings.settings.cache_clear()
        with open_resources("booksync benchmark") as resources:
            resources.redis.flushall()
            yield resources


def a_connection_in(engine: Engine, *, country_code: str, time_zone: str) -> Connection:
    """Another user's connection, to an organisation of that country."""
    new = replace(a_new_connection(), country_code=country_code, time_zone=time_zone)
    connection_id, _ = save(engine, new)
    with engine.connect() as db:
        return connections.connection(db, connection_id)


def new_console() -> Console:
    """A console whose tables have their full width in a file too."""
    return Console(width=None if sys.stdout.isatty() else _WIDTH)


def shown_progress(console: Console) -> Progress:
    """Show the current measurement and its duration."""
    return Progress(
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
