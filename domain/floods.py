"""Floods: so many waiting events of one connection that reading the lists costs fewer calls than detail calls."""

from datetime import UTC, datetime

#: If more records of one connection wait, a run reads the lists, because the records' details would cost more calls.
FLOOD = 25

#: The run for a flood starts when the connection has had no event for this time, because the run completes only events
#: from before its start.
QUIET_SECONDS = 5.0
#: The run for a flood starts at the latest this time after the flood's first event.
LONGEST_QUIET_SECONDS = 60.0

#: The webhooks of one connection make at most this share of the day's calls in an hour. Without this limit a slow mass
#: edit would use up the day's calls, because it never has enough waiting records for a flood.
_SHARE_OF_DAY = 1 / 40

#: The runs that floods bring forward make at most this share of a day's calls, after the calls reserved for other
#: programs.
_RUNS_SHARE_OF_DAY = 1 / 4

#: Half of a flood's share of calls may be spent at once and refills within a day, so that no 24 hours have more than
#: the share.
_SHARE_AT_ONCE = _RUNS_SHARE_OF_DAY / 2

#: The shortest time between two runs that the floods of one connection bring forward.
RUN_SPACING_SECONDS = 60.0

#: The time in which a spent allowance of calls for flood runs refills.
REFILL_SECONDS = 86_400.0


def details_an_hour(day_limit: int | None) -> int | None:
    """The detail calls that the webhooks of one connection may make in an hour; None while `day_limit` is unknown."""
    return None if day_limit is None else max(FLOOD, int(day_limit * _SHARE_OF_DAY))


def refill_seconds(calls: int, day_limit: int | None, day_kept: int) -> float:
    """The seconds after which the allowance for flood runs has regained the `calls` that one run spends.

    More than `REFILL_SECONDS` means that the run needs more calls than the whole allowance. `day_kept` of the day's
    calls are reserved for other programs. While Zoho's daily limit is unknown (None), the result is 0.
    """
    if day_limit is None:
        return 0.0
    at_once = (day_limit - day_kept) * _SHARE_AT_ONCE
    return calls * REFILL_SECONDS / max(at_once, 1.0)


def flood_sentence(waiting: int, since: datetime) -> str:
    """A flood as a sentence for people: how many records wait, since when, and what reads them."""
    records = "1 changed record waits" if waiting == 1 else f"{waiting:,} changed records wait"
    return (
        f"{records} for a run, the first since {since.astimezone(UTC):%Y-%m-%d %H:%M} UTC: the next run reads them. "
        "Those that it cannot prove wait for the next full run."
    )
