"""Statements over reminder_policies: a connection's rules for reminders, and what a change of them makes due."""

import uuid
from datetime import datetime

from psycopg.types.json import Jsonb
from sqlalchemy import Connection, text

from db import openings
from domain.reminder_policy import ReminderPolicy


def policy_of(connection: Connection, connection_id: uuid.UUID) -> ReminderPolicy:
    """The connection's rules, the default ones where nobody has set any."""
    rules = connection.execute(
        text("SELECT rules FROM reminder_policies WHERE connection_id = :connection_id"),
        {"connection_id": connection_id},
    ).scalar_one_or_none()
    return ReminderPolicy() if rules is None else ReminderPolicy.from_json(rules)


def save(connection: Connection, connection_id: uuid.UUID, policy: ReminderPolicy, *, now: datetime) -> int:
    """Writes the rules and makes every plan of the connection's open invoices due; returns how many.

    Nothing is handed over from a plan that is due. Planners read the rules after they have locked their invoices: who
    comes before this statement is planned again, who comes after it reads the new rules.
    """
    connection.exec_driver_sql(
        """
        INSERT INTO reminder_policies AS kept (connection_id, rules) VALUES (%(connection_id)s, %(rules)s)
        ON CONFLICT (connection_id) DO UPDATE SET rules = excluded.rules, updated_at = now()
        """,
        {"connection_id": connection_id, "rules": Jsonb(policy.to_json())},
    )
    return openings.make_plans_due(connection, connection_id, now=now)
