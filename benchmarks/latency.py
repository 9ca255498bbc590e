"""First syncs of one organisation that answers slowly, or limits calls: `python -m benchmarks.latency`.

In each measurement one worker process reads all records of the simulator. `--only NAME` runs one measurement:

- `answers`: nothing is throttled, and each response takes half a second.
- `minute`: 100 calls in any 60 s, and each response takes 0.8 s; the books fill more than two windows.
- `wall`: 100 calls in any 60 s, and no latency.
- `scaled`: 100 calls in any 6 s, so that the same books take a tenth of the time; no latency.

Exit code 1: a bound is broken.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from rich.progress import Progress
from rich.table import Table

from benchmarks.installation import (
    UNTHROTTLED,
    Servers,
    installed,
    limited_simulator,
    new_console,
    running_servers,
    shown_progress,
)
from benchmarks.latency_figures import calls_a_minute, ideal_seconds
from benchmarks.processor import Cost
from benchmarks.programs import await_workers, running_workers
from benchmarks.promises import Promise, exit_code, verdicts
from benchmarks.worker_runs import MeasuredWorkers
from domain.runs import Mode
from tests.integration.chain.bench import Bench
from workers.budget import BudgetLimits

LEAST_CALLS_A_MINUTE = 88
LONGEST_WALL = 1.05  #: relative to the ideal

_TOO_MANY = 429


@dataclass(frozen=True)
class Setting:
    """One measurement."""

    name: str
    what: str
    limits: BudgetLimits
    latency_ms: int
    contacts: int
    invoices: int

    @property
    def is_throttled(self) -> bool:
        return self.limits is not UNTHROTTLED


@dataclass(frozen=True)
class Reading:
    """The figures of one measurement."""

    setting: Setting
    cost: Cost
    calls: int
    refused: int
    calls_a_minute: float | None  #: None: the calls fill less than two windows, or nothing is throttled

    @property
    def ideal_seconds(self) -> float:
        """The time that the budget allows; without a limit, that of all calls one after the other."""
        if self.setting.is_throttled:
            return ideal_seconds(self.calls, self.setting.limits)
        return self.calls * self.setting.latency_ms / 1000

    @property
    def of_ideal(self) -> float:
        return self.cost.seconds / self.ideal_seconds


SETTINGS = (
    Setting("answers", "0.5 s an answer, not throttled", UNTHROTTLED, 500, 2_000, 4_800),
    Setting("minute", "0.8 s an answer, 100 in 60 s", BudgetLimits(), 800, 10_000, 24_073),
    Setting("wall", "no latency, 100 in 60 s", BudgetLimits(), 0, 10_000, 24_073),
    Setting("scaled", "no latency, 100 in 6 s", BudgetLimits(window_seconds=6), 0, 10_000, 24_073),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", description="Slow answers, and the budget.")
    parser.add_argument("--only", choices=[each.name for each in SETTINGS], help="one measurement (all)")
    only = parser.parse_args().only
    console = new_console()
    with running_servers() as servers, shown_progress(console) as progress:
        readings = [_measure(servers, each, progress) for each in SETTINGS if only in (None, each.name)]
    promises = [promise for each in readings for promise in _promises(each)]
    console.print(_table(readings), *([verdicts(promises)] if promises else []))
    sys.exit(exit_code(promises))


def _measure(servers: Servers, setting: Setting, progress: Progress) -> Reading:
    task = progress.add_task(setting.what, total=1)
    with (
        limited_simulator(
            setting.limits, latency_ms=setting.latency_ms, contacts=setting.contacts, invoices=setting.invoices
        ) as zoho,
        installed(servers, zoho, setting.limits) as resources,
        running_workers(1) as master,
    ):
        bench = Bench.connected(resources, zoho)
        await_workers(master.pid, 1)
        zoho.reset_stats()
        cost = MeasuredWorkers(bench, master.pid, servers.postgres.pid).sync(Mode.FULL)
        stats = zoho.stats()
    progress.advance(task)
    instants = sorted(each.monotonic for each in stats.arrivals if each.organization_id == zoho.organization_id)
    rate = calls_a_minute(instants, setting.limits.window_seconds) if setting.is_throttled else None
    return Reading(setting, cost, stats.count(), stats.count(status=_TOO_MANY), rate)


def _promises(reading: Reading) -> list[Promise]:
    what, rate = reading.setting.what, reading.calls_a_minute
    if reading.setting.name == "minute" and rate is not None:
        return [Promise(f"{what}: calls a minute", rate, LEAST_CALLS_A_MINUTE, "")]
    if reading.setting.name in {"wall", "scaled"}:
        return [Promise(f"{what}: duration, of the ideal", reading.of_ideal, LONGEST_WALL, " ×", is_most=True)]
    return []


def _table(readings: Sequence[Reading]) -> Table:
    caption = (
        "The ideal is calls / slots of the bulk lane × window where the calls are limited, else calls × latency."
        " Calls a minute are those in whole windows from the first call on, scaled to 60 s."
    )
    table = Table("first sync", title="Slow answers and the budget", caption=caption)
    for name in ("calls", "429", "seconds", "ideal", "of the ideal", "calls a minute", "worker's processor"):
        table.add_column(name, justify="right")
    for reading in readings:
        rate = reading.calls_a_minute
        table.add_row(
            reading.setting.what,
            f"{reading.calls}",
            f"{reading.refused}",
            f"{reading.cost.seconds:.1f}",
            f"{reading.ideal_seconds:.1f}",
            f"{reading.of_ideal:.2f} ×",
            "" if rate is None else f"{rate:.0f}",
            f"{reading.cost.cpu_seconds:.1f} s",
        )
    return table


if __name__ == "__main__":
    main()
