"""Promises of workers/web/console/kept_states.py: the console of a large installation seldom counts all rows."""

from typing import Any, cast

import pytest

from db import summary
from db.session import Session
from workers.web.console.kept_states import Kept, KeptStates

NO_SESSION = cast(Session, None)


class Installation:
    """A connection with so many invoices, a clock, and the number of readings."""

    def __init__(self, invoices: int) -> None:
        self.invoices = invoices
        self.readings = 0
        self.now = 0.0
        self.kept = KeptStates(large=1000, seconds=60, clock=lambda: self.now)

    def states(self, _db: Session) -> list[dict[str, Any]]:
        self.readings += 1
        return [{"cached": {"customers": 1, "invoices": self.invoices}, "reading": self.readings}]

    def look(self) -> Kept:
        return self.kept.read(NO_SESSION)


def an_installation(monkeypatch: pytest.MonkeyPatch, *, invoices: int) -> Installation:
    made = Installation(invoices)
    monkeypatch.setattr(summary, "connection_states", made.states)
    return made


def test_states_of_small_caches_are_read_at_each_look(monkeypatch: pytest.MonkeyPatch) -> None:
    small = an_installation(monkeypatch, invoices=998)
    assert [small.look().states[0]["reading"] for _ in range(2)] == [1, 2]
    assert small.look().age_seconds == 0


def test_states_of_large_caches_are_kept_for_a_while_with_their_age(monkeypatch: pytest.MonkeyPatch) -> None:
    large = an_installation(monkeypatch, invoices=999)
    looks = []
    for large.now in (0.0, 10.0, 59.0, 60.0):
        found = large.look()
        looks.append((found.states[0]["reading"], found.age_seconds))
    assert looks == [(1, 0), (1, 10), (1, 59), (2, 0)]


def test_what_a_look_adds_to_the_states_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    large = an_installation(monkeypatch, invoices=999)
    large.look().states[0]["budget"] = "…"
    assert "budget" not in large.look().states[0]
    large.look().states[0]["budget"] = "…"
    assert "budget" not in large.look().states[0]
