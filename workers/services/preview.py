"""The preview: which calls would be made, and about what, if a connection were open for handovers.

The preview changes nothing.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from sqlalchemy import func, select

from db import open_invoices, openings, questions, reminder_policies
from db.connections import Connection
from db.open_invoices import Called
from db.openings import HandoverState
from db.plan_cases import Case
from db.questions import UncertainCountries
from db.session import Session
from domain.funnel import Funnel, LaterReason, LossReason
from domain.opening import Handover
from domain.permission import SkipReason
from domain.reminders import Opening, Plan, PlannedReminder, Scheduled, Skipped
from domain.time_zones import zone_named


@dataclass(frozen=True, slots=True)
class PreviewedReminder:
    """One reminder that a previewed call is about."""

    case: Case
    reminder: PlannedReminder


@dataclass(frozen=True, slots=True)
class PreviewedCall:
    """One call of the preview: a number on one day, with its reminders. Personal data: for a terminal only."""

    phone: str = field(repr=False)
    reminders: tuple[PreviewedReminder, ...]
    customers: tuple[Called, ...] = field(repr=False)

    @property
    def scheduled_at(self) -> dt.datetime:
        return min(each.reminder.scheduled_at for each in self.reminders)

    @property
    def owed(self) -> Decimal:
        return sum((each.case.invoice.balance or Decimal() for each in self.reminders), Decimal())

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
    moment."""

    handover: HandoverState
    today: dt.date  #: the date in the organisation's time zone
    with_backlog: bool  #: True for the plans of an opening with `--backlog latest`
    countries: UncertainCountries
    funnel: Funnel = field(default_factory=Funnel)
    before_opening: int = 0  #: invoices that would have no step left with `--backlog none`
    backlog_invoices: int = 0  #: invoices that would get their latest missed step with `--backlog latest`
    backlog_phones: set[str] = field(default_factory=set, repr=False)
    #: The calls for the rest of today, the most money first.
    calls_today: list[PreviewedCall] = field(default_factory=list)
    first_day: dt.date | None = None  #: tomorrow if it has a call, else the next day with a call
    calls: list[PreviewedCall] = field(default_factory=list)  #: the calls of that day, the most money first

    @property
    def tomorrow(self) -> dt.date:
        return self.today + dt.timedelta(days=1)

    @property
    def calls_tomorrow(self) -> int:
        return len(self.calls) if self.first_day == self.tomorrow else 0


def preview(
    db: Session,
    connection: Connection,
    *,
    with_backlog: bool = False,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Preview:
    """Plan every open invoice as an opening at this moment would, without storing the plans.

    If the connection is open already, the plans use its real opening. `on_progress` receives the number of invoices
    that are planned so far.
    """
    now: dt.datetime = db.execute(select(func.clock_timestamp())).scalar_one()
    state = openings.state_of(db, connection.connection_id)
    policy = reminder_policies.policy_of(db, connection.connection_id)
    opening = state.opening if state.handover is Handover.OPEN else Opening(now, with_backlog=with_backlog)
    found = Preview(
        handover=state,
        today=now.astimezone(zone_named(connection.time_zone)).date(),
        with_backlog=opening.with_backlog,
        countries=questions.uncertain_countries(db, connection.connection_id),
    )
    today: list[PreviewedReminder] = []
    planned: list[PreviewedReminder] = []
    for done, case in enumerate(open_invoices.cases(db, connection.connection_id), start=1):
        without, latest = (
            case.plan(policy, replace(opening, with_backlog=backlog), home_time_zone=connection.time_zone, now=now)
            for backlog in (False, True)
        )
        made = latest if opening.with_backlog else without
        _count(found, case, made)
        found.before_opening += _reason(without) is SkipReason.BEFORE_OPENING
        if latest != without:
            found.backlog_invoices += 1
            found.backlog_phones.add(case.customer.primary_phone or "")
        for reminder in made.reminders if isinstance(made, Scheduled) else ():
            if reminder.day < found.tomorrow:
                today.append(PreviewedReminder(case, reminder))
                continue
            if found.first_day is None or reminder.day < found.first_day:
                found.first_day, planned = reminder.day, []
            if reminder.day == found.first_day:
                planned.append(PreviewedReminder(case, reminder))
        on_progress(done)
    for debt in open_invoices.waiting(db, connection.connection_id):
        found.funnel.add(debt.currency_code, debt.balance, SkipReason.CUSTOMER_MISSING, debt.invoices)
    found.calls_today = _calls(db, today)
    found.calls = _calls(db, planned)
    return found


def _count(found: Preview, case: Case, made: Plan) -> None:
    reason: LossReason | None = _reason(made)
    if isinstance(made, Scheduled) and all(reminder.day != found.tomorrow for reminder in made.reminders):
        reason = LaterReason.ANOTHER_DAY
    found.funnel.add(case.invoice.currency_code, case.invoice.balance or Decimal(), reason)


def _reason(made: Plan) -> SkipReason | None:
    return made.reason if isinstance(made, Skipped) else None


def _calls(db: Session, planned: list[PreviewedReminder]) -> list[PreviewedCall]:
    """Return the calls of a day, one per number, the most money first."""
    by_phone: dict[str, list[PreviewedReminder]] = defaultdict(list)
    for each in planned:
        by_phone[each.case.customer.primary_phone or ""].append(each)
    known = open_invoices.called(db, list({each.case.customer.id for each in planned}))
    calls = [
        PreviewedCall(phone, tuple(about), tuple(known[customer_id] for customer_id in _customer_ids(about)))
        for phone, about in by_phone.items()
    ]
    return sorted(calls, key=lambda call: (-call.owed, call.phone))


def _customer_ids(about: list[PreviewedReminder]) -> list[uuid.UUID]:
    return list(dict.fromkeys(each.case.customer.id for each in about))
