"""Everything about one customer that decides whether and when it is reminded, as the console shows it."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo

from db import customer_history, invoice_lists, plan_cases
from db.customer_history import CustomerRecord, PastReminder
from db.invoice_lists import ListedInvoice
from db.plan_cases import CaseCustomer
from db.session import Session
from domain.phones import PhoneFallback
from domain.reminders.calling_hours import CallingHours, NeverOpenError
from domain.reminders.clocks import calling_hours_of, clocks_of
from domain.reminders.permission import objections_to_the_customer
from domain.time_zones import known_zones, zone_named
from workers.services.explain import phones_of
from workers.services.reasons import local_time, sentence_about

#: The rows of each list of a customer's page.
ROWS: Final = 50

_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class Clock:
    """A time zone in which the customer's number may ring, with its present local time."""

    time_zone: str
    local_time: str


@dataclass(frozen=True, slots=True)
class ExplainedCustomer:
    """A customer with the reasons against its reminders. It is personal data; do not log it."""

    record: CustomerRecord = field(repr=False)
    objections: tuple[str, ...] = field(repr=False)  #: sentences, in the order of the rules
    promised_until: dt.date | None
    phones: list[dict[str, Any]] = field(repr=False)  #: as `booksync explain --json` prints them
    clocks: tuple[Clock, ...]
    window: str  #: the calling window in words
    is_open_now: bool
    next_opening: str | None  #: the local time at which the next call is allowed; None if that is now or never
    invoices: Sequence[ListedInvoice] = field(repr=False)  #: at most ROWS, those due first come first
    history: Sequence[PastReminder] = field(repr=False)  #: at most ROWS, the latest first


def explained_customer(db: Session, customer_id: uuid.UUID, fallback: PhoneFallback) -> ExplainedCustomer | None:
    """Return the page of the customer with this booksync id; None if it is not cached."""
    record = customer_history.record(db, customer_id)
    facts = plan_cases.customer(db, customer_id) if record else None
    if record is None or facts is None:
        return None
    hours = calling_hours_of(facts, record.policy, record.home_time_zone)
    zones = known_zones(clocks_of(facts, record.policy, record.home_time_zone).zones) or ()
    zone = next(iter(zones), zone_named(record.customer.time_zone, record.home_time_zone))
    return ExplainedCustomer(
        record=record,
        objections=_objections(facts, record),
        promised_until=facts.holds.promised_until,
        phones=phones_of(record.customer, record.home_country, fallback),
        clocks=tuple(Clock(each.key, local_time(record.now, each)) for each in zones),
        window=_window(hours),
        is_open_now=hours.contains(record.now),
        next_opening=_next_opening(hours, record.now, zone),
        invoices=invoice_lists.open_of_customer(db, record.connection_id, customer_id, limit=ROWS),
        history=customer_history.history(db, customer_id, limit=ROWS),
    )


def _objections(facts: CaseCustomer, record: CustomerRecord) -> tuple[str, ...]:
    found = objections_to_the_customer(facts, record.policy, facts.holds)
    return tuple(sentence_about(reason, facts.number, record.policy) for reason in found)


def _next_opening(hours: CallingHours, now: dt.datetime, zone: ZoneInfo) -> str | None:
    if hours.contains(now):
        return None
    try:
        return local_time(hours.next_moment(now), zone)
    except (NeverOpenError, OverflowError):
        return None


def _window(hours: CallingHours) -> str:
    window = hours.window
    days = ", ".join(_WEEKDAYS[day] for day in sorted(window.weekdays))
    return f"{days}, {window.opens:%H:%M} to {window.closes:%H:%M}"
