"""Checks of the clocks of this host, of the processes' hosts, of Redis and of Zoho, compared with Postgres's clock."""

from collections.abc import Iterator
from dataclasses import dataclass

from domain.processes import MOST_CLOCK_SECONDS, Processes
from workers.services.doctor.findings import Finding, Part, span, warning

_NTP = "synchronize the clocks with NTP, on that host and on Postgres's"


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """How far clocks are ahead of Postgres's, in seconds; None for an unknown one."""

    here: float | None = None
    redis: float | None = None
    zoho: float | None = None  #: Zoho's clock compared with booksync's, by a recorded response
    processes: Processes | None = None


def check_clocks(facts: ClockFacts) -> list[Finding]:
    """Return the clocks that differ too much."""
    return list(_differences(facts))


def _differences(facts: ClockFacts) -> Iterator[Finding]:
    for name, whose, ahead in (
        ("here", "This host's clock", facts.here),
        ("redis", "Redis's clock", facts.redis),
        ("zoho", "Zoho's clock", facts.zoho),
    ):
        if ahead is not None and abs(ahead) > MOST_CLOCK_SECONDS:
            yield _finding(f"clock_{name}", whose, ahead)
    for process in facts.processes.with_wrong_clock() if facts.processes else ():
        yield _finding("clock_process", f"The clock of {process.kind} {process.name}", process.clock_ahead_seconds)


def _finding(name: str, whose: str, ahead: float) -> Finding:
    than = "booksync's" if name == "clock_zoho" else "Postgres's"
    return warning(
        Part.CLOCKS,
        name,
        f"{whose} is {span(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'} {than}",
        cause="one of the two clocks is wrong, so log lines, delays and tokens have wrong times",
        next_step=_NTP,
    )
