"""Statements over reminders and the times of planning. Only `workers.services.plan_reminders` makes plans."""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import text

from db.batches import as_json
from db.connections import Connection
from db.session import Session
from domain.invoices import CLOSED_STATUSES
from domain.reminders.permission import SkipReason
from domain.reminders.plan import PlannedReminder
from domain.reminders.plan_changes import SCHEDULED, ReminderStatus

#: Selects the invoices that were planned: open ones, but not those of a disconnected connection.
HAS_PLAN: Final = f"plan_outcome <> '{SkipReason.DISCONNECTED}'"

_NOT_PLANNED_YET = "not_planned_yet"


@dataclass(frozen=True, slots=True)
class WithdrawnReminder:
    """A pending reminder that a new plan omits."""

    invoice_id: uuid.UUID
    step: int
    status: ReminderStatus


@dataclass(frozen=True, slots=True)
class ScheduledReminder:
    """A planned reminder with its invoice and customer."""

    invoice_id: uuid.UUID
    customer_id: uuid.UUID
    phone: str | None = field(repr=False)
    planned: PlannedReminder

    def as_record(self) -> dict[str, Any]:
        return {
            "invoice_id": self.invoice_id,
            "customer_id": self.customer_id,
            "phone": self.phone,
            "step": self.planned.step,
            "scheduled_at": self.planned.scheduled_at,
            "day": self.planned.day,
            "closes_at": self.planned.window_closes_at,
        }


@dataclass(frozen=True, slots=True)
class NotedPlan:
    """The outcome of planning an invoice, and the time at which the invoice is to be planned again."""

    invoice_id: uuid.UUID
    plan_at: datetime | None
    outcome: str | None


class DueInvoice(NamedTuple):
    """An invoice whose planning is due."""

    invoice_id: uuid.UUID
    customer_id: uuid.UUID


def due_of_connection(
    db: Session, connection: Connection, *, now: datetime, limit: int, observed_since: datetime | None = None
) -> list[DueInvoice]:
    """The connection's invoices whose planning is due, the longest due first.

    With `observed_since`, a time by the server's clock, only invoices are returned that were read since then.
    """
    due = db.exec_driver_sql(
        """
        SELECT id, customer_id FROM invoices_cache
         WHERE connection_id = %(connection_id)s AND plan_at <= %(now)s AND customer_id IS NOT NULL
           AND (%(observed_since)s::timestamptz IS NULL OR observed_at >= %(observed_since)s::timestamptz)
         ORDER BY plan_at, id LIMIT %(limit)s
        """,
        {"connection_id": connection.connection_id, "now": now, "limit": limit, "observed_since": observed_since},
    )
    return [DueInvoice(*row) for row in due]


def due_of_customers(
    db: Session, connection: Connection, zoho_customer_ids: Sequence[str], *, now: datetime, limit: int | None
) -> list[uuid.UUID]:
    """The invoices of these customers whose planning is due, in the order in which they must be locked.

    With a limit, those are returned that have been due the longest.
    """
    due = db.execute(
        text("""
            SELECT id FROM (
                SELECT invoice.id, zoho_invoice_id
                  FROM invoices_cache invoice JOIN booksync.customers_cache customer ON customer.id = customer_id
                 WHERE customer.connection_id = :connection_id AND customer.zoho_customer_id = ANY(:zoho_customer_ids)
                   AND customer.user_id = :user_id AND plan_at <= :now
                 ORDER BY plan_at, invoice.id LIMIT :limit) AS due
             ORDER BY zoho_invoice_id
        """),
        {
            "connection_id": connection.connection_id,
            "user_id": connection.user_id,
            "zoho_customer_ids": list(zoho_customer_ids),
            "now": now,
            "limit": limit,
        },
    )
    return list(due.scalars())


def with_pending(db: Session, invoice_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """The invoices among `invoice_ids` that have pending reminders."""
    pending = db.execute(
        text("SELECT DISTINCT invoice_id FROM reminders WHERE invoice_id = ANY(:ids) AND status = 'scheduled'"),
        {"ids": list(invoice_ids)},
    )
    return list(pending.scalars())


def make_due(db: Session, customer_ids: Sequence[uuid.UUID], *, now: datetime) -> list[uuid.UUID]:
    """Make these customers' open invoices due for planning; returns the invoices.

    Left out are invoices that were never planned, which are due already, and those of a disconnected connection.
    """
    due = db.execute(
        text(f"""
            UPDATE invoices_cache SET plan_at = :now
             WHERE id IN (SELECT id FROM invoices_cache
                           WHERE customer_id = ANY(:customer_ids) AND {HAS_PLAN}
                           ORDER BY zoho_invoice_id FOR NO KEY UPDATE)
            RETURNING id
        """),  # noqa: S608  (a constant)
        {"customer_ids": list(customer_ids), "now": now},
    )
    return list(due.scalars())


def withdraw(db: Session, withdrawn: Sequence[WithdrawnReminder]) -> None:
    """Withdraw these reminders: each one that is still pending gets its new status (cancelled or superseded)."""
    if not withdrawn:
        return
    db.exec_driver_sql(
        """
        UPDATE reminders SET status = gone.status, updated_at = now()
          FROM unnest(%(invoices)s::uuid[], %(steps)s::int[], %(statuses)s::text[]) AS gone (invoice_id, step, status)
         WHERE reminders.invoice_id = gone.invoice_id AND reminders.step = gone.step
           AND reminders.status = 'scheduled' AND reminders.closes_at IS NOT NULL
        """,
        {
            "invoices": [each.invoice_id for each in withdrawn],
            "steps": [each.step for each in withdrawn],
            "statuses": [str(each.status) for each in withdrawn],
        },
    )


def schedule(db: Session, connection: Connection, rows: Sequence[ScheduledReminder]) -> None:
    """Write one row for each planned step of an invoice. A row that already matches the plan is not rewritten.

    Two kinds of rows are never changed. The first kind is a sent reminder; a status that booksync does not know means
    sent. The second kind is a reminder that the legacy application has planned itself (scheduled, without a closing
    time), even if the row appeared after the facts of the plan were read.
    """
    if not rows:
        return
    db.exec_driver_sql(
        f"""
        INSERT INTO reminders AS planned
               (user_id, status, invoice_id, customer_id, phone, step, scheduled_at, day, closes_at)
        SELECT %(user_id)s, '{ReminderStatus.SCHEDULED}', batch.*
          FROM json_to_recordset(%(rows)s::json)
               AS batch (invoice_id uuid, customer_id uuid, phone text, step smallint, scheduled_at timestamptz,
                         day date, closes_at timestamptz)
        ON CONFLICT (invoice_id, step) DO UPDATE
           SET customer_id = excluded.customer_id,
               phone = excluded.phone,
               scheduled_at = excluded.scheduled_at,
               day = excluded.day,
               closes_at = excluded.closes_at,
               status = '{ReminderStatus.SCHEDULED}',
               updated_at = now()
         WHERE (planned.status IN ('{ReminderStatus.CANCELLED}', '{ReminderStatus.SUPERSEDED}')
                OR planned.status = '{ReminderStatus.SCHEDULED}' AND planned.closes_at IS NOT NULL)
           AND (planned.status, planned.phone, planned.scheduled_at, planned.closes_at, planned.customer_id)
               IS DISTINCT FROM ('{ReminderStatus.SCHEDULED}', excluded.phone, excluded.scheduled_at,
                                 excluded.closes_at, excluded.customer_id)
        """,  # noqa: S608  (the enum's values)
        {"user_id": connection.user_id, "rows": as_json([row.as_record() for row in rows])},
    )


def note_plans(db: Session, plans: Sequence[NotedPlan]) -> None:
    """Record the outcomes of plans, and when each invoice is to be planned again."""
    db.exec_driver_sql(
        """
        UPDATE invoices_cache SET plan_at = made.plan_at, plan_outcome = made.outcome
          FROM json_to_recordset(%(rows)s::json) AS made (invoice_id uuid, plan_at timestamptz, outcome text)
         WHERE invoices_cache.id = made.invoice_id
        """,
        {"rows": as_json(plans)},
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """The numbers of a connection's open invoices with a pending reminder, and of the others by reason.

    Each open invoice is counted once.
    """

    scheduled: int  #: invoices with a pending reminder
    skipped: dict[str, int]  #: reason → invoices


#: SQL of the state of an open `invoice` of invoices_cache. An invoice whose last reminder was sent after the plan was
#: made counts as `ALL_STEPS_SENT`.
OUTCOME = f"""
    CASE WHEN invoice.customer_id IS NULL THEN '{SkipReason.CUSTOMER_MISSING}'
         WHEN invoice.plan_outcome = '{SCHEDULED}' AND NOT EXISTS (
              SELECT FROM reminders WHERE reminders.invoice_id = invoice.id AND reminders.status = 'scheduled')
         THEN '{SkipReason.ALL_STEPS_SENT}'
         ELSE coalesce(invoice.plan_outcome, '{_NOT_PLANNED_YET}') END
"""

#: The numbers of the open invoices of one connection by their state, as `standing_of` reads them.
STANDING = text(f"""
    SELECT {OUTCOME} AS outcome, count(*) AS invoices
      FROM invoices_cache AS invoice
     WHERE connection_id = :connection_id AND status <> ALL(:closed_statuses)
       AND coalesce(nullif(balance, 'NaN'), 0) > 0
     GROUP BY 1
     UNION ALL
    SELECT 'customer_missing', count(*) FROM booksync.waiting_invoices
     WHERE connection_id = :connection_id AND is_open HAVING count(*) > 0
""")  # noqa: S608


STANDING_VALUES: Final = {"closed_statuses": sorted(CLOSED_STATUSES)}


def standing(db: Session, connection_id: uuid.UUID) -> Standing:
    """The numbers of the connection's open invoices by state, including those that wait for their customer."""
    rows = db.execute(STANDING, {"connection_id": connection_id, **STANDING_VALUES})
    return standing_of(row._asdict() for row in rows)


def standing_of(rows: Iterable[Mapping[str, Any]]) -> Standing:
    """The numbers of open invoices by the rows of `STANDING`."""
    counted: Counter[str] = Counter()
    for row in rows:
        counted[row["outcome"]] += row["invoices"]
    scheduled = counted.pop(SCHEDULED, 0)
    return Standing(scheduled=scheduled, skipped=dict(sorted(counted.items())))
