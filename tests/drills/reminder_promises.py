"""What each handover of the simulated year must fulfil, checked from synced facts without booksync's own rules."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field

from domain.invoices import Invoice
from domain.reminders.policy import ReminderPolicy
from tests.drills.reminder_outcomes import Called, Outcomes
from tests.drills.reminder_year import Person

POLICY = ReminderPolicy()
STALE_AFTER = dt.timedelta(minutes=POLICY.stale_after_minutes)

_A_WEEK = dt.timedelta(days=7)
_QUARTER = dt.timedelta(minutes=15)


@dataclass
class Promises:
    """The promises of one year; every `check_` fails the drill."""

    outcomes: Outcomes
    called_on: dict[str, list[dt.date]] = field(default_factory=lambda: defaultdict(list))  #: number → days
    last_step: dict[str, int] = field(default_factory=dict)

    def check_handover(self, phone: str, person: Person, at: dt.datetime, *, synced_at: dt.datetime) -> None:
        assert person.may_be_called(at), f"outside the hours of {person.place}"
        assert at - synced_at <= STALE_AFTER, "from a stale cache"
        day = person.earliest_day(at)
        days = self.called_on[phone]
        assert day not in days, "twice a day"
        assert sum(day - each < _A_WEEK for each in days) < POLICY.contacts_a_week, "too often a week"
        days.append(day)

    def check_reminder(
        self, called: Called, step: int, invoice: Invoice, person: Person, at: dt.datetime, *, reopened_at: dt.datetime
    ) -> None:
        """Check one reminder; `invoice` and `person` are the facts of the last sync."""
        today = person.earliest_day(at)
        assert called.phone == person.phone
        assert person.is_active
        assert person.reminders_enabled
        assert invoice.customer_id == person.zoho_id
        against = self.outcomes.against(invoice.invoice_id, person.zoho_id, called.phone, today)
        assert against is None, f"called although {against}"
        _check_money(invoice, person)
        _check_days(invoice, today)
        assert step > self.last_step.get(invoice.invoice_id, -1_000), "backward"
        self.last_step[invoice.invoice_id] = step
        assert invoice.due_date is not None
        planned_day = invoice.due_date + dt.timedelta(days=step)
        assert not _usual_moment_is_before(reopened_at, planned_day, person), "a step from before the reopening"


def _check_money(invoice: Invoice, person: Person) -> None:
    assert invoice.is_open, "nothing is owed"
    assert invoice.balance is not None
    assert invoice.balance >= 1, "below the minimum"
    assert invoice.reminders_enabled is not False
    assert "dispute" not in (invoice.sub_status or "")
    assert not invoice.ach_payment_initiated
    assert invoice.currency_code != "GBP" or person.credits < invoice.balance, "covered by credit"


def _check_days(invoice: Invoice, today: dt.date) -> None:
    assert invoice.date is not None
    assert invoice.due_date is not None
    assert today > invoice.date, "not before the day after the invoice's date"
    assert (today - invoice.due_date).days <= POLICY.max_age_days, "too old"
    assert invoice.expected_payment_date is None or today > invoice.expected_payment_date


def _usual_moment_is_before(moment: dt.datetime, day: dt.date, person: Person) -> bool:
    """Whether a step of that day has an allowed moment (at or after the usual time in every zone) before `moment`."""
    at = dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC) - dt.timedelta(days=1)
    while at < moment:
        shown = [at.astimezone(clock) for clock in person.clocks]
        is_usual = all(local.date() >= day and local.time() >= POLICY.window.usual_time for local in shown)
        if is_usual and person.may_be_called(at):
            return True
        at += _QUARTER
    return False
