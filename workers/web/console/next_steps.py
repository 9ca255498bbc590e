"""The doctor's findings on the overview: equal ones together, each with the page on which its next step is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from workers.services.doctor.findings import Finding, Part, Severity
from workers.services.overview import Overview

#: The findings of the same kind that are listed; a number stands for the others.
_MOST_LISTED: Final = 3


@dataclass(frozen=True, slots=True)
class Step:
    """A link to the page of the console on which a finding's next step is done; relative to the first page."""

    address: str
    label: str


@dataclass(frozen=True, slots=True)
class ListedFinding:
    """A finding; `connection_name` is the name of its connection, or its organisation's number."""

    finding: Finding
    step: Step | None
    connection_name: str | None = field(repr=False)

    @property
    def what(self) -> str:
        """The trouble, without the id of the connection, whose name is next to it."""
        of_connection = self.finding.connection_id
        if not of_connection:
            return self.finding.what
        what = self.finding.what.replace(f"Connection {of_connection}", "The connection")
        return what.replace(f"connection {of_connection}", "the connection").replace(" (the connection)", "")


@dataclass(frozen=True, slots=True)
class Group:
    """Findings of the same kind: the first ones, and the number of the others."""

    severity: Severity
    part: Part
    listed: Sequence[ListedFinding]
    others: int


#: Finding → the page of its next step, and the link's text.
_STEPS: Final[Mapping[str, tuple[str, str]]] = {
    "parked": ("connections/{connection_id}", "Resume or reconnect"),
    "stale": ("connections/{connection_id}", "Look at its runs"),
    "held_deletions": ("deletions?connection={connection_id}", "Decide about them"),
    "run_failed": ("dead-letters?connection={connection_id}", "Look at the dead letters"),
    "run_degraded": ("connections/{connection_id}", "Look at its runs"),
    "run_retries": ("connections/{connection_id}", "Look at the run"),
    "waits_for_worker": ("connections/{connection_id}", "Look at the run"),
    "rejected_rows": ("connections/{connection_id}", "Open the connection"),
    "dead_letters": ("dead-letters", "Decide about them"),
    "webhooks_refused": ("connections/{connection_id}", "Show the webhook"),
    "webhooks_unreadable": ("connections/{connection_id}", "Show the webhook"),
    "flood": ("connections/{connection_id}", "Open the connection"),
    "handover_closed": ("connections/{connection_id}", "Preview and open"),
    "doubtful_numbers": ("calls/numbers?connection={connection_id}", "Check the numbers"),
    "countries_not_understood": ("customers?connection={connection_id}", "Look at the customers"),
    "day_spent": ("connections/{connection_id}", "Look at the budget"),
    "throttled": ("connections/{connection_id}", "Look at the budget"),
    "tokens_throttled": ("connections/{connection_id}", "Open the connection"),
    "zoho_refuses": ("connections/{connection_id}", "Open the connection"),
}


def grouped(overview: Overview) -> list[Group]:
    """Return the findings in the doctor's order, those of the same kind together."""
    kinds: dict[tuple[Any, ...], list[Finding]] = {}
    for finding in overview.checkup.findings:
        if finding.name == "no_connection":
            continue  # The start page says so already.
        kinds.setdefault((finding.severity, finding.part, finding.name), []).append(finding)
    return [
        Group(
            severity,
            part,
            [_listed(finding, overview.names) for finding in found[:_MOST_LISTED]],
            max(0, len(found) - _MOST_LISTED),
        )
        for (severity, part, _), found in kinds.items()
    ]


def _listed(finding: Finding, names: Mapping[str, str]) -> ListedFinding:
    step = _STEPS.get(finding.name)
    if step is None or ("{connection_id}" in step[0] and not finding.connection_id):
        return ListedFinding(finding, None, names.get(finding.connection_id))
    address, label = step
    return ListedFinding(
        finding,
        Step(address.format(connection_id=finding.connection_id), label),
        names.get(finding.connection_id),
    )
