"""Measures the API budget with real workers, compared with two other limiters: `python -m benchmarks.budget`.

Zoho's minute is shortened to ten seconds, so that the benchmark takes only some minutes; `--window 60` uses the full
minute (an hour). Exit code 1: booksync breaks a bound; the figures of the other limiters are for comparison.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table

from benchmarks.budget_figures import Figures, Waits
from benchmarks.budget_people import People
from benchmarks.budget_runs import WINDOWS, Scenario, measure
from benchmarks.installation import new_console, running_servers, shown_progress
from workers.budget import BudgetLimits

LEAST_USE = 0.98
MOST_DELIVERIES = 2.2
MOST_OVERTAKEN = 0.01
LONGEST_WAIT_SECONDS = 2.0


SCENARIOS = (
    Scenario("booksync", 1),
    Scenario("booksync", 4),
    Scenario("booksync", 8),
    Scenario("one killed midway", 4, is_killed=True),
    Scenario("3 organisations", 4, organizations=3),
    Scenario("people beside", 4, people=People.FEW),
    Scenario("bursts of people", 4, people=People.BURSTS),
    Scenario("WindowRateLimiter", 4, rival="call_with_dramatiq_window"),
    Scenario("limits", 4, rival="call_with_moving_window"),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure as shown, and whether it keeps its bound."""

    text: str
    is_kept: bool = True

    def __str__(self) -> str:
        return self.text if self.is_kept else f"[red]{self.text} ✗[/red]"


@dataclass(frozen=True, slots=True)
class Measured:
    """A scenario and its figures."""

    scenario: Scenario
    figures: Figures
    limits: BudgetLimits

    def cells(self) -> Sequence[Cell]:
        seen = self.figures
        is_done = seen.done == seen.messages
        return (
            Cell(f"{seen.done:,}" if is_done else f"{seen.done:,} of {seen.messages:,}", is_done),
            Cell(f"{seen.worst_window}", seen.worst_window <= self.limits.requests_per_minute),
            Cell("–" if seen.use is None else f"{seen.use:.1%}", seen.use is not None and seen.use >= LEAST_USE),
            Cell(f"{seen.refused}", not seen.refused),
            Cell(f"{seen.deliveries:.2f}", seen.deliveries <= MOST_DELIVERIES),
            Cell(f"{seen.overtaken:.1%}", seen.overtaken <= self._most_overtaken),
            Cell(f"{seen.seconds:.1f}"),
        )

    @property
    def _most_overtaken(self) -> float:
        """The bound for overtaken calls.

        The messages of a killed worker come back after half a minute, at most its share of a window.
        """
        return 1 / (self.scenario.processes * WINDOWS) if self.scenario.is_killed else MOST_OVERTAKEN

    @property
    def first_waits(self) -> Waits | None:
        """The waits of the first burst, which the reserve does not know yet; None without bursts."""
        return Waits(self.figures.waits[0]) if self.scenario.people is People.BURSTS else None

    @property
    def waits(self) -> Waits | None:
        """The waits of the interactive calls, without a first burst; None without such calls."""
        cycles = self.figures.waits[1:] if self.first_waits else self.figures.waits
        return Waits([wait for cycle in cycles for wait in cycle]) if self.scenario.people else None

    @property
    def is_kept(self) -> bool:
        first, later = self.first_waits, self.waits
        is_quick = (not first or max(first.all) <= self.limits.span_seconds) and (
            not later or later.p99 <= LONGEST_WAIT_SECONDS
        )
        return is_quick and all(cell.is_kept for cell in self.cells())


def main() -> None:
    options = _options()
    limits = BudgetLimits(requests_per_minute=options.limit, window_seconds=options.window)
    chosen = [each for each in SCENARIOS if options.only in str(each)]
    console = new_console()
    with running_servers() as servers, shown_progress(console) as progress:
        rows = [Measured(each, measure(servers, each, limits, progress), limits) for each in chosen]
    console.print(_table(rows, limits))
    for row in rows:
        if row.waits:
            console.print(f"{row.scenario}: {row.waits}; p99 may be {LONGEST_WAIT_SECONDS:g} s")
        if row.first_waits:
            console.print(f"the first burst: {row.first_waits}; a wait may be {limits.span_seconds:g} s")
    sys.exit(0 if all(row.is_kept for row in rows if row.scenario.rival is None) else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.budget", description="The API budget with real workers."
    )
    parser.add_argument("--window", type=float, default=10.0, help="seconds of Zoho's minute (%(default)s)")
    parser.add_argument("--limit", type=int, default=100, help="calls in it (%(default)s)")
    parser.add_argument("--only", default="", help="measurements whose name has this in it: '8 processes', 'killed'")
    return parser.parse_args()


def _table(rows: Sequence[Measured], limits: BudgetLimits) -> Table:
    limit = limits.requests_per_minute
    table = Table(
        title=f"API budget: {limit} calls in any {limits.window_seconds:g} s, work for {WINDOWS} windows",
        caption=(
            f"Use is of the ideal after the first window: {limits.bulk_slots} bulk calls every"
            f" {limits.span_seconds:g} s, the margin included, {limits.shared_slots} during bursts of people;"
            f" of the two other limiters' {limit} every"
            f" {limits.window_seconds:g} s. Overtaken: calls made over a second after one that was asked for later;"
            " where a worker is killed, what it held comes back late, and its share of a window is allowed."
        ),
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
    )
    table.add_column("measured", no_wrap=True)
    for name in ("processes", "calls", "worst window", "use", "429", "deliveries", "overtaken", "seconds"):
        table.add_column(name, justify="right", no_wrap=" " not in name)
    table.add_column("verdict")
    bounds = (f"{limit}", f"{LEAST_USE:.0%}", "0", f"{MOST_DELIVERIES}", f"{MOST_OVERTAKEN:.0%}")
    table.add_row("bound", "", "all", *bounds, end_section=True)
    for row in rows:
        verdict = "kept" if row.is_kept else "[red]broken[/red]"
        table.add_row(row.scenario.name, str(row.scenario.processes), *map(str, row.cells()), verdict)
    return table


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
