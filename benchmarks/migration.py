"""The migration of a big legacy database with concurrent readers and writers: `python -m benchmarks.migration`.

It prints the backfill's rows per second, the longest ACCESS EXCLUSIVE lock, the longest stall of a reader or writer,
and the growth of the database. Exit code 1: a bound is broken. `--invoices 50000 --customers 2500` is a small run.
"""

import argparse
import json
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks.migration_witnesses import LockWatch, Witness, legacy_writer, reader, writer
from db.migrations.revisions import Target
from db.migrations.runner import AppliedRevision, migrate
from sandbox.servers import EmbeddedPostgres

#: The longest time for which a table may be blocked for readers and writers.
LONGEST_SECONDS = 0.5

_INVOICES = """
    INSERT INTO invoices_cache (
        user_id, zoho_invoice_id, zoho_customer_id, customer_name, customer_phone, customer_country_code,
        customer_timezone, invoice_number, status, date, due_date, total, balance, currency_code,
        zoho_last_modified_at, updated_at
    )
    SELECT
        %(user)s, n, CASE WHEN n %% 1000 = 0 THEN ' ' ELSE (1 + n %% %(customers)s)::text END,
        'Customer ' || n %% %(customers)s || CASE WHEN n %% 21 = 0 THEN ' Ltd' ELSE '' END,
        CASE WHEN n %% 13 = 0 THEN 'n/a' ELSE '+4420703' || lpad((n %% %(customers)s)::text, 5, '0') END,
        CASE WHEN n %% 50 = 0 THEN '44' ELSE 'GB' END,
        'Europe/London', 'INV-' || n, 'sent', '2026-01-01', '2026-02-01', n %% 5000, n %% 700, 'GBP',
        '2026-01-01Z'::timestamptz + n * interval '1s', '2026-01-01Z'::timestamptz + n * interval '1s'
    FROM generate_series(1, %(invoices)s) AS n
"""
_REMINDERS = """
    INSERT INTO reminders (user_id, invoice_id, step, scheduled_at, phone)
    SELECT user_id, id, 3, now(), CASE WHEN random() < 0.9 THEN customer_phone END
    FROM invoices_cache WHERE random() < 0.2
"""


@dataclass
class Phase:
    """One change of the schema with the stalls of the readers and writers."""

    target: str
    seconds: float = 0.0
    longest_lock_seconds: float = 0.0
    longest_stall_seconds: dict[str, float] = field(default_factory=dict)
    statements: int = 0  #: of readers and writers during the phase
    errors: list[str] = field(default_factory=list)
    megabytes: float = 0.0  #: the database's size afterwards
    revisions: dict[str, float] = field(default_factory=dict)  #: seconds


def main() -> None:
    asked = _asked()
    with (
        TemporaryDirectory(prefix="booksync-benchmark-") as folder,
        EmbeddedPostgres(Path(folder, "postgres")) as postgres,
    ):
        url = postgres.create_database("legacy")
        user = _fill(url, asked.invoices, asked.customers)
        before = _megabytes(url)
        up = [Target.PHASE1, Target.PHASE2, Target.PHASE3]
        down = [Target.PHASE2, Target.PHASE1, Target.LEGACY]
        phases = [_measured(url, target, user, asked.invoices) for target in up + (down if asked.down else [])]
    _tell(phases, before, asked.invoices)
    if asked.json:
        print(json.dumps({"megabytes_before": before, "phases": [asdict(phase) for phase in phases]}))
    sys.exit(0 if all(_is_kept(phase) for phase in phases) else 1)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.migration", description=__doc__.splitlines()[0])
    parser.add_argument("--invoices", type=int, default=1_000_000, help="(%(default)s)")
    parser.add_argument("--customers", type=int, default=50_000, help="(%(default)s)")
    parser.add_argument("--down", action="store_true", help="measure the way back, too")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    return parser.parse_args()


def _fill(url: str, invoices: int, customers: int) -> uuid.UUID:
    migrate(url, Target.LEGACY)
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("INSERT INTO users DEFAULT VALUES RETURNING id").fetchone()
        assert row is not None
        user: uuid.UUID = row[0]
        connection.execute(_INVOICES, {"user": user, "invoices": invoices, "customers": customers})
        connection.execute(_REMINDERS)
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    return user


def _measured(url: str, target: Target, user: uuid.UUID, invoices: int) -> Phase:
    phase = Phase(str(target))
    clients = [reader(url, user=user, invoices=invoices), writer(url, user=user, invoices=invoices)]
    if target in (Target.PHASE1, Target.PHASE2) and not _is_at_phase3(url):
        clients.append(legacy_writer(url, user=user, invoices=invoices))
    locks = LockWatch(url)
    with _at_work([*clients, locks]):
        began = last = time.perf_counter()

        def note(done: AppliedRevision) -> None:
            nonlocal last
            now = time.perf_counter()
            phase.revisions[done.revision], last = now - last, now

        migrate(url, target, on_revision=note)
        phase.seconds = time.perf_counter() - began
    for client in clients:
        phase.longest_stall_seconds[client.what] = client.stalls.longest_seconds
        phase.statements += client.stalls.times
        phase.errors += client.stalls.errors
    phase.longest_lock_seconds = locks.longest_seconds
    phase.megabytes = _megabytes(url)
    return phase


@contextmanager
def _at_work(witnesses: Sequence[Witness]) -> Iterator[None]:
    for witness in witnesses:
        witness.start()
    try:
        yield
    finally:
        for witness in witnesses:
            witness.stop()


def _is_at_phase3(url: str) -> bool:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM information_schema.columns"
            " WHERE table_name = 'invoices_cache' AND column_name = 'customer_name'"
        ).fetchone()
    return row == (0,)


def _megabytes(url: str) -> float:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_database_size(current_database()) / 1e6").fetchone()
    assert row is not None
    return float(row[0])


def _is_kept(phase: Phase) -> bool:
    return phase.longest_lock_seconds <= LONGEST_SECONDS and not phase.errors


def _tell(phases: Sequence[Phase], before: float, invoices: int) -> None:
    console = Console(width=None if sys.stdout.isatty() else 150)
    table = Table(
        title=f"{invoices:,} invoices, {before:,.0f} MB; readers and writers at work, locks looked at every 5 ms"
    )
    for name in ("to", "seconds", "longest lock", "longest stalls", "statements meanwhile", "errors", "then MB"):
        table.add_column(name, justify="left" if name == "to" else "right")
    for phase in phases:
        stalls = "\n".join(f"{who} {seconds * 1000:,.0f} ms" for who, seconds in phase.longest_stall_seconds.items())
        table.add_row(
            phase.target,
            f"{phase.seconds:,.1f}",
            f"{phase.longest_lock_seconds * 1000:,.0f} ms",
            stalls,
            f"{phase.statements:,}",
            f"{len(phase.errors)}",
            f"{phase.megabytes:,.0f}",
        )
    console.print(table)
    for phase in phases:
        for error in phase.errors[:3]:
            console.print(f"  {phase.target}: {error}", markup=False)
    backfill = next(phase.revisions["0006_backfill"] for phase in phases if "0006_backfill" in phase.revisions)
    console.print(
        f"Backfill: {invoices / backfill:,.0f} invoices a second, {backfill:,.1f} s, index and check included"
    )
    longest = max(phase.longest_lock_seconds for phase in phases)
    verdict = "kept" if longest <= LONGEST_SECONDS else "broken"
    console.print(f"No table under ACCESS EXCLUSIVE for longer than {LONGEST_SECONDS * 1000:g} ms: {verdict}")


if __name__ == "__main__":
    main()
