"""Changes a connection's reminder policy, and plans its reminders again by the new rules."""

import time
import uuid
from dataclasses import dataclass

from sqlalchemy import Engine

from db import clock, connections, reminder_policies, sync_schedule
from domain.errors import BooksyncError
from domain.reminders.policy import ReminderPolicy
from workers.services import plan_reminders


class PolicyChangedError(BooksyncError):
    """The rules were changed in the meantime, so nothing was changed now. Next: preview the change again."""


@dataclass(frozen=True, slots=True)
class ChangedPolicy:
    """The result of a change of the rules."""

    planned: int  #: the invoices that were planned again
    left: bool  #: whether invoices are left, which the next run plans


def change_policy(
    engine: Engine,
    connection_id: uuid.UUID,
    policy: ReminderPolicy,
    *,
    expected: ReminderPolicy | None = None,
    seconds: float = float("inf"),
) -> ChangedPolicy:
    """Store the policy and plan the open invoices again, for at most `seconds`; the next run plans the rest.

    Nothing is handed over about an invoice that is not planned again yet. A sync is due at once if invoices are left.
    `expected` are the rules that the person has seen.

    Raises:
        UnknownConnectionError: the connection does not exist.
        PolicyChangedError: the present rules are not the expected ones.
    """
    ends_at = time.monotonic() + seconds
    with engine.begin() as db:
        connection = connections.connection(db, connection_id)
        if expected is not None and reminder_policies.policy_of(db, connection_id).to_json() != expected.to_json():
            raise PolicyChangedError
        now = clock.present(db)
        reminder_policies.save(db, connection_id, policy, now=now)
    planned = 0
    while time.monotonic() < ends_at:
        with engine.begin() as db:
            batch = plan_reminders.plan_next(db, connection, now=now)
        if not batch:
            return ChangedPolicy(planned, left=False)
        planned += batch
    with engine.begin() as db:
        sync_schedule.set_next_sync(db, connection_id, seconds=0)
    return ChangedPolicy(planned, left=True)
