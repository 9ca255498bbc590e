"""The overview of an installation: what needs a person, the servers and processes, and the connections, worst first."""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from db import connection_facts, installation
from db.installation import InstallationFacts
from db.session import autocommit
from domain.processes import Kind
from workers.boot.basics import Basics
from workers.budget import BudgetSnapshot
from workers.services.connection_details import EVENTS_SHOWN, RUNS_SHOWN, budget_of, with_sentences
from workers.services.connection_order import NEEDS_YOU, Choice, ConnectionOrder, needs_person
from workers.services.doctor.checkup import Checkup
from workers.services.doctor.findings import Finding
from workers.services.doctor.from_postgres import from_facts
from workers.services.doctor.from_redis import FromRedis, read_budgets, read_redis
from workers.services.doctor.judgement import examine_connections, judge
from workers.services.kept_connections import KeptConnections

#: The number of all connections up to which each one is shown with its details.
MOST_WITH_DETAILS: Final = 10


@dataclass(frozen=True, slots=True)
class ListedConnection:
    """A connection in the list. `state` has the keys of `connection_details`; `events` only if details are shown."""

    state: Mapping[str, Any]
    findings: Sequence[Finding]

    @property
    def synced_at(self) -> datetime | None:
        """The moment up to which all of the connection's records are read; None before the first complete sync."""
        synced = [self.state["last_customer_sync_at"], self.state["last_invoice_sync_at"]]
        return None if None in synced else min(synced)


@dataclass(frozen=True, slots=True)
class Overview:
    """What the overview shows."""

    facts: InstallationFacts
    redis: FromRedis
    checkup: Checkup
    total: int  #: all connections
    names: Mapping[str, str] = field(repr=False)  #: connection → its name, else its organisation's number
    counts: Mapping[str, int]  #: choice → its connections; without those that have none
    listed: Sequence[ListedConnection]
    more_after: str | None  #: the id after which the list goes on; None at its end
    has_details: bool
    counted_seconds_ago: float  #: the age of all that is not read at each look: troubles and counts of connections

    @property
    def needing(self) -> int:
        """The number of connections that need a person."""
        return self.counts.get(NEEDS_YOU, 0)

    @property
    def has_processes(self) -> bool:
        """Whether a worker and a scheduler run, so that a new connection is synced."""
        return all(self.facts.processes.running(kind) for kind in (Kind.WORKER, Kind.SCHEDULER))

    @property
    def installation_needs(self) -> bool:
        """Whether a trouble of the installation itself needs a person."""
        return any(not finding.connection_id and needs_person(finding) for finding in self.checkup.findings)


def look(basics: Basics, kept: KeptConnections, choice: Choice) -> Overview:
    """Read the overview, with at most three statements.

    Raises:
        ConnectionNotListedError: see there.
        DatabaseError: Postgres does not work.
    """
    before, began = datetime.now(UTC), time.monotonic()
    with autocommit(basics.engine) as db:
        facts = installation.read(db)
    postgres = from_facts(basics, facts, before=before, seconds=time.monotonic() - began)
    redis = read_redis(basics)
    last = kept.read(lambda: _read_connections(basics))
    order = last.order
    page, more_after = order.page(choice)
    has_details = order.total <= MOST_WITH_DETAILS
    return Overview(
        facts,
        redis,
        judge(basics, postgres, redis, order.findings),
        total=order.total,
        names=order.names,
        counts=order.counts,
        listed=_listed(basics, order, page, is_fresh=not last.age_seconds, has_details=has_details),
        more_after=more_after,
        has_details=has_details,
        counted_seconds_ago=last.age_seconds,
    )


def _read_connections(basics: Basics) -> ConnectionOrder:
    with autocommit(basics.engine) as db:
        states = connection_facts.connection_states(db, runs=1)
    now = states[0]["read_at"] if states else datetime.now(UTC)
    budgets = read_budgets(basics, sorted({state["organization_id"] for state in states}))
    return ConnectionOrder(states, examine_connections(basics, states, budgets, now, {}), budgets)


def _listed(
    basics: Basics,
    order: ConnectionOrder,
    page: Sequence[Mapping[str, Any]],
    *,
    is_fresh: bool,
    has_details: bool,
) -> list[ListedConnection]:
    if not page:
        return []
    ids = [uuid.UUID(state["connection_id"]) for state in page]
    with autocommit(basics.engine) as db:
        glances = connection_facts.glances(db, ids, runs=RUNS_SHOWN, events=EVENTS_SHOWN if has_details else 0)
    present = {each["connection_id"]: each for each in glances}
    organizations = {state["organization_id"] for state in page}
    budgets: dict[str, BudgetSnapshot | None] = {
        each: order.budgets[each] if is_fresh and each in order.budgets else budget_of(basics, each)
        for each in sorted(organizations)
    }
    return [
        ListedConnection(
            with_sentences({**state, **present[state["connection_id"]]})
            | {"budget": budgets[state["organization_id"]]},
            order.findings_of(state["connection_id"]),
        )
        for state in page
        if state["connection_id"] in present
    ]
