"""Statements over the handover switch of a connection, which is closed until a person opens it."""

import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg.errors import UniqueViolation
from sqlalchemy import Row, text
from sqlalchemy.exc import IntegrityError, OperationalError

from db.reminders import HAS_PLAN
from db.session import Session
from domain.errors import BooksyncError
from domain.reminders.opening import Backlog, Handover, Opening
from domain.time_zones import zone_named

#: The longest time for which closing a connection waits for handovers that have begun.
_CLAIMS_ARE_AWAITED = "5s"


class HandoverTakenError(BooksyncError):
    """Another connection to the same organisation hands its reminders over."""


@dataclass(frozen=True, slots=True)
class HandoverState:
    """Whether a connection is open for handovers, since when, and how many numbers have pending reminders."""

    handover: Handover
    opened_at: datetime | None
    backlog: Backlog
    waiting_calls: int  #: the number of different phone numbers with a pending reminder
    is_resting: bool = False  #: closed during a pause only: the end of the pause opens it again
    due_calls: int = 0  #: the waiting calls that are due today or were before, on the organisation's clock

    def as_json(self) -> dict[str, Any]:
        """The state of the switch as JSON, as `status`, `sync --wait` and other commands print it.

        The JSON keys are `handover`, `opened_at`, `backlog`, `waiting_calls`, `due_calls` and `resting`.
        """
        return {
            "handover": self.handover,
            "opened_at": self.opened_at,
            "backlog": self.backlog,
            "waiting_calls": self.waiting_calls,
            "due_calls": self.due_calls,
            "resting": self.is_resting,
        }

    @property
    def opening(self) -> Opening:
        return Opening(self.opened_at, with_backlog=self.backlog is Backlog.LATEST)


@dataclass(frozen=True, slots=True)
class Switch:
    """The handover switch without the counts, which take long for a large cache."""

    handover: Handover
    opened_at: datetime | None
    backlog: Backlog


def switch_of(db: Session, connection_id: uuid.UUID) -> Switch:
    """The position of the connection's handover switch."""
    row = db.execute(_STATE, {"id": connection_id}).one()
    return Switch(Handover(row.handover), row.handover_opened_at, Backlog(row.handover_backlog))


def opening_of(db: Session, connection_id: uuid.UUID) -> Opening:
    """The opening of the connection, as planning needs it: since when it is open, and whether with a backlog."""
    row = db.execute(
        text("SELECT handover_opened_at, handover_backlog FROM booksync.zoho_connections WHERE id = :id"),
        {"id": connection_id},
    ).one()
    return Opening(row.handover_opened_at, with_backlog=row.handover_backlog == Backlog.LATEST)


#: The numbers with a pending reminder of one connection, all and those due up to yesterday, today and tomorrow in UTC.
CALLS = text("""
    SELECT count(day) AS waiting_calls,
           ARRAY[count(*) FILTER (WHERE day < utc.today), count(*) FILTER (WHERE day <= utc.today),
                 count(*) FILTER (WHERE day <= utc.today + 1)] AS due_up_to
      FROM (SELECT CAST(clock_timestamp() AT TIME ZONE 'UTC' AS date) AS today) utc
      LEFT JOIN (SELECT min(coalesce(reminder.day, CAST(reminder.scheduled_at AT TIME ZONE 'UTC' AS date))) AS day
                   FROM reminders AS reminder JOIN invoices_cache AS invoice ON invoice.id = reminder.invoice_id
                  WHERE invoice.connection_id = :connection_id AND coalesce(nullif(invoice.balance, 'NaN'), 0) > 0
                    AND reminder.status = 'scheduled'
                    AND reminder.closes_at IS NOT NULL AND reminder.phone IS NOT NULL
                  GROUP BY reminder.phone) numbers ON true
     GROUP BY utc.today
""")

_STATE = text("""
    SELECT handover, handover_opened_at, handover_backlog, is_handover_resting, time_zone, clock_timestamp() AS now
      FROM booksync.zoho_connections WHERE id = :id
""")


def state_of(db: Session, connection_id: uuid.UUID) -> HandoverState:
    """The state of the connection's handover switch."""
    row = db.execute(_STATE, {"id": connection_id}).one()
    calls = db.execute(CALLS, {"connection_id": connection_id}).one()
    return handover_state(row, calls._asdict())


def handover_state(row: Row[Any], calls: Mapping[str, Any]) -> HandoverState:
    """The state of the switch, by a row with the columns of the connection and `now`, and by the row of `CALLS`."""
    local = row.now.astimezone(zone_named(row.time_zone)).date()
    # The date of an organisation's clock is the date of UTC, the one before or the one after.
    is_ahead = (local - row.now.astimezone(UTC).date()).days
    return HandoverState(
        Handover(row.handover),
        row.handover_opened_at,
        Backlog(row.handover_backlog),
        calls["waiting_calls"],
        is_resting=row.is_handover_resting,
        due_calls=calls["due_up_to"][1 + is_ahead],
    )


_OPEN = text("""
    UPDATE booksync.zoho_connections
       SET handover = 'open', handover_opened_at = :now, handover_backlog = :backlog, updated_at = now()
     WHERE id = :id
""")


def open_handover(db: Session, connection_id: uuid.UUID, backlog: Backlog, *, now: datetime) -> int:
    """Open the connection for handovers.

    The connection's open invoices become due for planning; their number is returned. Nothing is handed over before
    they are planned again.

    If the connection is already open, `now` becomes the time of its opening.

    Raises:
        HandoverTakenError: another connection to the organisation is open. A unique index decides, so that of two
            connections that are opened at the same time only one is.
    """
    try:
        with db.begin_nested():
            db.execute(_OPEN, {"id": connection_id, "now": now, "backlog": backlog})
    except IntegrityError as error:
        if not isinstance(error.orig, UniqueViolation):
            raise
        raise HandoverTakenError from None
    return make_plans_due(db, connection_id, now=now)


def close_handover(db: Session, connection_id: uuid.UUID) -> None:
    """Close the connection for handovers.

    The connection's reminders stay planned; none is handed over until the connection is opened again.

    During a pause, the handover then stays closed after the pause too.
    """
    await_claims(db, connection_id)
    db.execute(
        text("""
            UPDATE booksync.zoho_connections
               SET handover = 'closed', is_handover_resting = false, updated_at = now()
             WHERE id = :id
        """),
        {"id": connection_id},
    )


def await_claims(db: Session, connection_id: uuid.UUID) -> None:
    """Wait for transactions that are making handovers of the connection, which the caller is about to close.

    No such transaction commits after the connection is closed. The wait has a limit, because a person must be able to
    close the connection even if such a transaction hangs.
    """
    db.execute(text("SELECT set_config('lock_timeout', :timeout, true)"), {"timeout": _CLAIMS_ARE_AWAITED})
    with suppress(OperationalError), db.begin_nested():
        db.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended('handover ' || CAST(:id AS uuid), 0))"),
            {"id": connection_id},
        )
    db.execute(text("SET LOCAL lock_timeout = 0"))


def make_plans_due(db: Session, connection_id: uuid.UUID, *, now: datetime) -> int:
    """Make the connection's planned open invoices due for planning; returns their number.

    Those of a disconnected connection have no plan, and stay without.
    """
    return db.execute(
        text(f"""
            UPDATE invoices_cache SET plan_at = :now
             WHERE id IN (SELECT id FROM invoices_cache
                           WHERE connection_id = :connection_id AND {HAS_PLAN}
                           ORDER BY zoho_invoice_id FOR NO KEY UPDATE)
        """),  # noqa: S608  (a constant)
        {"connection_id": connection_id, "now": now},
    ).rowcount
