"""Statements over handover_outcomes: the outcomes of calls (`report_outcome` in SQL writes them)."""

import datetime as dt
import uuid

from psycopg.errors import InvalidParameterValue, NoDataFound
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db.session import Session
from domain.errors import BooksyncError
from domain.outcome import CallOutcome


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
