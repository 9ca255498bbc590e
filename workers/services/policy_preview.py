"""What a change of the reminder policy would move. The preview changes nothing."""

import datetime as dt
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from db import clock, open_invoices, openings, reminder_policies
from db.connections import Connection
from db.plan_cases import Case
from db.session import Session
from domain.opening import Handover
from domain.permission import SkipReason
from domain.reminder_policy import ReminderPolicy
from domain.reminders import Opening, Plan, PlannedReminder, Scheduled, Skipped

#: The days whose calls are compared, beginning with today.
DAYS = 7


@dataclass
class PolicyPreview:
    """The plans of the open invoices by the present rules, compared with those by other rules."""

    today: dt.date
    invoices: int = 0
    is_complete: bool = True  #: False: the time was up before all open invoices were planned
    unchanged: int = 0
    moved: int = 0  #: invoices with other reminders than before
    gained: int = 0  #: invoices that get reminders
    lost: Counter[SkipReason] = field(default_factory=Counter)  #: invoices that lose their reminders, by reason
    reminders_before: int = 0
    reminders_after: int = 0
    #: Day → the numbers that would be called.
    _before: dict[dt.date, set[str]] = field(default_factory=lambda: defaultdict(set), repr=False)
    _after: dict[dt.date, set[str]] = field(default_factory=lambda: defaultdict(set), repr=False)

    @property
    def days(self) -> list[tuple[dt.date, int, int]]:
        """The next days, each with the numbers that would be called before and after the change."""
        days = (self.today + dt.timedelta(days=ahead) for ahead in range(DAYS))
        return [(day, len(self._before.get(day, ())), len(self._after.get(day, ()))) for day in days]

    def add(self, case: Case, before: Plan, after: Plan) -> None:
        """Count an invoice with its plans."""
        old, new = _reminders(before), _reminders(after)
        self.invoices += 1
        self.reminders_before += len(old)
        self.reminders_after += len(new)
        phone = case.customer.primary_phone or ""
        for reminders, numbers in ((old, self._before), (new, self._after)):
            for reminder in reminders:
                numbers[reminder.day].add(phone)
        if [(each.step, each.scheduled_at) for each in old] == [(each.step, each.scheduled_at) for each in new]:
            self.unchanged += 1
        elif not new and isinstance(after, Skipped):
            self.lost[after.reason] += 1
        elif not old:
            self.gained += 1
        else:
            self.moved += 1


def _reminders(made: Plan) -> tuple[PlannedReminder, ...]:
    return made.reminders if isinstance(made, Scheduled) else ()


def preview_policy(db: Session, connection: Connection, policy: ReminderPolicy, *, seconds: float) -> PolicyPreview:
    """Plan the connection's open invoices by its present rules and by `policy`, for at most `seconds`.

    If the connection is closed for handovers, the plans are those of an opening at this moment.
    """
    ends_at = time.monotonic() + seconds
    now = clock.present(db)
    state = openings.state_of(db, connection.connection_id)
    opening = state.opening if state.handover is Handover.OPEN else Opening(now)
    present = reminder_policies.policy_of(db, connection.connection_id)
    found = PolicyPreview(today=now.date())
    for case in open_invoices.cases(db, connection.connection_id):
        if time.monotonic() >= ends_at:
            found.is_complete = False
            break
        before, after = (
            case.plan(rules, opening, home_time_zone=connection.time_zone, now=now) for rules in (present, policy)
        )
        found.add(case, before, after)
    return found
