"""Plan changes: what a new plan does to the cached reminders of its invoice."""

from collections.abc import Collection, Mapping
from enum import StrEnum

from domain.reminders.plan import Plan, PlannedReminder, Scheduled, Skipped

#: The outcome stored for an invoice with a pending reminder.
SCHEDULED = "scheduled"


class ReminderStatus(StrEnum):
    SCHEDULED = "scheduled"
    #: Cancelled: the reason for the reminder no longer applies: the invoice is paid or void, the phone is lost, ….
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"  #: superseded: replaced by a later step
    SENT = "sent"  #: sent: handed over; never changed or repeated


def planned_reminders(made: Plan) -> tuple[PlannedReminder, ...]:
    """The reminders of a plan; none if the plan allows no reminder."""
    return made.reminders if isinstance(made, Scheduled) else ()


def withdrawn(made: Plan, pending: Collection[int]) -> Mapping[int, ReminderStatus]:
    """The new status of each pending step that the plan omits: superseded, or cancelled if the plan has no reminder."""
    status = ReminderStatus.SUPERSEDED if isinstance(made, Scheduled) else ReminderStatus.CANCELLED
    return dict.fromkeys(set(pending) - {reminder.step for reminder in planned_reminders(made)}, status)


def outcome_of(made: Plan) -> str | None:
    """The `plan_outcome` of a plan: `SCHEDULED`, or the reason against a reminder; None for a closed invoice."""
    if isinstance(made, Scheduled):
        return SCHEDULED
    return str(made.reason) if isinstance(made, Skipped) else None
