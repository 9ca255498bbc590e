"""Statements over handover_outcomes: the outcomes of calls (`report_outcome` in SQL writes them)."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg.errors import InvalidParameterValue, NoDataFound
from sqlalchemy import Row, text
from sqlalchemy.exc import DBAPIError

from db.session import Session
from domain.call_outcomes import CallOutcome
from domain.errors import BooksyncError


class RefusedOutcomeError(BooksyncError):
    """The outcome cannot be recorded; the message contains the reason."""


def report(
    db: Session,
    handover_id: uuid.UUID,
    outcome: CallOutcome,
    *,
    reminder_id: uuid.UUID | None = None,
    until: dt.date | None = None,
    note: str | None = None,
) -> int:
    """Record the outcome of a call; returns the number of reminders that the outcome is recorded for.

    Raises:
        RefusedOutcomeError: the handover or reminder does not exist, or a promise has no day.
    """
    try:
        recorded: int = db.execute(
            text("SELECT booksync.report_outcome(:handover_id, :outcome, :reminder_id, :until, :note)"),
            {
                "handover_id": handover_id,
                "outcome": outcome,
                "reminder_id": reminder_id,
                "until": until,
                "note": note,
            },
        ).scalar_one()
    except DBAPIError as error:
        if not isinstance(error.orig, NoDataFound | InvalidParameterValue):
            raise
        raise RefusedOutcomeError(error.orig.diag.message_primary or "") from None
    return recorded


@dataclass(frozen=True, slots=True)
class ReportedOutcome:
    """The outcome of one reminder of a handover, as the application that made the call has reported it."""

    handover_id: uuid.UUID
    reminder_id: uuid.UUID
    connection_id: uuid.UUID
    invoice_id: uuid.UUID
    invoice_number: str  #: "" if the invoice is unknown by now
    customer_id: uuid.UUID
    customer_name: str = field(repr=False)
    phone: str = field(repr=False)  #: the number that was called
    outcome: str
    until: dt.date | None
    note: str = field(repr=False)
    reported_at: dt.datetime
    handed_over_at: dt.datetime
    time_zone: str  #: the customer's first time zone, else the organisation's
    home_time_zone: str


_LISTED = {
    "outcome": "AND lower(known.outcome) = :outcome",
    "connection_id": "AND handover.connection_id = :connection_id",
    "after_handover": """
        AND (known.reported_at, known.handover_id, known.reminder_id) <
            ((SELECT reported_at FROM booksync.handover_outcomes
               WHERE handover_id = :after_handover AND reminder_id = :after_reminder),
             :after_handover, :after_reminder)
    """,
}


def listed(
    db: Session,
    *,
    connection_id: uuid.UUID | None = None,
    outcome: CallOutcome | None = None,
    after: tuple[uuid.UUID, uuid.UUID] | None = None,
    limit: int,
) -> Sequence[ReportedOutcome]:
    """At most `limit` outcomes, the latest first: of one connection or all, of one kind or all.

    `after` is (handover_id, reminder_id): only outcomes that come after this one are returned.
    """
    handover_id, reminder_id = after or (None, None)
    given = {"connection_id": connection_id, "outcome": outcome, "after_handover": handover_id}
    values = {name: value for name, value in given.items() if value is not None}
    rows = db.execute(
        text(f"""
            SELECT known.*, handover.connection_id, handover.phone, handover.handed_over_at,
                   coalesce(invoice.invoice_number, '') AS invoice_number,
                   coalesce(customer.customer_name, '') AS customer_name,
                   coalesce(customer.time_zones[1], customer.time_zone, home.time_zone) AS time_zone,
                   home.time_zone AS home_time_zone
              FROM booksync.handover_outcomes AS known
              JOIN booksync.handovers AS handover ON handover.id = known.handover_id
              JOIN booksync.zoho_connections AS home ON home.id = handover.connection_id
              LEFT JOIN invoices_cache AS invoice ON invoice.id = known.invoice_id
              LEFT JOIN booksync.customers_cache AS customer ON customer.id = known.customer_id
             WHERE true {" ".join(_LISTED[name] for name in values)}
             ORDER BY known.reported_at DESC, known.handover_id DESC, known.reminder_id DESC
             LIMIT :limit
        """),  # noqa: S608  (constants)
        values | {"limit": limit} | ({"after_reminder": reminder_id} if reminder_id else {}),
    )
    return [_reported(row) for row in rows]


def _reported(row: Row[Any]) -> ReportedOutcome:
    columns = row._asdict()
    del columns["phone_text"]
    return ReportedOutcome(**(columns | {"note": row.note or ""}))
