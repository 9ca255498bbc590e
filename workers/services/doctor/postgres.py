"""Checks of Postgres: away, too old, read-only, a standby, slow, nearly full, without rights, behind a pooler."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from db.failures import Failure
from db.server import ServerFacts
from db.server_health import ServerHealth
from workers.boot.servers import postgres_problem
from workers.services.doctor.findings import Finding, Part, counted, error, parted, span, warning

#: A trivial statement takes a millisecond in one data centre, and 100 ms across an ocean.
SLOW_SECONDS: Final = 0.5

_NEARLY_FULL: Final = 0.9

#: Postgres warns at 2.1 billion transactions without a vacuum, and stops writes soon after.
_OLD_TRANSACTIONS: Final = 1_500_000_000

_LONG_LOCK_SECONDS: Final = 30.0

_TABLES_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class PostgresFacts:
    """What is known about the Postgres server. A fact that could not be read is None or empty."""

    failure: Failure | None = None  #: why Postgres cannot be used
    server: ServerFacts | None = None
    round_trip_seconds: float | None = None  #: the time of a trivial statement
    health: ServerHealth | None = None
    backends: frozenset[int] = frozenset()  #: the backends that consecutive transactions had
    prepares_statements: bool = True  #: DATABASE_PREPARED_STATEMENTS
    tables_without_rights: Sequence[str] = ()


def check_postgres(facts: PostgresFacts) -> list[Finding]:
    """Return the troubles of the Postgres server."""
    return [*_failure(facts), *_server(facts), *_speed(facts), *_limits(facts), *_rights(facts), *_pooler(facts)]


def _failure(facts: PostgresFacts) -> Iterator[Finding]:
    if facts.failure is not None:
        what, next_step = parted(facts.failure.brief)
        yield error(
            Part.POSTGRES,
            f"postgres_{facts.failure.kind}",
            f"Postgres {what}",
            cause=facts.failure.cause,
            next_step=next_step or "check DATABASE_URL, and that the server runs",
        )


def _server(facts: PostgresFacts) -> Iterator[Finding]:
    problem = postgres_problem(facts.server) if facts.server is not None else None
    if problem is not None:
        what, next_step = parted(problem)
        yield error(
            Part.POSTGRES,
            "postgres_unsuitable",
            f"Postgres {what}",
            cause="no row can be written, or the server lacks what booksync needs",
            next_step=next_step,
        )


def _speed(facts: PostgresFacts) -> Iterator[Finding]:
    seconds = facts.round_trip_seconds
    if seconds is not None and seconds >= SLOW_SECONDS:
        yield warning(
            Part.POSTGRES,
            "postgres_slow",
            f"Postgres is slow: a trivial statement takes {seconds:.1f} s",
            cause="the server is overloaded, or far away from this host",
            next_step="look at the server's load, at pg_stat_activity and at the network",
        )
    health = facts.health
    if health is not None and health.lock_wait_seconds >= _LONG_LOCK_SECONDS:
        yield warning(
            Part.POSTGRES,
            "postgres_lock",
            f"A statement of booksync has waited for a lock for {span(health.lock_wait_seconds)}",
            cause="another session holds the lock in a long transaction",
            next_step="find that session with pg_blocking_pids() in pg_stat_activity, and end it",
        )


def _limits(facts: PostgresFacts) -> Iterator[Finding]:
    health = facts.health
    if health is None:
        return
    if health.connections >= _NEARLY_FULL * health.most_connections:
        yield warning(
            Part.POSTGRES,
            "postgres_connections",
            f"Postgres is nearly full: {health.connections} of {health.most_connections} connections are in use",
            cause="too many sessions of all programs together",
            next_step="end idle sessions, raise max_connections, or use a connection pooler",
        )
    if health.transaction_age >= _OLD_TRANSACTIONS:
        yield error(
            Part.POSTGRES,
            "postgres_transactions",
            f"Postgres is nearly full: its oldest transaction id has an age of {health.transaction_age:,}",
            cause="autovacuum does not keep up; at 2 billion Postgres refuses every write",
            next_step="end long transactions, then run VACUUM in this database as its owner",
        )


def _rights(facts: PostgresFacts) -> Iterator[Finding]:
    tables = facts.tables_without_rights
    if tables:
        more = f" and {len(tables) - _TABLES_SHOWN} more" if len(tables) > _TABLES_SHOWN else ""
        yield error(
            Part.POSTGRES,
            "postgres_rights",
            f"This role lacks rights on {counted(len(tables), 'table')}: {', '.join(tables[:_TABLES_SHOWN])}{more}",
            cause="grants were not repeated after a migration, or DATABASE_URL names another role",
            next_step="booksync migrate --grants (docs/database-roles.md)",
        )


def _pooler(facts: PostgresFacts) -> Iterator[Finding]:
    if len(facts.backends) > 1 and facts.prepares_statements:
        yield error(
            Part.POSTGRES,
            "postgres_pooler",
            "A connection pooler in transaction mode is in the way of prepared statements",
            cause="consecutive transactions came to different backends of the server",
            next_step="set DATABASE_PREPARED_STATEMENTS=off for all processes",
        )
