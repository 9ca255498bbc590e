"""Plan changes: the effect of a plan on the cached reminders of its invoice."""

from collections.abc import Collection, Mapping
from enum import StrEnum

from domain.reminders import Plan, PlannedReminder, Scheduled, Skipped

#: The outcome of an invoice with a pending reminder.
SCHEDULED = "scheduled"


class ReminderStatus(StrEnum):
    SCHEDULED = "scheduled"
    CANCELLED = "cancelled"  #: its reason no longer applies: paid, void, phone lost, …
    SUPERSEDED = "superseded"  #: replaced by a later step
    SENT = "sent"  #: handed over; never changed or repeated


def planned_reminders(made: Plan) -> tuple[PlannedReminder, ...]:
    """The reminders of the plan; none if no reminder is allowed."""
    return made.reminders if isinstance(made, Scheduled) else ()


def withdrawn(made: Plan, pending: Collection[int]) -> Mapping[int, ReminderStatus]:
    """The pending steps that the plan omits: superseded by a later step, or cancelled with the whole plan."""
    status = ReminderStatus.SUPERSEDED if isinstance(made, Scheduled) else ReminderStatus.CANCELLED
    return dict.fromkeys(set(pending) - {reminder.step for reminder in planned_reminders(made)}, status)


def outcome_of(made: Plan) -> str | None:
    """The value of `plan_outcome`: `SCHEDULED`, or the reason against a reminder; None for a closed invoice."""
    if isinstance(made, Scheduled):
        return SCHEDULED
    return str(made.reason) if isinstance(made, Skipped) else None
