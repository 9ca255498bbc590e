"""Lines about a connection that `booksync status` and other commands print.

These lines are in a module of their own, so that `status` does not load what the other commands use.
"""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from domain.entities import CUSTOMER, entities
from domain.reminders.opening import Handover
from workers.cli.terminal import Terminal, counted


def held_back(counts: Mapping[str, int], since: datetime | None) -> str | None:
    """Return a sentence about a connection's held deletions; None if `since` is None, because nothing is held.

    `counts` maps each kind of record (`customers`, `invoices`) to the number of held records.
    """
    if since is None:
        return None
    verb = "has" if sum(counts.values()) == 1 else "have"
    return f"{amounts(counts)} {verb} been held back from being marked deleted since {minute_of(since)}."


def tell_if_closed(
    connection_id: uuid.UUID | str, handover: Mapping[str, Any], tell: Terminal, *, indent: str = ""
) -> None:
    """If the connection is closed for handovers, print that, the number of waiting calls, and the next step."""
    if handover["resting"]:
        waiting = counted(handover["waiting_calls"], "call waits", "calls wait")
        tell.print(f"{indent}Nothing is handed over during the pause; {waiting}.", style="yellow")
    elif handover["handover"] == Handover.CLOSED:
        waiting = counted(handover["waiting_calls"], "call waits", "calls wait")
        tell.print(
            f"{indent}Handover is closed; {waiting}. Next: booksync reminders preview {connection_id}", style="yellow"
        )


def paused_line(since: datetime, reason: str | None) -> str:
    """Return since when a connection is paused, and the operator's reason, if there is one."""
    return f"Paused since {minute_of(since)}" + (f": {reason}" if reason else ".")


def refusals_line(refusals: dict[str, Any], connection_id: str) -> str | None:
    """Return the counts of refused webhooks in words, with times in UTC; None if no webhook was refused."""
    if not refusals["count"]:
        return None
    refused = counted(refusals["count"], "webhook", "webhooks")
    return (
        f"{refused} refused since {_clock(refusals['since'])}, the last at {_clock(refusals['last_at'])}: "
        "the secret does not match. "
        f"Next: booksync webhook show {connection_id}, and put that secret into Zoho's rule"
    )


def amounts(counts: Mapping[str, int]) -> str:
    """Return counts as `12 customers and 1 invoice`. A kind without records is omitted; without any: `0 customers`."""
    found = {entity: counts[entity.plural] for entity in entities() if counts[entity.plural]} or {CUSTOMER: 0}
    return " and ".join(counted(count, entity.noun, f"{entity.noun}s") for entity, count in found.items())


def minute_of(moment: datetime) -> str:
    """Return the date and the time in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _clock(moment: datetime) -> str:
    """Return the time of day, with the date unless the time is today."""
    at = moment.astimezone(UTC)
    return f"{at:%H:%M}" if at.date() == datetime.now(UTC).date() else f"{at:%Y-%m-%d %H:%M}"
