"""The overview of an installation: what needs a person, the servers and processes, and the connections, worst first."""

import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from db import connection_facts, installation
from db.installation import InstallationFacts
from db.session import autocommit
from domain.connection_states import ConnectionStatus
from domain.errors import BooksyncError
from domain.processes import Kind
from workers.boot.basics import Basics
from workers.budget import BudgetSnapshot
from workers.services.connection_details import EVENTS_SHOWN, RUNS_SHOWN, budget_of, with_sentences
from workers.services.doctor.checkup import Checkup
from workers.services.doctor.findings import Finding, Severity
from workers.services.doctor.from_postgres import from_facts
from workers.services.doctor.from_redis import FromRedis, read_budgets, read_redis
from workers.services.doctor.judgement import examine_connections, judge
from workers.services.kept_connections import ConnectionsFound, KeptConnections

#: The connections of one page, and the number of all connections up to which each one is shown with its details.
CONNECTIONS_SHOWN: Final = 25
MOST_WITH_DETAILS: Final = 10

#: The choice of the connections that need a person; the other choices are the states of connections.
NEEDS_YOU: Final = "needs-you"
CHOICES: Final = (NEEDS_YOU, *ConnectionStatus)

#: The troubles that end without a person.
_PASSING: Final = frozenset(
    {"flood", "filter_ignored", "budget_forgotten", "run_degraded", "tokens_throttled", "calendar_ends"}
)


class ConnectionNotListedError(BooksyncError):
    """The list does not have the connection after which it should go on, because the connection was erased."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which connections are listed: all, those of one of `CHOICES`, those with these words; and from which one on."""

    state: str = ""
    words: str = ""
    after: str = ""  #: the id of the last connection of the page before


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
        return any(not finding.connection_id and _needs_person(finding) for finding in self.checkup.findings)


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
    order = _Order(last.found)
    page, more_after = order.page(choice)
    has_details = len(last.found.states) <= MOST_WITH_DETAILS
    return Overview(
        facts,
        redis,
        judge(basics, postgres, redis, last.found.findings),
        total=len(last.found.states),
        names={each["connection_id"]: each["name"] or each["organization_id"] for each in last.found.states},
        counts=order.counts,
        listed=_listed(basics, last.found, page, order, is_fresh=not last.age_seconds, has_details=has_details),
        more_after=more_after,
        has_details=has_details,
        counted_seconds_ago=last.age_seconds,
    )


def _read_connections(basics: Basics) -> ConnectionsFound:
    with autocommit(basics.engine) as db:
        states = connection_facts.connection_states(db, runs=1)
    now = states[0]["read_at"] if states else datetime.now(UTC)
    budgets = read_budgets(basics, sorted({state["organization_id"] for state in states}))
    return ConnectionsFound(states, examine_connections(basics, states, budgets, now, {}), budgets, now)


def _listed(
    basics: Basics,
    found: ConnectionsFound,
    page: Sequence[Mapping[str, Any]],
    order: "_Order",
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
        each: found.budgets[each] if is_fresh and each in found.budgets else budget_of(basics, each)
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


class _Order:
    """All connections, worst first: those that need a person, then those with other troubles, then by their state."""

    def __init__(self, found: ConnectionsFound) -> None:
        self._findings: dict[str, list[Finding]] = {}
        for finding in found.findings:
            self._findings.setdefault(finding.connection_id, []).append(finding)
        self._states = sorted(found.states, key=self._rank)
        self.counts = Counter(choice for state in found.states for choice in self._choices(state))

    def findings_of(self, connection_id: str) -> Sequence[Finding]:
        """The troubles of a connection, errors first."""
        return Checkup.of(self._findings.get(connection_id, ()), {}).findings

    def page(self, choice: Choice) -> tuple[Sequence[Mapping[str, Any]], str | None]:
        """The chosen connections of one page, and the id after which the next page begins; None at the end.

        Raises:
            ConnectionNotListedError: see there.
        """
        begin = 0
        if choice.after:
            ids = [state["connection_id"] for state in self._states]
            if choice.after not in ids:
                raise ConnectionNotListedError
            begin = ids.index(choice.after) + 1
        chosen = [state for state in self._states[begin:] if self._is_chosen(state, choice)]
        page = chosen[:CONNECTIONS_SHOWN]
        return page, page[-1]["connection_id"] if len(chosen) > len(page) else None

    def _rank(self, state: Mapping[str, Any]) -> tuple[int, int]:
        """The rank of a connection. Connections of one rank keep their order, the oldest first."""
        findings = self.findings_of(state["connection_id"])
        if any(finding.severity is Severity.ERROR for finding in findings):
            return 0, 0
        needs_person = any(map(_needs_person, findings))
        return (1 if needs_person else 2 if findings else 3), _STATES.index(state["status"])

    def _choices(self, state: Mapping[str, Any]) -> Iterator[str]:
        yield state["status"]
        if any(map(_needs_person, self._findings.get(state["connection_id"], ()))):
            yield NEEDS_YOU

    def _is_chosen(self, state: Mapping[str, Any], choice: Choice) -> bool:
        words = choice.words.casefold()
        named = (state["name"] or "", state["organization_name"] or "", state["organization_id"])
        return (not choice.state or choice.state in self._choices(state)) and (
            any(words in each.casefold() for each in named) or state["connection_id"].startswith(words)
        )


_STATES: Final = list(map(str, ConnectionStatus))


def _needs_person(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR or finding.name not in _PASSING
