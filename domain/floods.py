"""Floods: more webhook events of one connection than detail calls are worth. A run reads the lists instead."""

#: With more waiting records of one connection than this, a run reads them: it costs fewer calls than their details.
FLOOD = 25

#: The run starts when no event has come for this time, because it covers only the events before it.
QUIET_SECONDS = 5.0
#: The run starts at the latest this time after the first event.
LONGEST_QUIET_SECONDS = 60.0

#: Webhooks make at most this share of the day's calls in an hour: a slow mass edit never has many records waiting.
_SHARE_OF_DAY = 1 / 40

#: The shortest time between two runs that a flood brings forward.
_SHORTEST_SPACING_SECONDS = 60.0

_DAY_SECONDS = 86_400.0


def details_an_hour(day_limit: int | None) -> int | None:
    """The detail calls that the webhooks of one connection may make in an hour; None while no limit is known."""
    return None if day_limit is None else max(FLOOD, int(day_limit * _SHARE_OF_DAY))


def run_spacing_seconds(calls: int, day_limit: int | None) -> float:
    """The time between two runs of a flood: runs of that many calls at this pace fit into the day's limit."""
    if day_limit is None:
        return _SHORTEST_SPACING_SECONDS
    return max(_SHORTEST_SPACING_SECONDS, calls * _DAY_SECONDS / day_limit)
