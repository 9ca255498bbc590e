"""Promises of workers/services/kept_previews.py: a preview goes on while pages ask for it, and ends after that."""

import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from db.openings import Switch
from domain.reminders.funnel import Tally
from domain.reminders.opening import Backlog, Handover
from domain.reminders.policy import ReminderPolicy
from workers.services import kept, kept_previews
from workers.services.kept_previews import ABANDONED_SECONDS, AbandonedError, KeptPreviews, Look, Report

CLOSED = Switch(Handover.CLOSED, None, Backlog.NONE)
OPEN = Switch(Handover.OPEN, datetime(2026, 3, 2, tzinfo=UTC), Backlog.NONE)

#: A patience with which each look waits for the end of the preview.
PATIENT = 60.0


class Previewing:
    """Previews of ten invoices, with a clock. Each plans one invoice whenever `plan` is called."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.made = 0
        self.ended_by: list[BaseException] = []
        self.previews = KeptPreviews(MagicMock(), large_invoices=1000, clock=lambda: self.now)
        self._connection = MagicMock(connection_id=uuid.UUID(int=1))
        self._go, self._planned = threading.Semaphore(0), threading.Semaphore(0)
        monkeypatch.setattr(kept_previews, "preview", self._preview)

    def _preview(self, *_: Any, on_progress: Report, **__: Any) -> Any:
        for done in range(1, 11):
            assert self._go.acquire(timeout=10)
            try:
                on_progress(done, 10)
            except AbandonedError as error:
                self.ended_by.append(error)
                raise
            finally:
                self._planned.release()
        self.made += 1
        return SimpleNamespace(funnel=SimpleNamespace(open=Tally(10)))

    def look(self, switch: Switch = CLOSED) -> Look[Any]:
        return self.previews.opening(self._connection, switch, ReminderPolicy(), Backlog.NONE)

    def plan(self, invoices: int) -> None:
        for _ in range(invoices):
            self._go.release()
            assert self._planned.acquire(timeout=10)

    def settle(self) -> None:
        """Let the previews in progress end."""
        for _ in range(100):
            self._go.release()
        wait_for_threads()


def wait_for_threads() -> None:
    for thread in threading.enumerate():
        if thread.name == "kept reading":
            thread.join(10)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Previewing]:
    """A preview for which no request can wait."""
    monkeypatch.setattr(kept, "PATIENCE_SECONDS", 0.0)
    previewing = Previewing(monkeypatch)
    yield previewing
    previewing.settle()


def test_a_preview_shows_how_far_it_is(slow: Previewing) -> None:
    assert (slow.look().found, slow.look().total) == (None, 0)
    slow.plan(3)
    look = slow.look()
    assert (look.found, look.done, look.total) == (None, 3, 10)


def test_a_preview_is_made_once_for_all_pages_and_kept(slow: Previewing) -> None:
    slow.look()
    slow.look()
    slow.plan(10)
    wait_for_threads()
    slow.now = kept.LONGEST_SECONDS - 1
    look = slow.look()
    assert look.found is not None
    assert look.age_seconds == slow.now
    assert slow.made == 1
    slow.now = kept.LONGEST_SECONDS
    assert slow.look().found is None


def test_a_quick_preview_of_few_invoices_is_made_at_each_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "PATIENCE_SECONDS", PATIENT)
    quick = Previewing(monkeypatch)
    for _ in range(20):
        quick._go.release()
    assert [quick.look().found is not None for _ in range(2)] == [True, True]
    assert quick.made == 2


def test_another_state_of_the_handover_has_another_preview(slow: Previewing) -> None:
    slow.look()
    slow.plan(10)
    wait_for_threads()
    assert slow.look(OPEN).found is None
    assert slow.look().found is not None


def test_a_preview_for_which_no_page_waits_ends(slow: Previewing) -> None:
    slow.look()
    slow.plan(1)
    slow.now = ABANDONED_SECONDS
    slow.look()
    slow.now = 2 * ABANDONED_SECONDS
    slow.plan(1)
    assert slow.ended_by == []
    slow.now += 1.0
    slow.plan(1)
    wait_for_threads()
    assert [type(each) for each in slow.ended_by] == [AbandonedError]
    assert (slow.look().found, slow.look().done) == (None, 0)
