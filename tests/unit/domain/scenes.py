"""Arbitrary invoices, customers, policies and moments, for properties of plans."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from domain.contacts import ContactStatus
from domain.customers import Customer
from domain.invoices import OPEN_STATUSES, Invoice
from domain.reminders.calling_hours import CallingHours
from domain.reminders.calling_window import CallingWindow
from domain.reminders.clocks import calling_hours_of
from domain.reminders.opening import ALWAYS_OPEN, Opening
from domain.reminders.permission import NO_HOLDS, Holds
from domain.reminders.plan import Plan, plan
from domain.reminders.policy import ReminderPolicy
from tests.builders import a_customer, an_invoice
from tests.unit.domain.reminders.clocks import zones

ZONES = [
    ("Europe/London",),
    ("America/New_York",),
    ("Asia/Kolkata",),
    ("Pacific/Apia",),
    ("America/St_Johns",),
    ("Africa/Casablanca",),
    ("Australia/Lord_Howe",),  # Its summer time shifts the clock by half an hour.
    ("America/New_York", "America/Los_Angeles", "Pacific/Honolulu"),
    ("Atlantic/Canary", "Europe/Madrid"),
    ("Pacific/Pago_Pago", "Pacific/Apia"),  # Both sides of the date line.
    ("Europe/London", "Pacific/Auckland"),  # No common hours, if the window is an ordinary one.
    (),
]
HOME = "Europe/London"
COUNTRIES = [None, "GB", "US", "IN", "DE", "NP", "SA"]
YEAR = st.integers(0, 365 * 24 * 60 * 60).map(
    lambda seconds: dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
)
DATES = st.dates(dt.date(2025, 11, 1), dt.date(2027, 1, 31))


@st.composite
def windows(draw: st.DrawFn) -> CallingWindow:
    """Windows at any hours, including those of clock changes."""
    opens, usual, closes = sorted(draw(st.sets(st.integers(0, 24 * 60 - 1), min_size=3, max_size=3)))
    at = [dt.time(minutes // 60, minutes % 60) for minutes in (opens, usual, closes)]
    weekdays = draw(st.frozensets(st.integers(0, 6), min_size=1))
    return CallingWindow(weekdays, opens=at[0], usual_time=at[1], closes=at[2])


POLICIES = st.builds(
    ReminderPolicy,
    st.sets(st.integers(-10, 40), min_size=1, max_size=6).map(lambda steps: tuple(sorted(steps))),
    windows(),
    skip_holidays=st.booleans(),
    most_steps=st.none() | st.integers(1, 6),
    max_age_days=st.sampled_from([1, 10, 30, 365]),
    unknown_zone=st.sampled_from(["skip", "organisation", "Asia/Tokyo"]),
)
OPENINGS = st.just(ALWAYS_OPEN) | st.builds(Opening, st.none() | YEAR, st.booleans())
PENDING = st.dictionaries(st.integers(-10, 40), YEAR, max_size=4)


@dataclass(frozen=True)
class Scene:
    """An open invoice, its callable customer, the sent reminders, and the opening of the connection."""

    policy: ReminderPolicy
    zones: tuple[str, ...]
    country: str | None
    date: dt.date | None
    due: dt.date
    expected: dt.date | None
    now: dt.datetime
    sent: frozenset[int]
    opening: Opening = ALWAYS_OPEN

    @property
    def hours(self) -> CallingHours:
        return calling_hours_of(self.customer, self.policy, HOME)

    @property
    def invoice(self) -> Invoice:
        return an_invoice(date=self.date, due_date=self.due, expected_payment_date=self.expected)

    @property
    def customer(self) -> Customer:
        return a_customer(time_zones=self.zones, country_code=self.country)

    def clocks_at(self, moment: dt.datetime) -> tuple[ZoneInfo, ...]:
        """The clocks that count: all of the number's, or the stand-in if they have no common hour."""
        stand_in = {"skip": (), "organisation": (HOME,)}.get(self.policy.unknown_zone, (self.policy.unknown_zone,))
        return zones(*self.zones) if _share_a_minute(self.policy.window, self.zones, moment) else zones(*stand_in)

    def plan(
        self,
        pending: Mapping[int, dt.datetime] | None = None,
        *,
        invoice: Invoice | None = None,
        customer: Customer | None = None,
        taken: Mapping[int, dt.datetime] | None = None,
        holds: Holds = NO_HOLDS,
    ) -> Plan:
        return plan(
            invoice or self.invoice,
            customer or self.customer,
            self.policy,
            home_time_zone=HOME,
            now=self.now,
            holds=holds,
            opening=self.opening,
            sent_steps=self.sent,
            pending=pending,
            taken=taken,
        )


def _share_a_minute(window: CallingWindow, names: tuple[str, ...], moment: dt.datetime) -> bool:
    """Whether, with the offsets of that moment, some minute of the day is in the window on every clock."""
    offsets = {
        (moment.astimezone(zone).utcoffset() or dt.timedelta()) // dt.timedelta(minutes=1) for zone in zones(*names)
    }
    opens, closes = (clock.hour * 60 + clock.minute for clock in (window.opens, window.closes))
    common = (
        minute for minute in range(24 * 60) if all(opens <= (minute + each) % (24 * 60) < closes for each in offsets)
    )
    return bool(names) and next(common, None) is not None


SCENES = st.builds(
    Scene,
    policy=POLICIES,
    zones=st.sampled_from(ZONES),
    country=st.sampled_from(COUNTRIES),
    date=st.none() | DATES,
    due=DATES,
    expected=st.none() | DATES,
    now=YEAR,
    sent=st.frozensets(st.integers(-10, 40), max_size=3),
    opening=OPENINGS,
)


INVOICE_FACTS = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from([*sorted(OPEN_STATUSES), "partially paid", "in_doubt"]),
        "ach_payment_initiated": st.none() | st.booleans(),
        "sub_status": st.sampled_from([None, "in dispute", "posted"]),
        "reminders_enabled": st.none() | st.booleans(),
        "due_date": st.none() | DATES | st.sampled_from([dt.date.min, dt.date.max]),
    },
)
HOLDS = st.builds(
    Holds,
    is_gone=st.booleans(),
    wrong_number=st.booleans(),
    is_disputed=st.booleans(),
    promised_until=st.none() | DATES | st.just(dt.date.max),
)

#: Possible events of an invoice and its customer; each sets one fact, so that any order has the same result.
HAPPENINGS = st.fixed_dictionaries(
    {},
    optional={
        "due_date": DATES,
        "expected_payment_date": st.none() | DATES,
        "time_zones": st.sampled_from(ZONES),
        "country_code": st.sampled_from(COUNTRIES),
        "primary_phone": st.sampled_from([None, "+442070313000"]),
        "reminders_enabled": st.sampled_from([None, True, False]),
        "status": st.sampled_from(ContactStatus),
    },
)
