"""The rules by which an organisation reminds: its steps, its calling window, and how often at most."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainSerializer, ValidationError

from domain.calling_window import CallingWindow, InvalidPolicyError

#: Days from the due date: a friendly word before it, on the day, and ever more seldom after it.
DEFAULT_STEPS = (-3, 0, 3, 7, 14, 30)

#: Ten years: beyond it a step is a typing error.
FURTHEST_STEP = 3650

#: A cache that is a week old says nothing about who has paid.
LONGEST_STALENESS_MINUTES = 7 * 24 * 60

#: More of anything that is counted is a typing error.
MOST_CONTACTS_A_DAY = 100
MOST_STEPS = 1000
MOST_DETAIL_CALLS = 1000

_WHOLE_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKDAYS = tuple(day[:3] for day in _WHOLE_WEEKDAYS)
_WEEKDAY_OF = {name: number for number, day in enumerate(_WHOLE_WEEKDAYS) for name in (day, day[:3])}


@dataclass(frozen=True, slots=True)
class ReminderPolicy:
    """When and how often an organisation reminds: the steps, ascending, and the calling window.

    Raises InvalidPolicyError.
    """

    steps: tuple[int, ...] = DEFAULT_STEPS
    window: CallingWindow = field(default_factory=CallingWindow)
    skip_holidays: bool = True  #: the public holidays of the customer's country
    most_steps: int | None = None  #: reminders that an invoice gets at most; None: as many as there are steps
    contacts_a_day: int = 1  #: of one phone number, whoever shares it
    stale_after_minutes: int = 240  #: nothing is handed over from a cache whose last invoice sync is older
    detail_calls_per_run: int = 20  #: that tell, a day ahead, whether Zoho's own switch is on

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
        if not 1 <= self.stale_after_minutes <= LONGEST_STALENESS_MINUTES:
            raise InvalidPolicyError(f"A cache is stale after 1 to {LONGEST_STALENESS_MINUTES} minutes.")
        if not 0 <= self.detail_calls_per_run <= MOST_DETAIL_CALLS:
            raise InvalidPolicyError(f"A run makes from 0 to {MOST_DETAIL_CALLS} detail calls for reminders.")
        if any(clock.second or clock.microsecond for clock in self._clocks):
            raise InvalidPolicyError("A time of day is given in hours and minutes: 09:00.")

    @property
    def _clocks(self) -> tuple[time, ...]:
        return self.window.opens, self.window.closes, self.window.usual_time

    def to_json(self) -> dict[str, Any]:
        """What is stored, and what `booksync policy show --json` prints."""
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
        ).model_dump(mode="json")

    @classmethod
    def from_json(cls, json: Mapping[str, Any]) -> "ReminderPolicy":
        """The policy that `to_json` wrote, here or in a newer release.

        A rule that is left out has its default, one that is not known is passed over. Raises InvalidPolicyError.
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
        )


def weekdays_named(names: Iterable[str]) -> frozenset[int]:
    """The weekdays (Monday is 0) of names such as "mon" or "Monday". Raises InvalidPolicyError."""
    try:
        return frozenset(_WEEKDAY_OF[name.strip().lower()] for name in names)
    except KeyError:
        raise InvalidPolicyError(f"A weekday is one of {', '.join(WEEKDAYS)}.") from None


_Clock = Annotated[time, PlainSerializer(lambda clock: clock.isoformat("minutes"), return_type=str)]


class _Form(BaseModel):
    """A policy as JSON; whether its rules go together is for ReminderPolicy to say."""

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


_DEFAULTS = ReminderPolicy().to_json()
