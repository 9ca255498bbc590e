"""Makes the verdicts on cached phone numbers again by the present rules, without a call to Zoho (FR-6)."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from db import phone_verdicts
from db.connections import Connection
from db.session import Session
from domain.phones import PhoneFallback
from domain.stored_phones import judged_again
from workers.services import plan_reminders

#: Customers per transaction.
BATCH = 100


def judge_next(
    db: Session,
    connection: Connection,
    after: str,
    *,
    fallback: PhoneFallback,
    now: datetime,
    all_of_them: bool = True,
) -> str | None:
    """Make the phone verdicts of the next `BATCH` customers again, in the order of Zoho's ids, after the id `after`.

    Without `all_of_them`, only customers whose verdict has another edition are included. If a verdict changes, the
    customer's reminders are planned again. Returns the last Zoho id that was read; None after the last customer.
    """
    locked = phone_verdicts.lock_next(db, connection, after, limit=BATCH, all_of_them=all_of_them)
    return judge_customers(db, connection, locked, fallback=fallback, now=now)


def judge_customers(
    db: Session, connection: Connection, customer_ids: Sequence[uuid.UUID], *, fallback: PhoneFallback, now: datetime
) -> str | None:
    """Make the phone verdicts of these customers again. If a verdict changes, plan the customer's reminders again.

    The caller has locked the customers. Returns the last Zoho id of these customers; None without customers.
    """
    # Confirmations are read after the lock, because a statement that waits for a lock sees them as they were before the
    # wait.
    stored = phone_verdicts.read(db, customer_ids)
    if not stored:
        return None
    judged = [judged_again(phone, connection.home, fallback) for phone in stored if phone.has_persons]
    phone_verdicts.write(db, judged)
    changed = [each.id for each in judged if each.is_changed]
    plan_reminders.replan_customers(db, connection, changed, now=now)
    return stored[-1].contact.contact_id
