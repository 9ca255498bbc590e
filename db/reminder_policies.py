"""Statements over reminder_policies: a connection's rules for reminders, and the plans that a change makes due."""

import uuid
from datetime import datetime

from psycopg.types.json import Jsonb
from sqlalchemy import text

from db import openings
from db.session import Session
from domain.reminder_policy import ReminderPolicy


def policy_of(db: Session, connection_id: uuid.UUID) -> ReminderPolicy:
    """The connection's reminder rules, or the default rules if none are set."""
    rules = db.execute(
        text("SELECT rules FROM booksync.reminder_policies WHERE connection_id = :connection_id"),
        {"connection_id": connection_id},
    ).scalar_one_or_none()
    return ReminderPolicy() if rules is None else ReminderPolicy.from_json(rules)


def save(db: Session, connection_id: uuid.UUID, policy: ReminderPolicy, *, now: datetime) -> int:
    """Write the connection's reminder rules and make every plan of its open invoices due; returns the number of plans.

    Reminders with a due plan are not handed over. Planning reads the rules after it has locked its invoices: a plan
    from before this statement is made again, and a later plan uses the new rules.
    """
    db.exec_driver_sql(
        """
        INSERT INTO booksync.reminder_policies AS kept (connection_id, rules) VALUES (%(connection_id)s, %(rules)s)
        ON CONFLICT (connection_id) DO UPDATE SET rules = excluded.rules, updated_at = now()
        """,
        {"connection_id": connection_id, "rules": Jsonb(policy.to_json())},
    )
    return openings.make_plans_due(db, connection_id, now=now)
