"""Woken consumers beside polling ones: delay of a message, throughput, idle cost: `python -m benchmarks.wake_ups`.

Exit code 1: a bound is broken. `--samples 50 --seconds 5 --messages 500` is a quick run.
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil
import redis
from dramatiq import Message
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.installation import installed, running_servers, shown_progress, unthrottled_simulator
from benchmarks.programs import running, running_workers
from benchmarks.promises import Promise, percentile_ms, verdicts
from tests.integration.chain.bench import Bench
from workers.observability import worker_states
from workers.observability.worker_states import WorkerState
from workers.queue import Queue, new_broker

DELAY_P50_MS = 10
COMMANDS_A_SECOND = 2.0

THREADS = 8

_DELAYS = "benchmark:delays"
_SETTLING_SECONDS = 8.0
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Idle:
    """The cost of an idle worker process."""

    commands: float  #: Redis commands per second
    cpu: float  #: CPU seconds per minute


@dataclass(frozen=True)
class Figures:
    """The figures of one kind of consumers."""

    delays: Sequence[float]  #: seconds from sending to the start of the actor, the worker being idle
    per_second: float  #: messages of a backlog
    idle: Idle


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wake_ups", description="Woken and polling consumers.")
    parser.add_argument("--samples", type=int, default=300, help="messages sent one by one (%(default)s)")
    parser.add_argument("--messages", type=int, default=5_000, help="messages of a backlog (%(default)s)")
    parser.add_argument("--seconds", type=float, default=60, help="of idling (%(default)s)")
    options = parser.parse_args()
    console = Console()
    with (
        running_servers() as servers,
        shown_progress(console) as progress,
        unthrottled_simulator(contacts=0, invoices=0) as zoho,
        installed(servers, zoho) as resources,
    ):
        client = resources.redis
        figures = {kind: _measure(kind, client, options, progress) for kind in ("polling", "woken")}
        client.flushall()
        Bench.connected(resources, zoho)
        with running_workers(processes=1, threads=THREADS) as master:
            _await_worker(client)
            whole = _idle(client, master.pid, options.seconds)
    promises = [
        Promise(
            "send to start, idle, p50", percentile_ms(figures["woken"].delays, 50), DELAY_P50_MS, " ms", is_most=True
        ),
        Promise("Redis commands of an idle worker", whole.commands, COMMANDS_A_SECOND, " a second", is_most=True),
    ]
    console.print(_table(figures, whole), verdicts(promises))
    sys.exit(0 if all(promise.is_kept for promise in promises) else 1)


def _measure(kind: str, client: redis.Redis, options: argparse.Namespace, progress: Progress) -> Figures:
    client.flushall()
    os.environ["CONSUMERS"] = kind
    words = ("benchmarks.wake_ups_worker", "--processes", "1", "--threads", str(THREADS))
    with running("dramatiq", *words) as master:
        _send_and_wait(client, 1)
        idle = _idle(client, master.pid, options.seconds)
        delays = []
        for _ in progress.track(range(options.samples), description=f"Single messages, {kind}"):
            # Polls come at fixed intervals, so the messages come at random moments.
            time.sleep(random.uniform(0.15, 0.3))
            delays += _send_and_wait(client, 1)
        began = time.monotonic()
        _send_and_wait(client, options.messages)
        return Figures(delays, options.messages / (time.monotonic() - began), idle)


def _send_and_wait(client: redis.Redis, number: int) -> list[float]:
    """Send messages, wait until the worker has started them all, and return their delays in seconds."""
    client.delete(_DELAYS)
    broker = new_broker(client)
    for _ in range(number):
        message: Message[None] = Message(Queue.API, "started", (time.monotonic_ns(),), {}, {})
        broker.enqueue(message)
    ends_at = time.monotonic() + _PATIENCE_SECONDS
    while client.llen(_DELAYS) < number:
        if time.monotonic() > ends_at:
            raise RuntimeError("a message was never started")
        time.sleep(0.005)
    return [int(delay) / 1e9 for delay in client.lrange(_DELAYS, 0, -1)]


def _await_worker(client: redis.Redis) -> None:
    ends_at = time.monotonic() + _PATIENCE_SECONDS
    while not any(report.state is WorkerState.WORKING for report in worker_states.reports(client)):
        if time.monotonic() > ends_at:
            raise RuntimeError("the worker never started")
        time.sleep(0.05)


def _idle(client: redis.Redis, master: int, seconds: float) -> Idle:
    """Measure the worker process of a master; the master's own CPU is left out."""
    time.sleep(_SETTLING_SECONDS)
    (worker,) = (child for child in psutil.Process(master).children() if "resource_tracker" not in child.cmdline()[-1])
    commands, cpu, began = _calls(client), sum(worker.cpu_times()[:2]), time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    return Idle(commands=(_calls(client) - commands) / took, cpu=(sum(worker.cpu_times()[:2]) - cpu) / took * 60)


def _calls(client: redis.Redis) -> int:
    """The commands that Redis has executed, those inside scripts included."""
    statistics: dict[str, dict[str, int]] = client.info("commandstats")
    return sum(each["calls"] for name, each in statistics.items() if name != "cmdstat_info")


def _table(figures: dict[str, Figures], whole: Idle) -> Table:
    table = Table("consumers", title=f"One worker process with {THREADS} threads and three queues")
    for name in ("send to start, p50", "p99", "backlog a second", "idle: commands a second", "CPU s a minute"):
        table.add_column(name, justify="right")
    for kind, of_it in figures.items():
        percentiles = (f"{percentile_ms(of_it.delays, percent):.1f} ms" for percent in (50, 99))
        table.add_row(
            kind, *percentiles, f"{of_it.per_second:,.0f}", f"{of_it.idle.commands:.1f}", f"{of_it.idle.cpu:.2f}"
        )
    table.add_row("woken, workers.main", "", "", "", f"{whole.commands:.1f}", f"{whole.cpu:.2f}")
    return table


if __name__ == "__main__":
    main()
