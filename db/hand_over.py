"""Statements over due reminders: the list with the reasons to hold reminders back, and the handover of the others."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, text

from db.session import Session
from domain.reminders.hand_over import HoldReason
from domain.users import UserId


@dataclass(frozen=True, slots=True)
class DueReminder:
    """A due reminder with its customer and invoice.

    `held_back` is the reason not to hand the reminder over; None without such a reason.
    """

    reminder_id: uuid.UUID
    user_id: UserId
    connection_id: uuid.UUID
    customer_id: uuid.UUID
    customer_name: str = field(repr=False)
    invoice_id: uuid.UUID
    invoice_number: str
    due_date: dt.date | None
    balance: Decimal | None
    currency_code: str
    step: int
    phone: str = field(repr=False)
    time_zone: str  #: the customer's first time zone, else the organisation's
    home_time_zone: str  #: the organisation's time zone
    scheduled_at: dt.datetime
    closes_at: dt.datetime
    held_back: HoldReason | None


#: The columns of a row, and the tables that they are from besides `due`.
_COLUMNS = """
    due.*, invoice.invoice_number, invoice.due_date, invoice.balance, invoice.currency_code, customer.customer_name,
    coalesce(customer.time_zones[1], customer.time_zone) AS time_zone, home.time_zone AS home_time_zone
"""
_DETAILS = """
    JOIN invoices_cache AS invoice ON invoice.id = due.invoice_id
    JOIN booksync.customers_cache AS customer ON customer.id = due.customer_id
    JOIN booksync.zoho_connections AS home ON home.id = due.connection_id
"""

_DUE = text(f"""
    SELECT {_COLUMNS} FROM booksync.due_reminders(coalesce(:at, clock_timestamp())) AS due {_DETAILS}
     WHERE due.connection_id = :connection_id OR CAST(:connection_id AS uuid) IS NULL
     ORDER BY due.scheduled_at, due.phone, due.reminder_id
""")  # noqa: S608  (constants)

_ONE_USER = "AND reminder.user_id = :user_id"
_ONE_CONNECTION = """
    AND EXISTS (SELECT FROM invoices_cache AS invoice
                 WHERE invoice.id = reminder.invoice_id AND invoice.connection_id = :connection_id)
"""
_AFTER = "AND (reminder.scheduled_at, reminder.user_id, reminder.phone, reminder.id) > ({place}, :after)"
_AFTER_ID = _AFTER.format(
    place=", ".join(
        f"(SELECT known.{column} FROM reminders AS known WHERE known.id = :after)"  # noqa: S608  (constants)
        for column in ("scheduled_at", "user_id", "phone")
    )
)
_AFTER_READ = _AFTER.format(place=":after_time, :after_user, :after_phone")


def due(db: Session, connection_id: uuid.UUID | None = None, *, at: dt.datetime | None = None) -> list[DueReminder]:
    """All due reminders, oldest first, each with the reason to hold it back, if any.

    The reminders are those that are due at `at`, else those that are due now by Postgres's clock.
    """
    return [_due(row) for row in db.execute(_DUE, {"connection_id": connection_id, "at": at})]


def queue(
    db: Session,
    user_id: UserId | None = None,
    connection_id: uuid.UUID | None = None,
    *,
    after: uuid.UUID | DueReminder | None = None,
    limit: int,
) -> Sequence[DueReminder]:
    """At most `limit` reminders that are due now, the oldest first: those after the reminder `after`.

    With an id, `after` means the reminder's present place. A reminder from an earlier batch means the place that it had
    then. Batches miss no row, even if a run plans some reminders again between two of them.

    They are those of one user, or of one connection of the user; `user_id` alone is faster for the only connection of a
    user. Only the returned reminders are checked for reasons to hold them back, because the checks of all take long.
    """
    rows = db.execute(
        text(f"""
            WITH page AS MATERIALIZED ({_first_due(user_id, connection_id, after)})
            SELECT {_COLUMNS}
              FROM page JOIN booksync.due_reminders(now()) AS due ON due.reminder_id = page.id {_DETAILS}
             ORDER BY due.scheduled_at, due.user_id, due.phone, due.reminder_id
        """),  # noqa: S608  (constants)
        _given(user_id, connection_id, after) | {"limit": limit},
    )
    return [_due(row) for row in rows]


def queue_counts(
    db: Session, user_id: UserId | None = None, connection_id: uuid.UUID | None = None, *, limit: int
) -> Mapping[HoldReason | None, int]:
    """The first `limit` reminders of the queue by the reason that holds them back, the most frequent reason first."""
    rows = db.execute(
        text(f"""
            WITH page AS MATERIALIZED ({_first_due(user_id, connection_id)})
            SELECT due.held_back, count(*) AS reminders
              FROM page JOIN booksync.due_reminders(now()) AS due ON due.reminder_id = page.id
             GROUP BY due.held_back ORDER BY reminders DESC, due.held_back
        """),  # noqa: S608  (constants)
        _given(user_id, connection_id) | {"limit": limit},
    )
    return {HoldReason(row.held_back) if row.held_back else None: row.reminders for row in rows}


def _first_due(
    user_id: UserId | None, connection_id: uuid.UUID | None, after: uuid.UUID | DueReminder | None = None
) -> str:
    """The SELECT of the ids of the first `:limit` reminders that are due."""
    return f"""
        SELECT reminder.id FROM reminders AS reminder
         WHERE reminder.status = 'scheduled' AND reminder.scheduled_at <= now() AND reminder.closes_at IS NOT NULL
           {_ONE_USER if user_id is not None else ""} {_ONE_CONNECTION if connection_id else ""}
           {_AFTER_READ if isinstance(after, DueReminder) else _AFTER_ID if after else ""}
         ORDER BY reminder.scheduled_at, reminder.user_id, reminder.phone, reminder.id
         LIMIT :limit
    """  # noqa: S608  (constants)


def _given(
    user_id: UserId | None, connection_id: uuid.UUID | None, after: uuid.UUID | DueReminder | None = None
) -> dict[str, Any]:
    given: dict[str, Any] = {"user_id": user_id, "connection_id": connection_id}
    if isinstance(after, DueReminder):
        given |= {"after_time": after.scheduled_at, "after_user": after.user_id, "after_phone": after.phone}
        after = after.reminder_id
    given["after"] = after
    return {name: value for name, value in given.items() if value is not None}


def _due(row: Row[Any]) -> DueReminder:
    return DueReminder(
        reminder_id=row.reminder_id,
        user_id=row.user_id,
        connection_id=row.connection_id,
        customer_id=row.customer_id,
        customer_name=row.customer_name,
        invoice_id=row.invoice_id,
        invoice_number=row.invoice_number or "",
        due_date=row.due_date,
        balance=row.balance,
        currency_code=row.currency_code or "",
        step=row.step,
        phone=row.phone,
        time_zone=row.time_zone or row.home_time_zone,
        home_time_zone=row.home_time_zone,
        scheduled_at=row.scheduled_at,
        closes_at=row.closes_at,
        held_back=HoldReason(row.held_back) if row.held_back else None,
    )


@dataclass(frozen=True, slots=True)
class Claimed:
    """One handover for one phone number. The handover's reminders are `sent` as soon as the transaction commits."""

    handover_id: uuid.UUID
    connection_id: uuid.UUID
    phone: str = field(repr=False)
    reminder_ids: tuple[uuid.UUID, ...]
    invoice_ids: tuple[uuid.UUID, ...]


_CLAIM = text("""
    SELECT handover_id, connection_id, phone, array_agg(reminder_id ORDER BY reminder_id) AS reminder_ids,
           array_agg(invoice_id ORDER BY reminder_id) AS invoice_ids
      FROM booksync.claim_due_reminders(:at_most, :connection_id, coalesce(:at, clock_timestamp()))
     GROUP BY handover_id, connection_id, phone
     ORDER BY handover_id
""")


def claim(
    db: Session,
    *,
    at_most: int = 100,
    connection_id: uuid.UUID | None = None,
    at: dt.datetime | None = None,
) -> Sequence[Claimed]:
    """Make at most `at_most` handovers of due reminders, one for each phone number.

    The caller sends the handovers after the commit.
    """
    rows = db.execute(_CLAIM, {"at_most": at_most, "connection_id": connection_id, "at": at})
    return [
        Claimed(
            handover_id=row.handover_id,
            connection_id=row.connection_id,
            phone=row.phone,
            reminder_ids=tuple(row.reminder_ids),
            invoice_ids=tuple(row.invoice_ids),
        )
        for row in rows
    ]
