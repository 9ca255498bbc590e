"""The cost of planning: all open invoices for the first time, with other rules, and without any change.

python -m benchmarks.reminders [--invoices 100000]
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, text

from benchmarks.installation import Servers, a_connection_in, running_servers
from db import hand_over, openings, phone_verdicts, questions, reminder_policies
from db.connections import Connection
from db.engine import new_engine
from domain.reminders.opening import Backlog
from domain.reminders.policy import ReminderPolicy
from tests.integration.db.reminding import plan_all
from workers.sync.questions import QUESTIONS_PER_STEP

#: Invoices of a customer; each customer has a different number.
INVOICES_PER_CUSTOMER = 4

#: The query for due reminders runs this much later, when many are due.
A_WEEK = timedelta(weeks=1)

#: The cost of a run without changes, at most this share of a run that plans everything.
MOST_IDLE_SHARE = 0.05


@dataclass(frozen=True)
class Measured:
    what: str
    rows: int
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--invoices", type=int, default=100_000)
    invoices = parser.parse_args().invoices
    console = Console()
    with running_servers() as servers:
        measured = measure(servers, invoices)
    table = Table(title=f"Planning the reminders of {invoices:,} open invoices")
    for heading in ("", "invoices", "seconds", "invoices/s"):
        table.add_column(heading, justify="right" if heading else "left")
    for each in measured:
        rate = f"{each.rows / each.seconds:,.0f}" if each.rows else ""
        table.add_row(each.what, f"{each.rows:,}", f"{each.seconds:.3f}", rate)
    console.print(table)
    again, idle = measured[1], measured[2]
    share = idle.seconds / again.seconds
    console.print(f"A run in which nothing changed costs {share:.2%} of planning everything again.")
    if share > MOST_IDLE_SHARE:
        raise SystemExit(f"That is more than {MOST_IDLE_SHARE:.0%}.")


def measure(servers: Servers, invoices: int) -> list[Measured]:
    """The first plan, the plan with other rules, the run without changes, and the query for due reminders."""
    with servers.new_database() as url:
        engine = new_engine(url, application_name="booksync benchmark")
        try:
            connection = a_connection_in(engine, country_code="GB", time_zone="Europe/London")
            _fill(engine, connection, invoices)
            now = datetime.now(UTC)
            with engine.begin() as db:
                openings.open_handover(db, connection.connection_id, Backlog.LATEST, now=now)
            first = _timed("planned for the first time", lambda: plan_all(engine, connection, now=now))
            with engine.begin() as db:
                every_day = ReminderPolicy(steps=(-5, 1, 4, 8, 15, 31))
                reminder_policies.save(db, connection.connection_id, every_day, now=now)
            again = _timed("planned again: other steps", lambda: plan_all(engine, connection, now=now))
            idle = _timed("nothing has changed", lambda: _idle(engine, connection, now))
            due = _timed("looked through for what is due", lambda: _due(engine, now + A_WEEK))
        finally:
            engine.dispose()
    return [first, again, idle, due]


def _timed(what: str, work: Callable[[], int]) -> Measured:
    began = time.perf_counter()
    rows = work()
    return Measured(what, rows, time.perf_counter() - began)


def _idle(engine: Engine, connection: Connection, now: datetime) -> int:
    """The queries of the phase when there is nothing to do."""
    with engine.begin() as db:
        phone_verdicts.noted(db, connection)
    planned = plan_all(engine, connection, now=now)
    with engine.begin() as db:
        window = reminder_policies.policy_of(db, connection.connection_id).window
        questions.questions(db, connection, window, now=now, limit=QUESTIONS_PER_STEP)
    return planned


def _due(engine: Engine, at: datetime) -> int:
    with engine.connect() as db:
        return len(hand_over.due(db, at=at))


def _fill(engine: Engine, connection: Connection, invoices: int) -> None:
    """Customers in five countries, their invoices due from a month ago to two months ahead."""
    values = {
        "user_id": connection.user_id,
        "connection_id": connection.connection_id,
        "customers": max(1, invoices // INVOICES_PER_CUSTOMER),
        "invoices": invoices,
    }
    with engine.begin() as db:
        db.execute(
            text("""
                INSERT INTO booksync.customers_cache (
                       user_id, connection_id, zoho_customer_id, customer_name, primary_phone, country_code,
                       time_zone, time_zones, payment_reminder_enabled, asked_version)
                SELECT :user_id, :connection_id, n::text, 'Customer ' || n, '+4479' || lpad(n::text, 8, '0'),
                       (ARRAY['GB', 'US', 'IN', 'DE', 'AU'])[n % 5 + 1],
                       zone, ARRAY[zone], true, 'epoch'
                  FROM generate_series(1, :customers) n
                 CROSS JOIN LATERAL (SELECT (ARRAY['Europe/London', 'America/New_York', 'Asia/Kolkata', 'Europe/Berlin',
                                                   'Australia/Sydney'])[n % 5 + 1]) AS clock (zone)
            """),
            values,
        )
        db.execute(
            text("""
                INSERT INTO invoices_cache (user_id, connection_id, zoho_invoice_id, zoho_customer_id, customer_id,
                       invoice_number, status, due_date, total, balance, currency_code, plan_at, asked_version)
                SELECT :user_id, :connection_id, n::text, customer.zoho_customer_id, customer.id, 'INV-' || n, 'sent',
                       current_date - 30 + n % 90, 100, 100, 'EUR', now(), 'epoch'
                  FROM generate_series(1, :invoices) n
                  JOIN booksync.customers_cache customer ON customer.connection_id = :connection_id
                   AND customer.zoho_customer_id = (n % :customers + 1)::text
            """),
            values,
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(text("VACUUM (ANALYZE) booksync.customers_cache, invoices_cache"))


if __name__ == "__main__":
    main()
