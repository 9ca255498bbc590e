"""The time of the console's lists, searches and pages over a million invoices: `python -m benchmarks.console`.

One organisation with 300,000 customers, written by Postgres itself. Each row is the median and the slowest of ten
looks, without the rendering of the page, which takes some 10 ms. `--explain` prints the plans of the slowest statement.
Exit code 1: a list or search takes more than 200 ms.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from rich.table import Table
from sqlalchemy import text

from benchmarks.console_records import fill
from benchmarks.installation import new_console, running_servers
from db import customer_lists, invoice_lists
from db.connections import Connection
from db.engine import new_engine
from db.session import Session
from domain.phones import PhoneFallback
from workers.services.explained_customer import explained_customer
from workers.services.explained_invoice import explained_invoice
from workers.services.find_records import find_records

_MOST_MS = 200
_LOOKS = 10
_ROWS = 51

Look = Callable[[Session], Any]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.console", description="Lists and searches.")
    parser.add_argument("--invoices", type=int, default=1_000_000, help="of one organisation (%(default)s)")
    options = parser.parse_args()
    console = new_console()
    table = Table(title=f"{options.invoices:,} invoices", title_justify="left")
    for heading in ("look", "rows", "median ms", "slowest ms"):
        table.add_column(heading, justify="left" if heading == "look" else "right")
    slowest = 0.0
    with running_servers() as servers, servers.new_database() as url:
        engine = new_engine(url, application_name="booksync benchmark")
        connection, seconds = fill(engine, options.invoices)
        console.print("Written in seconds:", {name: round(each, 1) for name, each in seconds.items()})
        with engine.connect() as db:
            for name, look in _looks(db, connection, options.invoices):
                rows, times = _timed(db, look)
                slowest = max(slowest, statistics.median(times))
                table.add_row(name, f"{rows:,}", f"{statistics.median(times):.1f}", f"{max(times):.1f}")
            console.print(table)
            console.print(_sizes(db))
        engine.dispose()
    sys.exit(slowest > _MOST_MS)


def _looks(db: Session, connection: Connection, invoices: int) -> Iterator[tuple[str, Look]]:
    id_ = connection.connection_id
    middle = db.execute(
        text("SELECT id FROM booksync.customers_cache WHERE zoho_customer_id = :id"),
        {"id": str(10_000_000 + invoices // 7)},
    ).scalar_one()
    no_phone = invoice_lists.without_reminder(db, id_, "no_phone", limit=_ROWS)
    late = db.execute(
        text("""
            SELECT id FROM invoices_cache WHERE connection_id = :id AND plan_outcome = 'no_phone'
             ORDER BY due_date DESC, id DESC OFFSET 500 LIMIT 1
        """),
        {"id": id_},
    ).scalar_one()
    yield "customers, first page", lambda db: customer_lists.by_name(db, id_, limit=_ROWS)
    yield "customers, a page in the middle", lambda db: customer_lists.by_name(db, id_, after=middle, limit=_ROWS)
    for words in ("bergenhol", "berkalun zim", "be", "b", "gmbh", "office77@", "office", "0301000", "030 10000777"):
        yield f"search: {words}", partial(find_records, given=words)
    yield "search: an invoice's number", lambda db: find_records(db, f"INV-{invoices // 2:07}")
    yield "search: a waiting invoice's number", lambda db: find_records(db, "WAIT-77")
    yield "reasons, counted (then kept for a minute)", lambda db: invoice_lists.reasons(db, id_)
    yield "a reason's invoices, first page", lambda db: invoice_lists.without_reminder(db, id_, "no_phone", limit=_ROWS)
    yield (
        "a reason's invoices, a late page",
        lambda db: invoice_lists.without_reminder(db, id_, "no_phone", after=late, limit=_ROWS),
    )
    yield (
        "waiting invoices, first page",
        lambda db: invoice_lists.without_reminder(db, id_, "customer_missing", limit=_ROWS),
    )
    yield "an invoice's page", lambda db: explained_invoice(db, no_phone[7].id, PhoneFallback.NONE)
    planned = db.execute(text("SELECT invoice_id FROM reminders WHERE scheduled_at < now() LIMIT 1")).scalar_one()
    yield "the page of an invoice with a reminder", lambda db: explained_invoice(db, planned, PhoneFallback.NONE)
    yield "a customer's page", lambda db: explained_customer(db, middle, PhoneFallback.NONE)


def _timed(db: Session, look: Look) -> tuple[int, list[float]]:
    """The number of rows, and the milliseconds of each look; the first look warms the caches."""
    found = look(db)
    times = []
    for _ in range(_LOOKS):
        began = time.perf_counter()
        look(db)
        times.append((time.perf_counter() - began) * 1000)
    return len(found) if hasattr(found, "__len__") else 1, times


def _sizes(db: Session) -> str:
    """The sizes of the indexes for these looks."""
    rows = db.execute(
        text("""
            SELECT relname, pg_size_pretty(pg_relation_size(oid)) AS size FROM pg_class
             WHERE relname ~ '^ix_(customers_cache_(by_name|words|email|phone_digits)|invoices_cache_not_reminded)$'
             ORDER BY relname
        """)
    )
    return ", ".join(f"{row.relname} {row.size}" for row in rows)


if __name__ == "__main__":
    main()
