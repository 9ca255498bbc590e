"""The cost of large and of many organisations: `python -m benchmarks.scale`.

- `--only invoices`: one organisation with 1,000 to 100,000 invoices (`--sizes`; up to 1,000,000 the simulator is fast
  enough), all read by one worker process through the simulator.
- `--only organizations`: the first syncs of many organisations, which start at the same time, by 1, 2 and 4 worker
  processes. `--organizations 2000` takes hours. With `--latency-ms 200 --threads 1` the workers mostly wait for Zoho,
  so that more processes have an effect on a machine with few cores.

Exit code 1: a bound is broken.
"""

import argparse
import sys
from collections.abc import Sequence

from rich.progress import Progress

from benchmarks import scale_invoices, scale_organizations
from benchmarks.installation import UNLIMITED, Servers, new_console, running_servers, shown_progress
from benchmarks.programs import THREADS
from benchmarks.promises import Promise, exit_code, verdicts
from sandbox.zoho.process import running_simulator

_PARTS = ("invoices", "organizations")


def main() -> None:
    options = _options()
    console = new_console()
    promises: list[Promise] = []
    with running_servers() as servers, shown_progress(console) as progress:
        if options.only != "organizations":
            promises += _invoices(servers, _numbers(options.sizes), progress)
        if options.only != "invoices":
            promises += _organizations(servers, options, progress)
    if promises:
        console.print(verdicts(promises))
    sys.exit(exit_code(promises))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description="Large and many organisations.")
    parser.add_argument("--only", choices=_PARTS, help="one part (both)")
    parser.add_argument("--sizes", default="1000,10000,100000", help="invoices of one organisation (%(default)s)")
    parser.add_argument("--organizations", type=int, default=200, help="connected and read (%(default)s)")
    parser.add_argument("--contacts", type=int, default=500, help="of each organisation (%(default)s)")
    parser.add_argument("--invoices", type=int, default=0, help="of each organisation (%(default)s)")
    parser.add_argument("--processes", default="1,2,4", help="worker processes, ascending (%(default)s)")
    parser.add_argument("--threads", type=int, default=THREADS, help="of each process (%(default)s)")
    parser.add_argument("--latency-ms", type=int, default=0, help="of the simulator's responses (%(default)s)")
    return parser.parse_args()


def _invoices(servers: Servers, sizes: Sequence[int], progress: Progress) -> list[Promise]:
    measured = [scale_invoices.measure(servers, each, progress) for each in sizes]
    progress.console.print(scale_invoices.table(measured))
    return scale_invoices.promises(measured)


def _organizations(servers: Servers, options: argparse.Namespace, progress: Progress) -> list[Promise]:
    with running_simulator(
        organizations=options.organizations,
        contacts=options.contacts,
        invoices=options.invoices,
        latency_ms=options.latency_ms,
        requests_per_minute=UNLIMITED,
        requests_per_day=UNLIMITED,
        concurrency=1000,
    ) as zoho:
        processes = _numbers(options.processes)
        scales = [scale_organizations.measure(servers, zoho, each, options.threads, progress) for each in processes]
    title = (
        f"First syncs of {options.organizations:,} organisations with {options.contacts:,} contacts and"
        f" {options.invoices:,} invoices each, {options.latency_ms} ms a response, {options.threads} threads a process"
    )
    progress.console.print(scale_organizations.table(scales, title))
    return scale_organizations.promises(scales)


def _numbers(text: str) -> Sequence[int]:
    return [int(each) for each in text.split(",")]


if __name__ == "__main__":
    main()
