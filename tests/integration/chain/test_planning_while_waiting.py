"""While a run waits for the API budget within the list of invoices, it plans the reminders that are due."""

import pytest

from domain.runs import Mode, Phase
from tests.integration.chain.bench import Bench
from workers.budget import BudgetWait, WaitReason
from workers.zoho.list_reader import ListReader


@pytest.fixture
def at_invoices(synced: Bench) -> Bench:
    """A full run whose next step reads the list of invoices; all planning is due, and no reminder exists."""
    synced.rows("DELETE FROM reminders RETURNING id")
    synced.rows("UPDATE invoices_cache SET plan_at = now() WHERE plan_at IS NOT NULL RETURNING id")
    synced.start(Mode.FULL)
    while (step := synced.present_step()) is not None and step.phase is not Phase.INVOICES:
        synced.take(step)
    return synced


def waits(bench: Bench, seconds: float, monkeypatch: pytest.MonkeyPatch) -> float:
    """Execute the present step, whose call for the list has to wait for so long; return the seconds left after it."""

    def wait(*_: object) -> None:
        raise BudgetWait(seconds, WaitReason.MINUTE)

    with monkeypatch.context() as patched:
        patched.setattr(ListReader, "page", wait)
        step = bench.present_step()
        assert step is not None
        bench.take(step)
    (run,) = bench.rows("""
        SELECT phase, waiting_for, extract(epoch FROM not_before - now())::float AS seconds
          FROM booksync.sync_runs WHERE status = 'running'
    """)
    assert (run["phase"], run["waiting_for"]) == ("invoices", "API budget (minute)")
    return float(run["seconds"])


def scheduled(bench: Bench) -> int:
    return len(bench.rows("SELECT FROM reminders WHERE status = 'scheduled'"))


def test_due_reminders_are_planned_during_the_wait(at_invoices: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0 < waits(at_invoices, 30, monkeypatch) < 30
    planned = scheduled(at_invoices)
    assert planned > 0
    while (step := at_invoices.present_step()) is not None:
        at_invoices.skip_waiting()
        at_invoices.take(step)
    assert scheduled(at_invoices) == planned
    assert at_invoices.differences() == []


def test_a_short_wait_is_not_made_longer(at_invoices: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    waits(at_invoices, 0.2, monkeypatch)
    assert scheduled(at_invoices) == 0


def test_nothing_is_planned_by_verdicts_that_must_be_made_again(
    at_invoices: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_invoices.rows("UPDATE booksync.zoho_connections SET phones_judged_with = 'other rules' RETURNING id")
    waits(at_invoices, 30, monkeypatch)
    assert scheduled(at_invoices) == 0
