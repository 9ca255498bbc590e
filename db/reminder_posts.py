"""Statements over handovers that are posted to a webhook.

The handovers form an outbox: they are stored in the transaction that makes them, so none is lost before it is posted.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, text

from db.lease_errors import LeaseLostError
from db.session import Session

#: Lease duration: after it another scheduler may post the handover. Must exceed the longest HTTP call.
LEASE_SECONDS = 120.0

WITHDRAWN = "withdrawn: there is a reason against each of its reminders"
TOO_LATE = "given up: the calling window has closed, or is unknown"
CLOSED = "given up: the connection is closed for handovers"


def enqueue(db: Session, handover_ids: Sequence[uuid.UUID]) -> None:
    """Put handovers, which the same transaction has made, into the outbox."""
    db.execute(
        text("UPDATE booksync.handovers SET post_at = handed_over_at WHERE id = ANY(:ids)"), {"ids": list(handover_ids)}
    )


_IS_WORK_DUE = text("""
    SELECT EXISTS (SELECT FROM reminders
                    WHERE status = 'scheduled' AND scheduled_at <= clock_timestamp() AND closes_at > clock_timestamp())
        OR EXISTS (SELECT FROM booksync.handovers WHERE post_at <= clock_timestamp())
""")


def is_work_due(db: Session) -> bool:
    """Whether a handover is due to be posted, or a due reminder that is not held back is to be handed over."""
    is_due: bool = db.execute(_IS_WORK_DUE).scalar_one()
    return is_due


@dataclass(frozen=True, slots=True)
class Post:
    """A handover to be posted.

    Its body contains only the reminders whose invoices are still owed. Without any, the handover is withdrawn.
    """

    handover_id: uuid.UUID
    connection_id: uuid.UUID
    until: dt.datetime  #: the end of the handover's lease, which also identifies the lease
    attempts: int  #: including this one
    closes_at: dt.datetime
    is_outside_hours: bool  #: the calling window is closed now on a clock of the number, or the clock is unknown
    is_closed: bool  #: a person has closed the connection after the handover
    left_out: tuple[uuid.UUID, ...]  #: the reminders that are not in the body
    body: dict[str, Any] = field(repr=False)

    @property
    def is_withdrawn(self) -> bool:
        return not self.body["reminders"]


# SKIP LOCKED and the lease are in one statement, so that any number of schedulers may post and only one holds a
# handover. The subquery is MATERIALIZED, because a plan that evaluates it for each row exceeds the limit.
_ACQUIRE = text("""
    WITH due AS MATERIALIZED (
        SELECT id FROM booksync.handovers WHERE post_at <= clock_timestamp()
         ORDER BY post_at LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE booksync.handovers
       SET post_attempts = post_attempts + 1, post_at = clock_timestamp() + make_interval(secs => :lease_seconds)
     WHERE id IN (SELECT id FROM due)
    RETURNING id, user_id, connection_id, phone, day, post_attempts, post_at
""")

# What is owed is checked again at each attempt: between the handover and a late retry the invoice may have been paid,
# or may have moved to another customer.
_CONTENTS = text("""
    SELECT reminder.handover_id, reminder.reminder_id, reminder.step, reminder.closes_at, reminder.invoice_id,
           reminder.customer_id, customer.customer_name, invoice.zoho_invoice_id, invoice.invoice_number,
           invoice.due_date, invoice.balance, invoice.currency_code, reminder.objection IS NULL AS is_owed,
           coalesce(reminder.hold IN ('outside_hours', 'time_zone_unknown'), false) AS is_outside_hours,
           coalesce(reminder.hold = 'handover_closed', false) AS is_closed
      FROM booksync.reminder_checks(clock_timestamp()) AS reminder
      JOIN invoices_cache AS invoice ON invoice.id = reminder.invoice_id
      JOIN booksync.customers_cache AS customer ON customer.id = reminder.customer_id
     WHERE reminder.handover_id = ANY(:ids)
     ORDER BY reminder.reminder_id
""")


def acquire(db: Session, *, limit: int) -> list[Post]:
    """Lease the next due handovers for `LEASE_SECONDS` each; the caller commits before it posts them."""
    leased = db.execute(_ACQUIRE, {"lease_seconds": LEASE_SECONDS, "limit": limit}).all()
    contents = db.execute(_CONTENTS, {"ids": [handover.id for handover in leased]}).all()
    return [_post(handover, [row for row in contents if row.handover_id == handover.id]) for handover in leased]


def _post(handover: Row[Any], contents: Sequence[Row[Any]]) -> Post:
    # A handover without remaining reminders is withdrawn, regardless of its closing time.
    closes_at = min((row.closes_at for row in contents), default=handover.post_at)
    body = {
        "handover_id": str(handover.id),
        "contact_id": str(handover.id),  # the former name of the key, until 0.5
        "user_id": str(handover.user_id),
        "connection_id": str(handover.connection_id),
        "phone": handover.phone,
        "day": handover.day.isoformat(),
        "closes_at": closes_at.isoformat(),
        "reminders": [_reminder(row) for row in contents if row.is_owed],
    }
    return Post(
        handover.id,
        handover.connection_id,
        handover.post_at,
        handover.post_attempts,
        closes_at,
        is_outside_hours=any(row.is_outside_hours for row in contents if row.is_owed),
        is_closed=any(row.is_closed for row in contents),
        left_out=tuple(row.reminder_id for row in contents if not row.is_owed),
        body=body,
    )


def _reminder(row: Row[Any]) -> dict[str, Any]:
    return {
        "reminder_id": str(row.reminder_id),
        "step": row.step,
        "customer_id": str(row.customer_id),
        "customer_name": row.customer_name,
        "invoice_id": str(row.invoice_id),
        "zoho_invoice_id": row.zoho_invoice_id,
        "invoice_number": row.invoice_number or "",
        "due_date": row.due_date and row.due_date.isoformat(),
        "balance": str(row.balance),
        "currency_code": row.currency_code or "",
    }


# The invoices are locked before their reminders, as everywhere.
_PLAN_AGAIN = text("""
    UPDATE invoices_cache SET plan_at = clock_timestamp()
     WHERE id IN (SELECT id FROM invoices_cache
                   WHERE id IN (SELECT invoice_id FROM reminders WHERE id = ANY(:left_out) AND handover_id = :id)
                   ORDER BY zoho_invoice_id FOR NO KEY UPDATE)
""")
_TAKE_BACK = text("""
    UPDATE reminders SET status = 'cancelled', handover_id = NULL, contact_id = NULL, updated_at = now()
     WHERE id = ANY(:left_out) AND handover_id = :id
""")
_NOTE_POSTED = text("""
    UPDATE booksync.handovers SET posted_at = clock_timestamp(), post_at = NULL, post_problem = NULL WHERE id = :id
""")


def note_posted(db: Session, post: Post) -> None:
    """Record that the receiver has accepted the handover.

    The receiver does not know the reminders that the body left out. They are cancelled and leave the handover, so that
    no outcome of the call counts for them, and their invoices are planned again.
    """
    values = {"id": post.handover_id, "left_out": list(post.left_out)}
    if post.left_out:
        db.execute(_PLAN_AGAIN, values)
        db.execute(_TAKE_BACK, values)
    db.execute(_NOTE_POSTED, {"id": post.handover_id})


def release(db: Session, post: Post, *, seconds: float, refund_attempt: bool, problem: str | None) -> None:
    """Release the lease of a handover, which is to be posted again after `seconds`.

    If another scheduler has acquired the handover in the meantime, its lease stays.
    """
    db.execute(
        text("""
            UPDATE booksync.handovers
               SET post_at = clock_timestamp() + make_interval(secs => :seconds),
                   post_attempts = post_attempts - :refunded, post_problem = coalesce(:problem, post_problem)
             WHERE id = :id AND post_at = :until
        """),
        {
            "id": post.handover_id,
            "until": post.until,
            "seconds": seconds,
            "refunded": int(refund_attempt),
            "problem": problem,
        },
    )


def give_up(db: Session, post: Post, problem: str) -> None:
    """End the attempts to post the handover.

    Raises:
        LeaseLostError: another scheduler has acquired the handover.
    """
    ended = db.execute(
        text(
            "UPDATE booksync.handovers SET post_at = NULL, post_problem = :problem WHERE id = :id AND post_at = :until"
        ),
        {"id": post.handover_id, "problem": problem, "until": post.until},
    )
    if ended.rowcount == 0:
        raise LeaseLostError
