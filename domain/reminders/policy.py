"""The rules of an organisation for reminders: its steps, its calling window, and the limits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainSerializer, ValidationError

from domain.phones import KINDS_NOT_CALLED, PhoneKind
from domain.reminders.calling_window import CallingWindow, InvalidPolicyError
from domain.time_zones import is_place_zone

#: The default steps: days from the due date, before it, on the day, and with growing intervals after it.
DEFAULT_STEPS = (-3, 0, 3, 7, 14, 30)

#: The largest step, in days: ten years. A larger step is a typing error.
FURTHEST_STEP = 3650

#: The largest minimum balance. A larger one is a typing error in any currency.
LARGEST_MINIMUM = 1_000_000_000

#: The longest allowed age of the last invoice sync: a cache that is a week old does not prove that an invoice is
#: unpaid.
LONGEST_STALENESS_MINUTES = 7 * 24 * 60

#: The largest counts that a policy may have. Larger counts are typing errors.
MOST_CONTACTS_A_DAY = 100
MOST_CONTACTS_A_WEEK = 700
MOST_STEPS = 1000
MOST_DETAIL_CALLS = 1000
MOST_SHARING_CUSTOMERS = 10_000

#: The key of `minimum_balances` for every currency without its own minimum.
ANY_CURRENCY = "*"

#: The values of `unknown_zone` besides the name of a zone: plan no reminder, or use the organisation's zone.
SKIP, ORGANISATION = "skip", "organisation"

_WHOLE_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKDAYS = tuple(day[:3] for day in _WHOLE_WEEKDAYS)
_WEEKDAY_OF = {name: number for number, day in enumerate(_WHOLE_WEEKDAYS) for name in (day, day[:3])}


@dataclass(frozen=True, slots=True)
class ReminderPolicy:
    """The steps of an organisation's reminders, ascending, its calling window and its limits.

    Raises InvalidPolicyError if its values contradict each other.
    """

    steps: tuple[int, ...] = DEFAULT_STEPS
    window: CallingWindow = field(default_factory=CallingWindow)
    skip_holidays: bool = True  #: whether to omit the public holidays of the customer's country
    most_steps: int | None = None  #: the maximum of reminders for an invoice; None: the number of steps
    #: The maximum of handovers a day of one phone number, summed over all customers that share it.
    contacts_a_day: int = 1
    contacts_a_week: int = 3  #: the maximum of handovers of one phone number in any seven days
    stale_after_minutes: int = 240  #: no reminder is handed over if the last invoice sync is older
    #: The maximum of detail calls of a run for facts that only details have and that decide about a handover.
    detail_calls_per_run: int = 20
    max_age_days: int = 365  #: the maximum age of a debt for reminders, in days
    #: Currency code → the smallest balance for reminders; ANY_CURRENCY is the key for all others.
    minimum_balances: Mapping[str, Decimal] = field(
        default_factory=lambda: MappingProxyType({ANY_CURRENCY: Decimal(1)})
    )
    #: An invoice whose sub-status contains one of these texts is held.
    held_sub_statuses: tuple[str, ...] = ("dispute",)
    respect_credits: bool = True  #: no reminder for an invoice that the customer's unused credits cover
    #: Names of `PhoneKind` whose numbers are not called.
    kinds_not_called: tuple[str, ...] = tuple(map(str, KINDS_NOT_CALLED))
    #: A number of at least this many customers of different names is not called; 0: it is always called.
    shared_number_customers: int = 10
    #: Country → the zones that count for its numbers, if the number alone has more zones.
    zones: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    unknown_zone: str = SKIP  #: the stand-in for an unknown clock: SKIP, ORGANISATION, or the name of a zone

    def __post_init__(self) -> None:
        if not self.steps:
            raise InvalidPolicyError("Reminders need at least one step.")
        if any(earlier >= later for earlier, later in zip(self.steps, self.steps[1:], strict=False)):
            raise InvalidPolicyError(f"The steps must ascend, each only once: {self.steps}.")
        if max(map(abs, self.steps)) > FURTHEST_STEP:
            raise InvalidPolicyError(f"A step is at most {FURTHEST_STEP} days from the due date: {self.steps}.")
        if self.most_steps is not None and not 1 <= self.most_steps <= MOST_STEPS:
            raise InvalidPolicyError(f"An invoice gets from 1 to {MOST_STEPS} reminders, or any number.")
        if not 1 <= self.contacts_a_day <= MOST_CONTACTS_A_DAY:
            raise InvalidPolicyError(f"A phone number gets from 1 to {MOST_CONTACTS_A_DAY} contacts a day.")
        if not 1 <= self.contacts_a_week <= MOST_CONTACTS_A_WEEK:
            raise InvalidPolicyError(f"A phone number gets from 1 to {MOST_CONTACTS_A_WEEK} contacts a week.")
        if not 1 <= self.stale_after_minutes <= LONGEST_STALENESS_MINUTES:
            raise InvalidPolicyError(f"A cache is stale after 1 to {LONGEST_STALENESS_MINUTES} minutes.")
        if not 0 <= self.detail_calls_per_run <= MOST_DETAIL_CALLS:
            raise InvalidPolicyError(f"A run makes from 0 to {MOST_DETAIL_CALLS} detail calls for reminders.")
        if any(clock.second or clock.microsecond for clock in self._clocks):
            raise InvalidPolicyError("A time of day is given in hours and minutes: 09:00.")
        if not 1 <= self.max_age_days <= FURTHEST_STEP:
            raise InvalidPolicyError(f"A debt is too old after 1 to {FURTHEST_STEP} days.")
        self._check_money()
        self._check_numbers()
        self._check_zones()

    def _check_money(self) -> None:
        for currency, minimum in self.minimum_balances.items():
            if currency != ANY_CURRENCY and not (len(currency) == 3 and currency.isascii() and currency.isupper()):
                raise InvalidPolicyError(
                    f"A currency is a code such as EUR, or {ANY_CURRENCY} for all others: {currency}."
                )
            if not (minimum.is_finite() and not minimum.is_signed() and minimum < LARGEST_MINIMUM):
                raise InvalidPolicyError(f"A minimum balance is an amount from 0 to {LARGEST_MINIMUM:,}: {currency}.")
        if not all(word.strip() for word in self.held_sub_statuses):
            raise InvalidPolicyError("A sub-status that holds an invoice is a word, such as dispute.")

    def _check_numbers(self) -> None:
        for kind in self.kinds_not_called:
            if kind not in set(PhoneKind):
                raise InvalidPolicyError(f"A kind of number is one of {', '.join(PhoneKind)}: {kind}.")
        if self.shared_number_customers and not 2 <= self.shared_number_customers <= MOST_SHARING_CUSTOMERS:
            raise InvalidPolicyError(
                f"A number is shared from 2 to {MOST_SHARING_CUSTOMERS:,} customers on, or never (0)."
            )

    def _check_zones(self) -> None:
        for country, names in self.zones.items():
            if not (len(country) == 2 and country.isascii() and country.isupper()):
                raise InvalidPolicyError(f"A country is a code of two letters, such as AU: {country}.")
            if not names:
                raise InvalidPolicyError(f"The zones of {country} need at least one name.")
        stand_ins = () if self.unknown_zone in (SKIP, ORGANISATION) else (self.unknown_zone,)
        for name in (*(name for names in self.zones.values() for name in names), *stand_ins):
            if not is_place_zone(name):
                raise InvalidPolicyError(f"{name} is not an IANA time zone, such as Australia/Sydney.")

    def minimum_balance(self, currency_code: str) -> Decimal:
        """The smallest balance for which a reminder is planned, in the currency `currency_code`."""
        return self.minimum_balances.get(currency_code, self.minimum_balances.get(ANY_CURRENCY, Decimal(0)))

    @property
    def _clocks(self) -> tuple[time, ...]:
        return self.window.opens, self.window.closes, self.window.usual_time

    def to_json(self) -> dict[str, Any]:
        """The policy as the stored JSON, which `booksync policy show --json` prints too."""
        return _Form(
            steps=self.steps,
            usual_time=self.window.usual_time,
            opens=self.window.opens,
            closes=self.window.closes,
            weekdays=tuple(WEEKDAYS[day] for day in sorted(self.window.weekdays)),
            skip_holidays=self.skip_holidays,
            most_steps=self.most_steps,
            contacts_a_day=self.contacts_a_day,
            stale_after_minutes=self.stale_after_minutes,
            detail_calls_per_run=self.detail_calls_per_run,
            contacts_a_week=self.contacts_a_week,
            max_age_days=self.max_age_days,
            minimum_balances=dict(self.minimum_balances),
            held_sub_statuses=self.held_sub_statuses,
            respect_credits=self.respect_credits,
            kinds_not_called=self.kinds_not_called,
            shared_number_customers=self.shared_number_customers,
            zones=dict(self.zones),
            unknown_zone=self.unknown_zone,
        ).model_dump(mode="json")

    @classmethod
    def from_json(cls, json: Mapping[str, Any]) -> "ReminderPolicy":
        """The policy from the JSON of `to_json`, which another release may have written.

        A rule that the JSON lacks has its default; an unknown rule is ignored. Raises InvalidPolicyError.
        """
        try:
            form = _Form.model_validate(_DEFAULTS | dict(json))
        except ValidationError as error:
            problem = error.errors(include_url=False, include_context=False)[0]
            rule = ".".join(map(str, problem["loc"]))
            raise InvalidPolicyError(f"The rule {rule} cannot be understood: {problem['msg']}.") from None
        return cls(
            steps=form.steps,
            window=CallingWindow(
                weekdays=weekdays_named(form.weekdays),
                opens=form.opens,
                closes=form.closes,
                usual_time=form.usual_time,
            ),
            skip_holidays=form.skip_holidays,
            most_steps=form.most_steps,
            contacts_a_day=form.contacts_a_day,
            stale_after_minutes=form.stale_after_minutes,
            detail_calls_per_run=form.detail_calls_per_run,
            contacts_a_week=form.contacts_a_week,
            max_age_days=form.max_age_days,
            minimum_balances=MappingProxyType(form.minimum_balances),
            held_sub_statuses=form.held_sub_statuses,
            respect_credits=form.respect_credits,
            kinds_not_called=form.kinds_not_called,
            shared_number_customers=form.shared_number_customers,
            zones=MappingProxyType(form.zones),
            unknown_zone=form.unknown_zone,
        )


def weekdays_named(names: Iterable[str]) -> frozenset[int]:
    """The weekdays (Monday is 0) of names such as "mon" or "Monday". Raises InvalidPolicyError."""
    try:
        return frozenset(_WEEKDAY_OF[name.strip().lower()] for name in names)
    except KeyError:
        raise InvalidPolicyError(f"A weekday is one of {', '.join(WEEKDAYS)}.") from None


_Clock = Annotated[time, PlainSerializer(lambda clock: clock.isoformat("minutes"), return_type=str)]


#: The pattern of an amount: no exponent, because `reminder_checks` in SQL reads only digits and a point.
_Amount = Annotated[Decimal, PlainSerializer(lambda amount: format(amount, "f"), return_type=str)]


class _Form(BaseModel):
    """A policy as JSON. The class ReminderPolicy checks whether the rules fit together."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    steps: tuple[int, ...]
    usual_time: _Clock
    opens: _Clock
    closes: _Clock
    weekdays: tuple[str, ...]
    skip_holidays: bool
    most_steps: int | None
    contacts_a_day: int
    stale_after_minutes: int
    detail_calls_per_run: int
    contacts_a_week: int
    max_age_days: int
    minimum_balances: dict[str, _Amount]
    held_sub_statuses: tuple[str, ...]
    respect_credits: bool
    kinds_not_called: tuple[str, ...]
    shared_number_customers: int
    zones: dict[str, tuple[str, ...]]
    unknown_zone: str


_DEFAULTS = ReminderPolicy().to_json()
