"""Statements over reminder_policies: a connection's policy, and the invoices that a change makes due for planning."""

import uuid
from datetime import datetime

from psycopg.types.json import Jsonb
from sqlalchemy import text

from db import openings
from db.session import Session
from domain.reminders.policy import ReminderPolicy


def policy_of(db: Session, connection_id: uuid.UUID) -> ReminderPolicy:
    """The connection's policy, or the default policy if none is stored."""
    rules = db.execute(
        text("SELECT rules FROM booksync.reminder_policies WHERE connection_id = :connection_id"),
        {"connection_id": connection_id},
    ).scalar_one_or_none()
    return ReminderPolicy() if rules is None else ReminderPolicy.from_json(rules)


def save(db: Session, connection_id: uuid.UUID, policy: ReminderPolicy, *, now: datetime) -> int:
    """Write the connection's policy and make its open invoices due for planning; returns the number of invoices.

    The reminders of an invoice that is due for planning are not handed over. Planning reads the policy after it has
    locked the invoices, so every plan that is made later uses the new policy.
    """
    db.exec_driver_sql(
        """
        INSERT INTO booksync.reminder_policies AS kept (connection_id, rules) VALUES (%(connection_id)s, %(rules)s)
        ON CONFLICT (connection_id) DO UPDATE SET rules = excluded.rules, updated_at = now()
        """,
        {"connection_id": connection_id, "rules": Jsonb(policy.to_json())},
    )
    return openings.make_plans_due(db, connection_id, now=now)
