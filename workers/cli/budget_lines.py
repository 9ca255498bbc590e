"""The API budget in words: why calls stop, for how long, and the next step."""

import math
from typing import Any

#: Reason of a pause → its explanation.
_PAUSES = {
    "minute": "Zoho has refused a call, because there were too many in a minute",
    "concurrency": "Zoho has refused a call, because there were too many at once",
    "forgotten": "Redis has lost the record of recent calls, and Zoho may still count them",
}


def is_day_spent(budget: dict[str, Any]) -> bool:
    """Return whether the day's calls are spent, so that runs wait for the next day."""
    return bool(budget["day_waits_seconds"] > 0)


def stop_line(budget: dict[str, Any], connection_id: str) -> str | None:
    """Return why calls to Zoho are not made now, and the next step; None if calls are made."""
    if is_day_spent(budget):
        return _spent_day(budget, connection_id)
    if budget["paused_seconds"] > 0:
        why = _PAUSES[budget["paused_reason"]]
        return (
            f"All calls are paused for {span(budget['paused_seconds'])}: {why}. Next: wait; calls resume automatically"
        )
    return None


def _spent_day(budget: dict[str, Any], connection_id: str) -> str:
    waits = span(budget["day_waits_seconds"])
    if budget["probe_in_seconds"] is None:
        return (
            f"The day's calls are spent except for {budget['day_remaining']:,}, which are reserved for other programs "
            f"(ZOHO_DAILY_RESERVE). Runs and webhooks resume in {waits}. Next: wait, or buy a larger plan at Zoho"
        )
    why = "Zoho refuses calls (code 45)" if budget["paused_reason"] == "day" else "Zoho has reported that none is left"
    return (
        f"The day's calls are spent: {why}. All calls wait for {waits} at most. A test call "
        f"is made {_moment(budget['probe_in_seconds'])}. "
        f"Next: wait, or with a larger plan at Zoho: booksync budget resume {connection_id}"
    )


def reserve_words(budget: dict[str, Any]) -> str:
    """Return in words how many calls of a window syncs leave at present to webhooks and people; "" if none."""
    reserve = budget["interactive_reserve"]
    return f" (syncs leave {reserve} to webhooks and people)" if reserve else ""


def start_line(facts: dict[str, Any]) -> str | None:
    """Return why a sync would begin later, or that too few calls are left today for a full sync; else None."""
    budget = facts["budget"]
    if budget is None:
        return "Redis cannot be reached, so a sync would begin once it is back. Next: check REDIS_URL"
    if facts["begins_in_seconds"] > 0:
        why = "the day's calls are spent" if is_day_spent(budget) else "all calls are paused"
        probe = budget["probe_in_seconds"]
        sooner = f" A test call {_moment(probe)} may let it begin sooner." if probe is not None else ""
        return f"A sync would begin in {span(facts['begins_in_seconds'])}, because {why}.{sooner}"
    left = facts["left_for_runs"]
    if left is not None and facts["full"]["calls"] > left:
        resets = span(budget["day_resets_in_seconds"] or 0.0)
        return f"Only {left:,} calls are left for runs today, so the rest of a full sync waits for at least {resets}."
    return None


def span(seconds: float) -> str:
    """Format a duration, rounded up: `42 s`, `12 min`, `5 h 12 min`."""
    if seconds < 120:
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def _moment(seconds: float) -> str:
    return f"in {span(seconds)}" if seconds > 0 else "now"
