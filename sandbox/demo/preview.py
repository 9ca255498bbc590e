"""Reads the JSON reports of `booksync reminders preview` and `reminders open`."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.demo.errors import DemoError

#: The keys of the preview that the demo's own JSON object repeats. The list of calls is not repeated, because it has
#: phone numbers.
_REPEATED = ("funnel", "backlog_counts", "tomorrow")
_HANDOVER = ("handover", "opened_at", "backlog", "waiting_calls")


@dataclass(frozen=True, slots=True)
class Debt:
    """A number of invoices, and the sum of their balances by currency."""

    invoices: int
    amounts: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Loss:
    """Invoices that leave the funnel for the same reason."""

    sentence: str
    debt: Debt


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the funnel: the invoices that reach it, and the losses before it."""

    name: str  # The stage's name, such as `may_be_asked`.
    losses: tuple[Loss, ...]
    debt: Debt


@dataclass(frozen=True, slots=True)
class CallingDay:
    """A day, and the number of phone numbers that would be called on it."""

    day: dt.date
    calls: int


@dataclass(frozen=True, slots=True)
class Preview:
    """The connection's open invoices on their way to a call."""

    stages: tuple[Stage, ...]
    backlog_invoices: int  # The invoices whose latest missed step `--backlog latest` would plan.
    tomorrow: CallingDay
    first_day: CallingDay | None  # The next day with a call; None when no call is planned.
    is_open: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """The handover state of a connection that is open."""

    since: dt.datetime
    waiting_calls: int


def read_preview(facts: Mapping[str, Any]) -> Preview:
    """Read the JSON report of the preview. Raises `DemoError` when a value is missing or malformed."""
    try:
        first = facts["first_day"]
        return Preview(
            stages=tuple(_stage(stage) for stage in facts["funnel"]),
            backlog_invoices=facts["backlog_counts"]["latest"]["invoices"],
            tomorrow=CallingDay(dt.date.fromisoformat(facts["tomorrow"]["day"]), facts["tomorrow"]["calls"]),
            first_day=first and CallingDay(dt.date.fromisoformat(first), facts["calls_on_first_day"]),
            is_open=facts["handover"] == "open",
        )
    except KeyError as missing:
        raise DemoError(f"booksync reminders preview ended without reporting {missing.args[0]}") from None


def read_opened(facts: Mapping[str, Any]) -> Opened:
    """Read the JSON report of the opening. Raises `DemoError` when a value is malformed or the connection is closed."""
    try:
        if facts["handover"] != "open":
            raise DemoError("booksync reminders open ended with the connection closed")
        return Opened(dt.datetime.fromisoformat(facts["opened_at"]), facts["waiting_calls"])
    except KeyError as missing:
        raise DemoError(f"booksync reminders open ended without reporting {missing.args[0]}") from None


def result_of(run: Mapping[str, Any], preview: Mapping[str, Any], opened: Mapping[str, Any]) -> dict[str, Any]:
    """The demo's JSON object: the report of the first sync, the preview's funnel, and the opening's handover state."""
    return {**run, **{name: preview[name] for name in _REPEATED}, **{name: opened[name] for name in _HANDOVER}}


def _stage(stage: Mapping[str, Any]) -> Stage:
    losses = tuple(Loss(loss["sentence"], _debt(loss)) for loss in stage["losses"])
    return Stage(stage["stage"], losses, _debt(stage))


def _debt(tally: Mapping[str, Any]) -> Debt:
    return Debt(tally["invoices"], {code: Decimal(amount) for code, amount in tally["amounts"].items()})
