"""The overview of an installation: what needs a person, the servers and processes, and the connections, worst first."""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from db import connection_facts, installation
from db.installation import InstallationFacts
from db.session import Session, autocommit
from domain.processes import Kind
from workers.boot.basics import Basics
from workers.services.connection_details import with_sentences
from workers.services.connection_order import NEEDS_YOU, Choice, ConnectionOrder, needs_person
from workers.services.doctor.checkup import Checkup
from workers.services.doctor.findings import Finding, Part
from workers.services.doctor.from_postgres import from_facts
from workers.services.doctor.from_redis import FromRedis, read_budgets, read_redis
from workers.services.doctor.judgement import judge
from workers.services.kept_counts import EVENTS_SHOWN, RUNS_SHOWN, KeptCounts

#: The number of all connections up to which each one is shown with its details.
MOST_WITH_DETAILS: Final = 10

#: The parts of the doctor that are judged by the states of all connections, with why they are not checked yet.
_UNCOUNTED: Final = dict.fromkeys(
    (Part.CONNECTIONS, Part.ZOHO, Part.RUNS, Part.WEBHOOKS, Part.REMINDERS), "the rows are being counted"
)


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
    is_counted: bool  #: False while troubles and counts of connections are read for the first time
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


def look(basics: Basics, counts: KeptCounts, choice: Choice) -> Overview:
    """Read the overview, with at most three statements.

    Raises:
        ConnectionNotListedError: see there.
        DatabaseError: Postgres does not work.
    """
    counted = counts.order()
    before, began = datetime.now(UTC), time.monotonic()
    with autocommit(basics.engine) as db:
        facts = installation.read(db)
        seconds = time.monotonic() - began
        order = counted.value or ConnectionOrder(connection_facts.outlines(db), (), {})
        page, more_after = order.page(choice)
        has_details = order.total <= MOST_WITH_DETAILS
        glances = _glances(db, page, has_details=has_details)
    redis = read_redis(basics)
    checkup = judge(basics, from_facts(basics, facts, before=before, seconds=seconds), redis, order.findings)
    if counted.value is None:
        checkup = replace(checkup, unchecked=_UNCOUNTED | dict(checkup.unchecked))
    return Overview(
        facts,
        redis,
        checkup,
        total=order.total,
        names=order.names,
        counts=order.counts,
        listed=_listed(basics, order, glances, is_fresh=not counted.age_seconds),
        more_after=more_after,
        has_details=has_details,
        is_counted=counted.value is not None,
        counted_seconds_ago=counted.age_seconds,
    )


def _glances(db: Session, page: Sequence[Mapping[str, Any]], *, has_details: bool) -> list[dict[str, Any]]:
    """The present facts of the page's connections, each with what is known of its counts."""
    if not page:
        return []
    ids = [uuid.UUID(state["connection_id"]) for state in page]
    glances = connection_facts.glances(db, ids, runs=RUNS_SHOWN, events=EVENTS_SHOWN if has_details else 0)
    present = {each["connection_id"]: each for each in glances}
    # A connection that was erased since is left out.
    return [{**state, **present[state["connection_id"]]} for state in page if state["connection_id"] in present]


def _listed(
    basics: Basics, order: ConnectionOrder, states: Sequence[Mapping[str, Any]], *, is_fresh: bool
) -> list[ListedConnection]:
    known = order.budgets if is_fresh else {}
    others = sorted({state["organization_id"] for state in states} - set(known))
    budgets = {**known, **read_budgets(basics, others)}
    return [
        ListedConnection(
            with_sentences(state) | {"budget": budgets.get(state["organization_id"])},
            order.findings_of(state["connection_id"]),
        )
        for state in states
    ]
