"""Schedules and API budgets of many organisations: `python -m benchmarks.fleet --organizations 10000`.

The scheduler's own ticks and the limiter's own scripts run on a real Postgres and a real Valkey, whose clocks only the
benchmark moves: by the real duration of each tick, and by the pause after it. Workers take no time. All organisations
are connected in the same moment, so that their first syncs are due together. Exit code 1: a promise is broken.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import mean

from rich.progress import Progress
from rich.table import Table
from sqlalchemy import text

from benchmarks.fleet_clock import simulated_servers
from benchmarks.fleet_worker import SimulatedWorkers, SimulatedZoho
from benchmarks.installation import Servers, installed, new_console, shown_progress, unthrottled_simulator
from benchmarks.processor import cpu_seconds
from benchmarks.promises import Promise, exit_code, percentile_ms, verdicts
from db import connections
from tests.integration.db.connection_builders import A_DAY_SECONDS, a_new_connection
from tests.integration.statements import recorded_statements
from workers.boot.resources import Resources
from workers.budget import BudgetLimits
from workers.scheduler import tick

_PER_DAY = 86_400
_TABLES = ("booksync.zoho_connections", "booksync.grants", "booksync.sync_runs", "booksync.api_use")

_DUE = text("""
    SELECT id::text, extract(epoch FROM least(next_sync_at, next_full_sync_at))::float
      FROM booksync.zoho_connections connection
     WHERE status = 'active' AND least(next_sync_at, next_full_sync_at) <= clock_timestamp()
       AND NOT EXISTS (SELECT FROM booksync.sync_runs WHERE connection_id = connection.id AND status = 'running')
""")
_STARTED = text("SELECT connection_id::text FROM booksync.sync_runs WHERE status = 'running'")


#: Each copy has a user and a grant of its own.
_COPY = text("""
    WITH copy AS MATERIALIZED (
        SELECT gen_random_uuid() AS id, gen_random_uuid() AS user_id, gen_random_uuid() AS grant_id,
               (20000000 + n)::text AS organization_id
          FROM generate_series(1, :copies) n
    ), copied_users AS (
        INSERT INTO users SELECT (jsonb_populate_record(original, jsonb_build_object('id', copy.user_id))).*
          FROM users original, copy
    ), copied_grants AS (
        INSERT INTO booksync.grants
        SELECT (jsonb_populate_record(original, jsonb_build_object('id', copy.grant_id))).*
          FROM booksync.grants original, copy
    )
    INSERT INTO booksync.zoho_connections
    SELECT (jsonb_populate_record(original, to_jsonb(copy) || CASE WHEN original.grant_id IS NULL
               THEN jsonb_build_object('grant_id', NULL) ELSE '{}' END)).*
      FROM booksync.zoho_connections original, copy
""")


@dataclass
class Figures:
    """What the ticks did, in simulated time, and what they cost, in real time."""

    syncs: Counter[str] = field(default_factory=Counter)  #: started, by connection
    starts: list[float] = field(default_factory=list)  #: seconds since the beginning
    late: list[float] = field(default_factory=list)  #: seconds from due to sent
    tick_seconds: list[float] = field(default_factory=list)  #: of ticks that started syncs
    empty_tick_seconds: list[float] = field(default_factory=list)
    scheduler_cpu_seconds: float = 0.0
    postgres_cpu_seconds: float = 0.0
    tick_statements: int = 0
    worker_statements: int = 0
    tick_commands: int = 0
    worker_commands: int = 0


class Fleet:
    """The simulation: ticks of one scheduler, and workers between them."""

    def __init__(self, servers: Servers, resources: Resources, zoho: SimulatedZoho, *, sample: int) -> None:
        self._servers = servers
        self._resources = resources
        self._clock = zoho.clock
        self._workers = SimulatedWorkers(resources, zoho, sample=sample)
        self.figures = Figures()

    @property
    def sampled(self) -> int:
        """The ended runs whose calls passed the limiter."""
        return self._workers.done

    @property
    def waits(self) -> int:
        """The runs that had to wait for the API budget."""
        return self._workers.waits

    def run(self, seconds: float, progress: Progress) -> None:
        task = progress.add_task("Simulated seconds", total=round(seconds))
        with recorded_statements(self._resources.engine) as sent:
            while self._clock.passed < seconds:
                pause = self._tick(sent)
                before, commands = len(sent), self._commands()
                self._workers.work()
                self.figures.worker_statements += len(sent) - before
                self.figures.worker_commands += self._commands() - commands
                self._clock.advance(pause)
                progress.update(task, completed=round(self._clock.passed))

    def _tick(self, sent: Sequence[str]) -> float:
        figures = self.figures
        due = self._due()
        before, commands, postgres = len(sent), self._commands(), cpu_seconds(self._servers.postgres.pid)
        began, cpu_began = time.perf_counter(), time.process_time()
        pause = tick(self._resources)
        seconds = time.perf_counter() - began
        figures.scheduler_cpu_seconds += time.process_time() - cpu_began
        figures.postgres_cpu_seconds += cpu_seconds(self._servers.postgres.pid) - postgres
        figures.tick_statements += len(sent) - before
        figures.tick_commands += self._commands() - commands
        self._clock.advance(seconds)
        started = [connection for connection in self._started() if connection in due]
        (figures.tick_seconds if started else figures.empty_tick_seconds).append(seconds)
        figures.syncs.update(started)
        figures.starts += [self._clock.passed] * len(started)
        figures.late += [self._clock.now - due[connection] for connection in started]
        self._resources.redis.delete(*(self._resources.redis.keys("dramatiq:*") or ["none"]))
        return pause

    def _due(self) -> dict[str, float]:
        with self._resources.engine.connect() as db:
            return {row[0]: float(row[1]) for row in db.execute(_DUE)}

    def _started(self) -> Sequence[str]:
        with self._resources.engine.connect() as db:
            return [str(each) for each in db.execute(_STARTED).scalars()]

    def _commands(self) -> int:
        """Redis's commands, those inside scripts included; this look is one itself."""
        stats: dict[str, dict[str, int]] = self._resources.redis.info("commandstats")
        return sum(each["calls"] for name, each in stats.items() if name not in ("cmdstat_info", "cmdstat_keys"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description="A fleet in simulated time.")
    parser.add_argument("--organizations", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=15, help="of simulated time (%(default)s)")
    parser.add_argument("--day-limit", type=int, default=10_000, help="Zoho's calls of a day (%(default)s)")
    parser.add_argument("--sample", type=int, default=20, help="one of so many organisations makes calls (%(default)s)")
    options = parser.parse_args()
    console = new_console()
    with (
        simulated_servers() as (servers, clock),
        shown_progress(console) as progress,
        unthrottled_simulator(contacts=0, invoices=0) as simulator,
        installed(servers, simulator, BudgetLimits()) as resources,
    ):
        _connect(resources, options.organizations)
        zoho = SimulatedZoho(clock, options.day_limit)
        fleet = Fleet(servers, resources, zoho, sample=options.sample)
        fleet.run(options.minutes * 60, progress)
        tables = _tables(fleet, zoho, resources, clock.passed, options.organizations)
    kept = _promises(fleet.figures, zoho, resources.settings.sync_interval_seconds, options)
    for table in (*tables, verdicts(kept)):
        console.print(table)
    sys.exit(exit_code(kept))


def _connect(resources: Resources, organizations: int) -> None:
    """Connect one organisation, and copy its rows for all others."""
    interval = resources.settings.sync_interval_seconds
    with resources.engine.begin() as db:
        connections.save(
            db, a_new_connection(), sync_interval_seconds=interval, full_sync_interval_seconds=A_DAY_SECONDS
        )
        db.execute(_COPY, {"copies": organizations - 1})
    with resources.engine.connect() as db:
        db.commit()
        db.execute(text("ANALYZE"))
        db.commit()


def _promises(figures: Figures, zoho: SimulatedZoho, interval: float, options: argparse.Namespace) -> Sequence[Promise]:
    return [
        Promise("organisations that were synced", len(figures.syncs), options.organizations, ""),
        Promise("latest start of a sync after it is due", max(figures.late), interval, " s", is_most=True),
        Promise("calls that Zoho would refuse", zoho.refusals, 0, "", is_most=True),
    ]


def _tables(
    fleet: Fleet, zoho: SimulatedZoho, resources: Resources, seconds: float, organizations: int
) -> Sequence[Table]:
    return (
        _schedule_table(fleet, zoho, seconds, resources.settings.sync_interval_seconds),
        _cost_table(fleet, seconds, organizations),
        _size_table(resources, organizations, len(fleet.figures.late)),
    )


def _figure_table(title: str, rows: Sequence[tuple[str, str]]) -> Table:
    table = Table("", title=title)
    table.add_column("", justify="right")
    for row in rows:
        table.add_row(*row)
    return table


def _schedule_table(fleet: Fleet, zoho: SimulatedZoho, seconds: float, interval: float) -> Table:
    figures = fleet.figures
    calls = [len(each) for each in zoho.calls.values()]
    rows = [("syncs started", f"{len(figures.late):,}")]
    first_end = 2 * interval
    for name, part in (
        ("all", figures.late),
        (f"after the first {first_end:.0f} s", _after(figures, first_end)),
    ):
        if len(part) > 1:
            late = ", ".join(f"{percentile_ms(part, percent) / 1000:.1f}" for percent in (50, 99))
            rows.append((f"late, {name}: p50, p99, most, s", f"{late}, {max(part):.1f}"))
    for name, begin in (("first", interval), ("last", max(interval, seconds - interval))):
        starts = Counter(int(each) for each in figures.starts if begin <= each < begin + interval)
        if starts:
            average = sum(starts.values()) / interval
            rows.append(
                (f"starts in a second of the {name} interval: mean, most", f"{average:.1f}, {max(starts.values())}")
            )
    rows += [
        ("syncs of an organisation and day", f"{len(figures.late) / len(figures.syncs) * _PER_DAY / seconds:.0f}"),
        ("calls of an organisation and day: mean, most", _of_a_day(calls, seconds)),
        ("runs that waited for the API budget", f"{fleet.waits:,}"),
    ]
    return _figure_table(f"{seconds / 60:.0f} simulated minutes", rows)


def _after(figures: Figures, begin: float) -> list[float]:
    return [late for start, late in zip(figures.starts, figures.late, strict=True) if start >= begin]


def _of_a_day(calls: Sequence[int], seconds: float) -> str:
    return f"{mean(calls) * _PER_DAY / seconds:,.0f}, {max(calls) * _PER_DAY / seconds:,.0f}"


def _cost_table(fleet: Fleet, seconds: float, organizations: int) -> Table:
    figures = fleet.figures
    syncs = len(figures.late)
    empty = figures.empty_tick_seconds
    per_run = max(1, fleet.sampled)
    statements = f"{figures.tick_statements / syncs:.1f}, {figures.worker_statements / per_run:.1f}"
    commands = f"{figures.tick_commands / syncs:.1f}, {figures.worker_commands / per_run:.1f}"
    rows = [
        ("ticks with starts, without", f"{len(figures.tick_seconds):,}, {len(empty):,}"),
        ("a tick with starts, ms: p50, p99, most", _milliseconds(figures.tick_seconds)),
        ("a tick without starts, ms: p50, p99, most", _milliseconds(empty)),
        ("starts that one scheduler can make in a second", f"{syncs / sum(figures.tick_seconds):.0f}"),
        ("scheduler's processor ms of a sync", f"{figures.scheduler_cpu_seconds / syncs * 1000:.2f}"),
        ("Postgres's processor ms of a sync's start", f"{figures.postgres_cpu_seconds / syncs * 1000:.2f}"),
        ("scheduler's processor, share of a core", f"{figures.scheduler_cpu_seconds / seconds:.1%}"),
        ("statements of a sync: scheduler, lease and end of the run", statements),
        ("Redis commands of a sync: scheduler, calls", commands),
    ]
    return _figure_table(f"Cost at {organizations:,} organisations", rows)


def _milliseconds(seconds: Sequence[float]) -> str:
    if len(seconds) < 2:
        return "–"
    return ", ".join(f"{each:,.1f}" for each in (*(percentile_ms(seconds, p) for p in (50, 99)), max(seconds) * 1000))


def _size_table(resources: Resources, organizations: int, syncs: int) -> Table:
    rows = []
    with resources.engine.connect() as db:
        for name in _TABLES:
            size = int(
                db.execute(text("SELECT pg_total_relation_size(CAST(:name AS regclass))"), {"name": name}).scalar_one()
            )
            each = syncs if name.endswith("sync_runs") else organizations
            rows.append((f"{name}, bytes a row", f"{size / each:,.0f}"))
    memory = int(resources.redis.info("memory")["used_memory_dataset"])
    rows.append(("Redis memory of an organisation, bytes", f"{memory / organizations:,.0f}"))
    return _figure_table("Size, with indexes and dead rows", rows)


if __name__ == "__main__":
    main()
