"""What an idle installation uses: `python -m benchmarks.idle`.

One worker process, the scheduler and the web process, with one connection that is synced. Exit code 1: a bound is
broken. No sync is due during the measurement. `--seconds 30` is a quick run.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks.installation import Servers, installed, running_servers, shown_progress, unthrottled_simulator
from benchmarks.programs import running, running_workers
from benchmarks.promises import Promise
from db import scheduler_marks
from sandbox.servers.ports import free_port
from tests.integration.chain.bench import Bench
from workers.boot.resources import Resources
from workers.observability.worker_states import WorkerState, reports

CPU_SECONDS_A_MINUTE = 0.5
#: Of each process.
REDIS_COMMANDS_A_SECOND = 2.0

CONTACTS = 300

#: After the start, the processes finish what they do only once.
_SETTLE_SECONDS = 10.0
_PATIENCE_SECONDS = 60.0

#: Longer than any measurement, so that no sync becomes due.
_NO_SYNC_SECONDS = "8640000"


@dataclass(frozen=True)
class Reading:
    """Totals since the start of the processes and servers."""

    cpu_seconds: Mapping[str, float]
    wakeups: Mapping[str, int]
    round_trips: Mapping[str, int]
    redis_commands: Mapping[str, int]


@dataclass(frozen=True)
class Idled:
    """The difference of two readings."""

    seconds: float
    before: Reading
    after: Reading

    def a_second(self, after: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
        return {name: (total - before.get(name, 0)) / self.seconds for name, total in after.items()}

    @property
    def cpu_seconds_a_minute(self) -> dict[str, float]:
        rates = self.a_second(self.after.cpu_seconds, self.before.cpu_seconds)
        return {name: rate * 60 for name, rate in rates.items()}

    @property
    def wakeups_a_second(self) -> dict[str, float]:
        return self.a_second(self.after.wakeups, self.before.wakeups)

    @property
    def round_trips_a_second(self) -> dict[str, float]:
        return self.a_second(self.after.round_trips, self.before.round_trips)

    @property
    def redis_commands_a_second(self) -> dict[str, float]:
        return self.a_second(self.after.redis_commands, self.before.redis_commands)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.idle", description="An idle installation.")
    parser.add_argument("--seconds", type=float, default=180, help="of the measurement (%(default)s)")
    options = parser.parse_args()
    os.environ |= {"SYNC_INTERVAL_SECONDS": _NO_SYNC_SECONDS, "FULL_SYNC_INTERVAL_SECONDS": _NO_SYNC_SECONDS}
    console = Console()
    with (
        running_servers() as servers,
        shown_progress(console) as progress,
        unthrottled_simulator(contacts=CONTACTS, invoices=CONTACTS) as zoho,
        installed(servers, zoho) as resources,
    ):
        _log_all_statements(servers)
        bench = Bench.connected(resources, zoho)
        bench.sync()
        with resources.engine.begin() as db:
            db.exec_driver_sql(
                "UPDATE booksync.zoho_connections SET next_sync_at = now() + interval '100 days',"
                " next_full_sync_at = now() + interval '100 days'"
            )
        with _processes(resources) as processes:
            _sleep(progress.track(range(round(_SETTLE_SECONDS)), description="Settle"))
            before, began = _reading(servers, resources, processes), time.monotonic()
            _sleep(progress.track(range(round(options.seconds)), description="Idle"))
            idled = Idled(time.monotonic() - began, before, _reading(servers, resources, processes))
    promises = _promises(idled)
    for table in (_process_table(idled), _command_table(idled), _verdicts(promises)):
        console.print(table)
    sys.exit(0 if all(promise.is_kept for promise in promises) else 1)


def _sleep(seconds: Iterable[int]) -> None:
    for _ in seconds:
        time.sleep(1)


@contextmanager
def _processes(resources: Resources) -> Iterator[Mapping[str, int]]:
    """The process ids of the three programs, each of which may have children; all of them have started their work."""
    port = str(free_port())
    with (
        running_workers(processes=1, threads=8) as worker,
        running("booksync", "scheduler") as scheduler,
        running("uvicorn", "workers.web.app:app", "--host", "127.0.0.1", "--port", port) as web,
    ):
        ends_at = time.monotonic() + _PATIENCE_SECONDS
        while not _have_started(resources, web.pid):
            if time.monotonic() > ends_at:
                raise RuntimeError("the processes have not started")
            time.sleep(0.1)
        yield {"worker": worker.pid, "scheduler": scheduler.pid, "web": web.pid}


def _have_started(resources: Resources, web: int) -> bool:
    with resources.engine.connect() as db:
        has_ticked = scheduler_marks.seconds_since(db, scheduler_marks.TICK) is not None
    works = any(each.state is WorkerState.WORKING for each in reports(resources.redis))
    listens = any(each.status == psutil.CONN_LISTEN for each in psutil.Process(web).net_connections())
    return has_ticked and works and listens


def _log_all_statements(servers: Servers) -> None:
    """Make Postgres log each statement with the name of its process: one line is one round trip."""
    with psycopg.connect(servers.postgres.url, autocommit=True) as database:
        for setting, value in (("log_min_duration_statement", "0"), ("log_line_prefix", "%a|")):
            database.execute(f"ALTER SYSTEM SET {setting} = '{value}'".encode())
        database.execute("SELECT pg_reload_conf()")


def _reading(servers: Servers, resources: Resources, processes: Mapping[str, int]) -> Reading:
    pids = {**processes, "Postgres": servers.postgres.pid, "Valkey": servers.valkey.pid}
    families = {name: _family(pid) for name, pid in pids.items()}
    stats: Mapping[str, Mapping[str, int]] = resources.redis.info("commandstats")
    return Reading(
        cpu_seconds={name: sum(map(_cpu_seconds, family)) for name, family in families.items()},
        wakeups={name: sum(map(_wakeups, family)) for name, family in families.items()},
        round_trips=_round_trips(servers.postgres.log),
        redis_commands={name.removeprefix("cmdstat_"): stat["calls"] for name, stat in stats.items()},
    )


def _family(pid: int) -> Sequence[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _wakeups(process: psutil.Process) -> int:
    """How often the process's threads have gone to sleep; psutil's own figure is that of the main thread only."""
    return sum(
        int(line.split()[1])
        for status in Path(f"/proc/{process.pid}/task").glob("*/status")
        for line in status.read_text().splitlines()
        if line.startswith("voluntary_ctxt_switches")
    )


def _round_trips(log: Path) -> Counter[str]:
    """The statements so far, those for BEGIN, COMMIT and the check of a connection among them, by process."""
    return Counter(
        line.split("|")[0].removeprefix("booksync ")
        for line in log.read_text(errors="replace").splitlines()
        if "|LOG:  duration: " in line and ("  statement: " in line or "  execute " in line)
    )


def _promises(idled: Idled) -> Sequence[Promise]:
    cpu = idled.cpu_seconds_a_minute
    commands = sum(idled.redis_commands_a_second.values())
    return [
        Promise(
            "processor time of worker, scheduler and web process, seconds a minute",
            cpu["worker"] + cpu["scheduler"] + cpu["web"],
            CPU_SECONDS_A_MINUTE,
            "",
            is_most=True,
        ),
        Promise("Redis commands a second of the worker process", commands, REDIS_COMMANDS_A_SECOND, "", is_most=True),
    ]


def _process_table(idled: Idled) -> Table:
    table = Table("", title=f"Idle for {idled.seconds:.0f} s")
    for name in ("CPU s a minute", "wake-ups a second", "Postgres round trips a second"):
        table.add_column(name, justify="right")
    for name, seconds in idled.cpu_seconds_a_minute.items():
        round_trips = idled.round_trips_a_second.get(name, 0.0)
        table.add_row(name, f"{seconds:.2f}", f"{idled.wakeups_a_second[name]:.1f}", f"{round_trips:.2f}")
    return table


def _command_table(idled: Idled) -> Table:
    table = Table("Redis command", title="Redis")
    table.add_column("a second", justify="right")
    rates = idled.redis_commands_a_second
    for name, rate in sorted(rates.items(), key=lambda each: -each[1]):
        if rate >= 0.01:
            table.add_row(name, f"{rate:.2f}")
    table.add_row("all", f"{sum(rates.values()):.2f}")
    return table


def _verdicts(promises: Sequence[Promise]) -> Table:
    table = Table("promise", "measured", "at most", "verdict", title="Promises")
    for promise in promises:
        verdict = "kept" if promise.is_kept else "[red]broken[/red]"
        table.add_row(promise.what, f"{promise.figure:.2f}", f"{promise.bound:g}", verdict)
    return table


if __name__ == "__main__":
    main()
