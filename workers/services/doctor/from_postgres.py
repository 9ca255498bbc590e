"""Reads from Postgres what the doctor's checks need, within a few seconds, and as far as Postgres allows."""

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from db import (
    api_use,
    clock,
    connection_facts,
    connections,
    dead_letters,
    event_history,
    phone_audit,
    processes,
    reminder_policies,
    scheduler_marks,
    server,
    server_health,
)
from db.engine import prepares_statements
from db.failures import DatabaseError, Failure, failure_of
from db.installation import InstallationFacts
from db.migrations.revisions import SchemaFit, SchemaState, schema_state, state_at
from db.session import Session
from domain.amounts import sum_of
from domain.phone_audit import AuditRules, audit
from domain.processes import Processes
from workers.boot.basics import Basics
from workers.secrets.keys import can_read_secrets
from workers.secrets.vault import Vault
from workers.services.doctor.connections import DoubtfulNumbers
from workers.services.doctor.postgres import PostgresFacts

#: No further read begins after this time, because Postgres is slow.
_LONGEST_SECONDS: Final = 6.0

#: The transactions whose backends are compared. A pooler in transaction mode may use the same one twice.
_TRANSACTIONS: Final = 3

#: Doubtful numbers are counted for at most this number of connections, because each count reads all their customers.
_MOST_COUNTED: Final = 20


@dataclass(slots=True)
class FromPostgres:
    """What was read from Postgres. A fact that could not be read is None or empty."""

    postgres: PostgresFacts = field(default_factory=PostgresFacts)
    failure: Failure | None = None
    read: set[str] = field(default_factory=set)  #: the names of the complete parts
    now: datetime | None = None
    clock_ahead_seconds: float | None = None  #: how far this host's clock is ahead of Postgres's
    zoho_ahead_seconds: float | None = None
    schema: SchemaState | None = None
    rows: Processes | None = None
    scheduler_silent_seconds: float | None = None
    can_read_secrets: bool | None = None
    dead_letters: int = 0
    dead_letters_since: datetime | None = None
    oldest_event_seconds: float = 0.0
    organizations_with_calls: Sequence[str] = ()
    states: Sequence[dict[str, Any]] = ()
    doubtful: dict[str, DoubtfulNumbers] = field(default_factory=dict)


def read_postgres(basics: Basics) -> FromPostgres:
    """Read the facts, the most important ones first. No failure is raised; it becomes a fact."""
    found = FromPostgres()
    began = time.monotonic()
    try:
        with basics.engine.connect() as connection:
            db = connection.execution_options(isolation_level="AUTOCOMMIT")
            for part in _PARTS:
                is_late = time.monotonic() - began > _LONGEST_SECONDS
                # The first part is always read, because it measures how slow Postgres is.
                if not _is_readable(found) or (is_late and found.now is not None):
                    break
                _read(part, db, basics, found)
                if db.invalidated or db.closed:
                    break
    except DatabaseError as error:
        found.failure = found.failure or failure_of(error)
    return found


def from_facts(basics: Basics, facts: InstallationFacts, *, before: datetime, seconds: float) -> FromPostgres:
    """Return what the facts say, which were read in `seconds` from `before` on, this host's time."""
    return FromPostgres(
        postgres=PostgresFacts(
            server=facts.server,
            health=facts.health,
            round_trip_seconds=seconds,
            tables_without_rights=facts.tables_without_rights,
        ),
        read={part.__name__.strip("_") for part in _PARTS},
        now=facts.now,
        clock_ahead_seconds=(before - facts.now).total_seconds() + seconds / 2,
        zoho_ahead_seconds=facts.zoho_ahead_seconds,
        schema=state_at(facts.revision, has_last_addition=facts.has_last_addition),
        rows=facts.processes,
        scheduler_silent_seconds=facts.scheduler_silent_seconds,
        can_read_secrets=None
        if facts.secret is None
        else Vault(basics.settings.encryption_keys).can_read(facts.secret),
        dead_letters=facts.dead_letters,
        dead_letters_since=facts.oldest_dead_letter_at,
        oldest_event_seconds=facts.oldest_event_seconds,
        organizations_with_calls=facts.organizations_with_calls,
    )


def _is_readable(found: FromPostgres) -> bool:
    return found.schema is None or found.schema.fit is SchemaFit.FITS


_Part = Callable[[Session, Basics, FromPostgres], None]


def _read(part: _Part, db: Session, basics: Basics, found: FromPostgres) -> None:
    try:
        part(db, basics, found)
    except DatabaseError as error:
        # A slow count says nothing about Postgres.
        if part is not _numbers:
            found.failure = found.failure or failure_of(error)
    else:
        found.read.add(part.__name__.strip("_"))


def _server(db: Session, basics: Basics, found: FromPostgres) -> None:
    found.postgres = replace(
        found.postgres,
        server=server.facts(db),
        health=server_health.health(db),
        backends=frozenset(server_health.backend(db) for _ in range(_TRANSACTIONS)),
        prepares_statements=prepares_statements(basics.settings.database_url.get_secret_value()),
        tables_without_rights=server_health.tables_without_rights(db),
    )


def _clocks(db: Session, _basics: Basics, found: FromPostgres) -> None:
    before, began = datetime.now(UTC), time.monotonic()
    found.now = clock.present(db)
    seconds = time.monotonic() - began
    # The statement was executed somewhere within its time.
    found.clock_ahead_seconds = (before - found.now).total_seconds() + seconds / 2
    found.postgres = replace(found.postgres, round_trip_seconds=seconds)


def _schema(db: Session, _basics: Basics, found: FromPostgres) -> None:
    found.schema = schema_state(db)


def _processes(db: Session, _basics: Basics, found: FromPostgres) -> None:
    found.rows = processes.read(db)
    found.scheduler_silent_seconds = scheduler_marks.seconds_since(db, scheduler_marks.TICK)


def _keys(db: Session, basics: Basics, found: FromPostgres) -> None:
    found.can_read_secrets = can_read_secrets(db, Vault(basics.settings.encryption_keys))


def _work(db: Session, _basics: Basics, found: FromPostgres) -> None:
    found.dead_letters = dead_letters.count_open(db)
    found.oldest_event_seconds = event_history.oldest_waiting_seconds(db)
    found.organizations_with_calls = api_use.with_recent_calls(db)
    found.zoho_ahead_seconds = server_health.zoho_clock_ahead_seconds(db)


def _states(db: Session, _basics: Basics, found: FromPostgres) -> None:
    found.states = connection_facts.connection_states(db, runs=1)


def _numbers(db: Session, _basics: Basics, found: FromPostgres) -> None:
    for state in found.states[:_MOST_COUNTED]:
        connection = connections.connection(db, uuid.UUID(state["connection_id"]))
        policy = reminder_policies.policy_of(db, connection.connection_id)
        rules = AuditRules(policy.kinds_not_called, shared_by=policy.shared_number_customers)
        numbers = audit(phone_audit.doubtful(db, connection, rules), rules, home_currency="")
        found.doubtful[state["connection_id"]] = DoubtfulNumbers(
            sum(1 for number in numbers for customer in number.customers if customer.facts.owed),
            sum_of(number.owed for number in numbers),
        )


#: The parts in the order of reading.
_PARTS: Final[Sequence[_Part]] = (
    _clocks,
    _server,
    _schema,
    _processes,
    _keys,
    _work,
    _states,
    _numbers,
)
