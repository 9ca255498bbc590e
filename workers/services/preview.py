"""The preview: which calls would be made, and about what, if a connection were open for handovers.

The preview changes nothing.
"""

import datetime as dt
import heapq
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from db import clock, open_invoices, openings, phone_audit, questions, reminder_policies
from db.connections import Connection
from db.open_invoices import Called
from db.openings import HandoverState
from db.plan_cases import Case
from db.questions import UncertainCountries
from db.session import Session
from domain.amounts import Amounts, by_debt, sum_of
from domain.reminders.funnel import Funnel, LaterReason, LossReason
from domain.reminders.opening import Handover, Opening
from domain.reminders.permission import SkipReason
from domain.reminders.plan import Plan, PlannedReminder, Scheduled, Skipped
from domain.reminders.plan_changes import planned_reminders
from domain.reminders.policy import ReminderPolicy
from domain.time_zones import zone_named


@dataclass(frozen=True, slots=True)
class PreviewedReminder:
    """One reminder that a previewed call is about."""

    case: Case
    reminder: PlannedReminder


@dataclass(frozen=True, slots=True)
class PreviewedCall:
    """One call of the preview: a number on one day, with its reminders. Personal data: for people only, never a log."""

    phone: str = field(repr=False)
    reminders: tuple[PreviewedReminder, ...]
    customers: tuple[Called, ...] = field(repr=False)

    @property
    def scheduled_at(self) -> dt.datetime:
        return min(each.reminder.scheduled_at for each in self.reminders)

    @property
    def owed(self) -> Amounts:
        """What the invoices of the call are owed, by currency; an invoice counts once."""
        invoices = {each.case.id: each.case.invoice for each in self.reminders}.values()
        return sum_of({each.currency_code: each.balance or Decimal()} for each in invoices)

    @property
    def doubts(self) -> tuple[str, ...]:
        """Points that a person should check before this number is called."""
        found = []
        if any("+" not in each.number_as_given and each.country_code is None for each in self.customers):
            found.append("read as a number of the organisation's own country, because no address names another")
        if any(len(each.case.customer.time_zones or ()) > 1 for each in self.reminders):
            found.append("may be in several time zones, so it is called only while all zones allow it")
        if not all(each.details_are_known for each in self.customers):
            found.append("its details in Zoho are not read yet; they may forbid the call")
        return tuple(found)


@dataclass
class Preview:
    """The plans of the connection's open invoices by the current rules, as if the connection were opened at this
    moment. All calls are counted; those about the most money are listed."""

    handover: HandoverState
    today: dt.date  #: the date in the organisation's time zone
    with_backlog: bool  #: True for the plans of an opening with `--backlog latest`
    countries: UncertainCountries
    funnel: Funnel = field(default_factory=Funnel)
    before_opening: int = 0  #: invoices that would have no step left with `--backlog none`
    backlog_invoices: int = 0  #: invoices that would get their latest missed step with `--backlog latest`
    backlog_calls: int = 0  #: the numbers of these invoices
    calls_today: int = 0  #: the calls for the rest of today
    first_calls_today: Sequence[PreviewedCall] = ()  #: the first of them, the most money first
    first_day: dt.date | None = None  #: tomorrow if it has a call, else the next day with a call
    calls: int = 0  #: the calls of that day
    first_calls: Sequence[PreviewedCall] = ()  #: the first of them, the most money first

    @property
    def tomorrow(self) -> dt.date:
        return self.today + dt.timedelta(days=1)

    @property
    def calls_tomorrow(self) -> int:
        return self.calls if self.first_day == self.tomorrow else 0


@dataclass
class _Day:
    """The numbers to be called on one day. Of each reminder only its invoice's id is kept, because a day may have
    hundreds of thousands."""

    invoices: dict[str, list[uuid.UUID]] = field(default_factory=lambda: defaultdict(list))
    owed: dict[str, dict[str, Decimal]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Decimal)))

    def add(self, case: Case) -> None:
        phone = case.customer.primary_phone or ""
        self.invoices[phone].append(case.id)
        self.owed[phone][case.invoice.currency_code] += case.invoice.balance or Decimal()

    def first(self, limit: int, home_currency: str) -> Mapping[str, Sequence[uuid.UUID]]:
        """The invoices of the numbers that owe most: number → ids."""
        phones = heapq.nsmallest(limit, self.owed, key=lambda phone: (by_debt(self.owed[phone], home_currency), phone))
        return {phone: list(dict.fromkeys(self.invoices[phone])) for phone in phones}


@dataclass(frozen=True, slots=True)
class _Rules:
    """What a plan depends on besides its invoice."""

    policy: ReminderPolicy
    opening: Opening
    home_time_zone: str
    now: dt.datetime

    def day_of(self, reminder: PlannedReminder) -> dt.date:
        """The organisation's date of the call; `reminder.day` is the customer's, which may be another one."""
        return reminder.scheduled_at.astimezone(zone_named(self.home_time_zone)).date()

    def plan(self, case: Case, *, with_backlog: bool) -> Plan:
        opening = replace(self.opening, with_backlog=with_backlog)
        return case.plan(self.policy, opening, home_time_zone=self.home_time_zone, now=self.now)


def preview(
    db: Session,
    connection: Connection,
    *,
    with_backlog: bool = False,
    limit: int = 20,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Preview:
    """Plan every open invoice as an opening at this moment would, without storing the plans.

    If the connection is open already, the plans use its real opening. At most `limit` calls of a day are listed.
    `on_progress` receives the number of invoices that are planned so far, and of all.
    """
    now = clock.present(db)
    state = openings.state_of(db, connection.connection_id)
    opening = state.opening if state.handover is Handover.OPEN else Opening(now, with_backlog=with_backlog)
    policy = reminder_policies.policy_of(db, connection.connection_id)
    rules = _Rules(policy, opening, connection.time_zone, now)
    found = Preview(
        handover=state,
        today=now.astimezone(zone_named(connection.time_zone)).date(),
        with_backlog=opening.with_backlog,
        countries=questions.uncertain_countries(db, connection.connection_id),
    )
    today, next_day = _plan_all(db, connection, rules, found, on_progress)
    for debt in open_invoices.waiting(db, connection.connection_id):
        found.funnel.add(debt.currency_code, debt.balance, SkipReason.CUSTOMER_MISSING, debt.invoices)
    found.calls_today, found.calls = len(today.owed), len(next_day.owed)
    currency = phone_audit.home_currency(db, connection)
    found.first_calls_today = _calls(db, rules, today.first(limit, currency), lambda day: day < found.tomorrow)
    found.first_calls = _calls(db, rules, next_day.first(limit, currency), lambda day: day == found.first_day)
    return found


def _plan_all(
    db: Session, connection: Connection, rules: _Rules, found: Preview, on_progress: Callable[[int, int], None]
) -> tuple[_Day, _Day]:
    """Plan the open invoices and count them; returns the rest of today and the first day after it."""
    today, next_day = _Day(), _Day()
    missed: set[str] = set()
    ids = open_invoices.ids(db, connection.connection_id)
    for done, case in enumerate(open_invoices.cases(db, ids), start=1):
        without, latest = (rules.plan(case, with_backlog=backlog) for backlog in (False, True))
        made = latest if found.with_backlog else without
        _count(found, rules, case, made)
        found.before_opening += _reason(without) is SkipReason.BEFORE_OPENING
        if latest != without:
            found.backlog_invoices += 1
            missed.add(case.customer.primary_phone or "")
        for reminder in planned_reminders(made):
            day = rules.day_of(reminder)
            if day < found.tomorrow:
                today.add(case)
                continue
            if found.first_day is None or day < found.first_day:
                found.first_day, next_day = day, _Day()
            if day == found.first_day:
                next_day.add(case)
        on_progress(done, len(ids))
    found.backlog_calls = len(missed)
    return today, next_day


def _count(found: Preview, rules: _Rules, case: Case, made: Plan) -> None:
    reason: LossReason | None = _reason(made)
    if isinstance(made, Scheduled) and all(rules.day_of(each) != found.tomorrow for each in made.reminders):
        reason = LaterReason.ANOTHER_DAY
    found.funnel.add(case.invoice.currency_code, case.invoice.balance or Decimal(), reason)


def _reason(made: Plan) -> SkipReason | None:
    return made.reason if isinstance(made, Skipped) else None


def _calls(
    db: Session, rules: _Rules, chosen: Mapping[str, Sequence[uuid.UUID]], is_meant: Callable[[dt.date], bool]
) -> list[PreviewedCall]:
    """Return the calls to these numbers about their invoices, which are planned again for the list."""
    cases = {case.id: case for case in open_invoices.cases(db, [each for ids in chosen.values() for each in ids])}
    reminders = {
        phone: [
            PreviewedReminder(case, reminder)
            for case in (cases[each] for each in ids if each in cases)
            for reminder in planned_reminders(rules.plan(case, with_backlog=rules.opening.with_backlog))
            if is_meant(rules.day_of(reminder))
        ]
        for phone, ids in chosen.items()
    }
    known = open_invoices.called(db, list({case.customer.id for case in cases.values()}))
    return [
        PreviewedCall(phone, tuple(about), tuple(known[customer_id] for customer_id in _customer_ids(about)))
        for phone, about in reminders.items()
        if about
    ]


def _customer_ids(about: Sequence[PreviewedReminder]) -> list[uuid.UUID]:
    return list(dict.fromkeys(each.case.customer.id for each in about))
