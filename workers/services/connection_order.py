"""All connections, worst first: which ones need a person, and which ones a page of the overview lists."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from domain.connection_states import ConnectionStatus
from domain.errors import BooksyncError
from workers.budget import BudgetSnapshot
from workers.services.doctor.checkup import Checkup
from workers.services.doctor.findings import Finding, Severity

#: The connections of one page.
CONNECTIONS_SHOWN: Final = 25

#: From one of these numbers on, an installation is large: Postgres may need some seconds for its counts.
LARGE_ROWS: Final = 100_000  #: cached rows
MANY_CONNECTIONS: Final = 100

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


class ConnectionOrder:
    """All connections: those that need a person, then those with other troubles, then the others by their state.

    `states` is as `connection_facts.connection_states` returns it, oldest first; `budgets` is by organisation, and
    lacks those that are not known.
    """

    def __init__(
        self,
        states: Sequence[Mapping[str, Any]],
        findings: Sequence[Finding],
        budgets: Mapping[str, BudgetSnapshot],
    ) -> None:
        self.findings, self.budgets = findings, budgets
        self._by_connection: dict[str, list[Finding]] = {}
        for finding in findings:
            self._by_connection.setdefault(finding.connection_id, []).append(finding)
        self._states = sorted(states, key=self._rank)
        self._places = {state["connection_id"]: place for place, state in enumerate(self._states)}
        self.counts = Counter(choice for state in states for choice in self._choices(state))
        #: connection → its name, else its organisation's number
        self.names = {each["connection_id"]: each["name"] or each["organization_id"] for each in states}

    @property
    def total(self) -> int:
        """The number of all connections."""
        return len(self._states)

    @property
    def is_large(self) -> bool:
        """Whether reading the connections again takes long."""
        rows = sum(state["cached"]["customers"] + state["cached"]["invoices"] for state in self._states)
        return rows >= LARGE_ROWS or self.total >= MANY_CONNECTIONS

    def findings_of(self, connection_id: str) -> Sequence[Finding]:
        """The troubles of a connection, errors first."""
        return Checkup.of(self._by_connection.get(connection_id, ()), {}).findings

    def page(self, choice: Choice) -> tuple[Sequence[Mapping[str, Any]], str | None]:
        """The chosen connections of one page, and the id after which the next page begins; None at the end.

        Raises:
            ConnectionNotListedError: see there.
        """
        begin = 0
        if choice.after:
            if choice.after not in self._places:
                raise ConnectionNotListedError
            begin = self._places[choice.after] + 1
        chosen = (state for state in islice(self._states, begin, None) if self._is_chosen(state, choice))
        page = list(islice(chosen, CONNECTIONS_SHOWN))
        return page, page[-1]["connection_id"] if next(chosen, None) else None

    def _rank(self, state: Mapping[str, Any]) -> tuple[int, int]:
        """The rank of a connection. Connections of one rank keep their order, the oldest first."""
        findings = self._by_connection.get(state["connection_id"], ())
        if any(finding.severity is Severity.ERROR for finding in findings):
            return 0, 0
        is_needed = any(map(needs_person, findings))
        return (1 if is_needed else 2 if findings else 3), _STATES.index(state["status"])

    def _choices(self, state: Mapping[str, Any]) -> Iterator[str]:
        yield state["status"]
        if any(map(needs_person, self._by_connection.get(state["connection_id"], ()))):
            yield NEEDS_YOU

    def _is_chosen(self, state: Mapping[str, Any], choice: Choice) -> bool:
        if choice.state and choice.state not in self._choices(state):
            return False
        words = choice.words.casefold()
        named = (state["name"] or "", state["organization_name"] or "", state["organization_id"])
        return not words or any(words in each.casefold() for each in named) or state["connection_id"].startswith(words)


_STATES: Final = list(map(str, ConnectionStatus))


def needs_person(finding: Finding) -> bool:
    """Whether a person has to act, because the trouble does not end by itself."""
    return finding.severity is Severity.ERROR or finding.name not in _PASSING
