"""Statistics of the simulator: every arrival with its instant, so that tests can check a limiter to the millisecond."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class CallKind(StrEnum):
    ORGANIZATIONS = "organizations"
    CONTACTS = "contacts"
    CONTACT = "contact"
    BULK_PERSONS = "bulk_persons"
    PERSONS_OF_CONTACT = "persons_of_contact"
    INVOICES = "invoices"
    INVOICE = "invoice"
    TOKEN = "token"  # noqa: S105
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Arrival:
    monotonic: float
    wall: float
    organization_id: str
    kind: CallKind
    status: int = 0
    """HTTP status of the response; 0 without a response (in flight, hung or dropped)."""
    method: str = "GET"


@dataclass(slots=True)
class Stats:
    arrivals: list[Arrival] = field(default_factory=list)

    def arrive(
        self, monotonic: float, wall: float, organization_id: str, kind: CallKind, method: str = "GET"
    ) -> Arrival:
        arrival = Arrival(monotonic, wall, organization_id, kind, method=method)
        self.arrivals.append(arrival)
        return arrival

    def calls(self) -> dict[str, dict[str, dict[str, int]]]:
        """The number of calls by organisation (`""` for a call that names none), kind and status."""
        counted: dict[str, dict[str, dict[str, int]]] = {}
        seen = Counter((each.organization_id, each.kind, each.status) for each in self.arrivals)
        for (organization_id, kind, status), count in sorted(seen.items()):
            counted.setdefault(organization_id, {}).setdefault(kind.value, {})[str(status)] = count
        return counted


def worst_window(instants: Sequence[float], seconds: float) -> int:
    """The maximum number of arrivals in any window of `seconds`; arrivals exactly `seconds` apart are not in one."""
    ordered = sorted(instants)
    worst = first = 0
    for last, instant in enumerate(ordered):
        while ordered[first] <= instant - seconds:
            first += 1
        worst = max(worst, last - first + 1)
    return worst
