"""The arithmetic of the latency benchmark."""

from collections.abc import Sequence

from workers.budget import BudgetLimits

_MINUTE_SECONDS = 60.0
_LEAST_WINDOWS = 2


def calls_a_minute(instants: Sequence[float], window_seconds: float) -> float | None:
    """The calls of the whole windows from the first call on, scaled to a minute; `instants` are ascending seconds.

    A part of a window would count its burst but not the wait after it. None: the calls fill less than two windows.
    """
    windows = int((instants[-1] - instants[0]) // window_seconds) if instants else 0
    if windows < _LEAST_WINDOWS:
        return None
    ends_at = instants[0] + windows * window_seconds
    calls = sum(instant < ends_at for instant in instants)
    return calls / windows * _MINUTE_SECONDS / window_seconds


def ideal_seconds(calls: int, limits: BudgetLimits) -> float:
    """The time of this many calls if every slot of the bulk lane is used, without the margin of a window."""
    return calls / limits.bulk_slots * limits.window_seconds
