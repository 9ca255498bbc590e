"""The outcomes of the calls of the simulated year, and the later calls that these outcomes forbid."""

import datetime as dt
import random
import uuid
from dataclasses import dataclass, field

from sqlalchemy import Engine, text

#: Outcome → its weight; None: the caller reports nothing.
_OUTCOMES: dict[str | None, int] = {
    "reached": 30,
    "no_answer": 25,
    "promised": 15,
    "disputed": 4,
    "wrong_number": 3,
    "do_not_call": 2,
    None: 21,
}

_CORRECTED = 0.2
_LATE = 0.1
_OF_ONE_REMINDER = 0.3
_A_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Called:
    """One handed-over reminder, with its invoice, its customer and the called number."""

    handover_id: uuid.UUID
    reminder_id: uuid.UUID
    invoice_id: str
    customer_id: str
    phone: str
    day: dt.date


@dataclass(frozen=True)
class _Report:
    outcome: str
    until: dt.date | None


@dataclass
class Outcomes:
    """The reported outcomes; the latest outcome of each reminder counts."""

    random: random.Random
    latest: dict[Called, _Report] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)  #: numbers on the do-not-call list
    to_come: list[tuple[dt.datetime, tuple[Called, ...]]] = field(default_factory=list)

    def after(self, engine: Engine, called: tuple[Called, ...], now: dt.datetime) -> str | None:
        """Report a random outcome of one handover, or none; some outcomes are reported or corrected a day later."""
        if self.random.random() < _LATE:
            self.to_come.append((now + _A_DAY, called))
            return None
        if self.random.random() < _CORRECTED:
            self.to_come.append((now + _A_DAY, called))
        return self._report(engine, called)

    def report_late_ones(self, engine: Engine, now: dt.datetime) -> list[str]:
        due = [called for at, called in self.to_come if at <= now]
        self.to_come = [each for each in self.to_come if each[0] > now]
        reported = [self._report(engine, called) for called in due]
        return [outcome for outcome in reported if outcome is not None]

    def against(self, invoice_id: str, customer_id: str, phone: str, day: dt.date) -> str | None:
        """The outcome that forbids a call of that number about that invoice on that day."""
        if phone in self.listed:
            return "do_not_call"
        for called, report in self.latest.items():
            if report.outcome == "disputed" and called.invoice_id == invoice_id:
                return "disputed"
            if called.customer_id != customer_id:
                continue
            if report.outcome == "wrong_number" and called.phone == phone:
                return "wrong_number"
            if report.until is not None and day <= report.until:
                return "promised"
        return None

    def _report(self, engine: Engine, called: tuple[Called, ...]) -> str | None:
        (outcome,) = self.random.choices(list(_OUTCOMES), weights=list(_OUTCOMES.values()))
        if outcome is None:
            return None
        of_one = len(called) > 1 and self.random.random() < _OF_ONE_REMINDER
        concerned = called[:1] if of_one else called
        until = called[0].day + dt.timedelta(days=self.random.randrange(21)) if outcome == "promised" else None
        with engine.begin() as db:
            recorded = db.execute(
                text("SELECT booksync.report_outcome(:handover, :outcome, :reminder, :until)"),
                {
                    "handover": called[0].handover_id,
                    "outcome": outcome,
                    "reminder": called[0].reminder_id if of_one else None,
                    "until": until,
                },
            ).scalar_one()
        assert recorded == len(concerned)
        self.latest |= {each: _Report(outcome, until) for each in concerned}
        if outcome == "do_not_call":
            self.listed.add(called[0].phone)
        return outcome
