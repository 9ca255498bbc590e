"""What a change of the reminder policy would move. The preview changes nothing."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from db import clock, open_invoices, openings, reminder_policies
from db.connections import Connection
from db.plan_cases import Case
from db.session import Session
from domain.reminders.opening import Handover, Opening
from domain.reminders.permission import SkipReason
from domain.reminders.plan import Plan, PlannedReminder, Skipped
from domain.reminders.plan_changes import planned_reminders
from domain.reminders.policy import ReminderPolicy
from domain.time_zones import zone_named

#: The days whose calls are compared, beginning with today.
DAYS = 7


@dataclass
class PolicyPreview:
    """The plans of the open invoices by the present rules, compared with those by other rules."""

    invoices: int = 0
    unchanged: int = 0
    moved: int = 0  #: invoices with other reminders than before
    gained: int = 0  #: invoices that get reminders
    lost: Counter[SkipReason] = field(default_factory=Counter)  #: invoices that lose their reminders, by reason
    reminders_before: int = 0
    reminders_after: int = 0
    #: The next days, each with the numbers that would be called before and after the change.
    days: Sequence[tuple[dt.date, int, int]] = ()


def preview_policy(
    db: Session,
    connection: Connection,
    policy: ReminderPolicy,
    *,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> PolicyPreview:
    """Plan the connection's open invoices by its present rules and by `policy`.

    If the connection is closed for handovers, the plans are those of an opening at this moment. `on_progress` receives
    the number of invoices that are planned so far, and of all.
    """
    now = clock.present(db)
    state = openings.state_of(db, connection.connection_id)
    opening = state.opening if state.handover is Handover.OPEN else Opening(now)
    present = reminder_policies.policy_of(db, connection.connection_id)
    found = PolicyPreview()
    before, after = (_Numbers(now.astimezone(zone_named(connection.time_zone)).date()) for _ in range(2))
    ids = open_invoices.ids(db, connection.connection_id)
    for done, case in enumerate(open_invoices.cases(db, ids), start=1):
        old, new = (
            case.plan(rules, opening, home_time_zone=connection.time_zone, now=now) for rules in (present, policy)
        )
        _count(found, old, new)
        before.add(case, planned_reminders(old))
        after.add(case, planned_reminders(new))
        on_progress(done, len(ids))
    found.days = [(day, before.on(day), after.on(day)) for day in before.days]
    return found


class _Numbers:
    """The numbers that would be called on each of the next days."""

    def __init__(self, today: dt.date) -> None:
        self.days = tuple(today + dt.timedelta(days=ahead) for ahead in range(DAYS))
        self._numbers: dict[dt.date, set[str]] = {day: set() for day in self.days}

    def add(self, case: Case, reminders: Sequence[PlannedReminder]) -> None:
        for reminder in reminders:
            if reminder.day in self._numbers:
                self._numbers[reminder.day].add(case.customer.primary_phone or "")

    def on(self, day: dt.date) -> int:
        return len(self._numbers[day])


def _count(found: PolicyPreview, before: Plan, after: Plan) -> None:
    """Count an invoice with its plans."""
    old, new = planned_reminders(before), planned_reminders(after)
    found.invoices += 1
    found.reminders_before += len(old)
    found.reminders_after += len(new)
    if [(each.step, each.scheduled_at) for each in old] == [(each.step, each.scheduled_at) for each in new]:
        found.unchanged += 1
    elif not new and isinstance(after, Skipped):
        found.lost[after.reason] += 1
    elif not old:
        found.gained += 1
    else:
        found.moved += 1
