"""How long commands take that people wait for: `python -m benchmarks.commands`.

Each command is a new process. Exit code 1: a bound is broken, which a busy machine can cause. `--repeats 3` is a quick
run.
"""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.installation import installed, running_servers, shown_progress, unthrottled_simulator
from benchmarks.programs import PROGRAMS, PROJECT
from tests.integration.chain.bench import Bench

#: Command → its longest wall time in seconds.
BOUNDS = {"status": 0.6, "--help": 0.3, "--version": 0.3}

CONTACTS = 300


@dataclass(frozen=True)
class Took:
    """The wall time and the processor time of one process, in seconds."""

    wall: float
    processor: float


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.commands", description="Commands, in seconds.")
    parser.add_argument("--repeats", type=int, default=10, help="of each command (%(default)s)")
    options = parser.parse_args()
    console = Console()
    with (
        running_servers() as servers,
        shown_progress(console) as progress,
        unthrottled_simulator(contacts=CONTACTS, invoices=CONTACTS) as zoho,
        installed(servers, zoho) as resources,
    ):
        Bench.connected(resources, zoho).sync()
        took: dict[str, list[Took]] = {command: [] for command in BOUNDS}
        for _ in progress.track(range(options.repeats), description="Commands in turn"):
            for command, times in took.items():
                times.append(_run(command))
    console.print(_table(took))
    sys.exit(0 if all(_median_wall(took[command]) <= bound for command, bound in BOUNDS.items()) else 1)


def _run(command: str) -> Took:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run([PROGRAMS / "booksync", command], cwd=PROJECT, capture_output=True, check=True)
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Took(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def _median_wall(times: Sequence[Took]) -> float:
    return median(each.wall for each in times)


def _table(took: dict[str, list[Took]]) -> Table:
    table = Table("booksync …", title="Seconds")
    for name in ("processor", "wall, median", "wall, least", "wall, at most", "verdict"):
        table.add_column(name, justify="right")
    for command, times in took.items():
        bound = BOUNDS[command]
        figures = (
            median(each.processor for each in times),
            _median_wall(times),
            min(each.wall for each in times),
            bound,
        )
        verdict = "kept" if _median_wall(times) <= bound else "[red]broken[/red]"
        table.add_row(command, *(f"{figure:.2f}" for figure in figures), verdict)
    return table


if __name__ == "__main__":
    main()
