"""While a run waits for the API budget within the list of invoices, it plans reminders of the invoices it has read."""

import pytest

from domain.runs import Mode, Phase
from sandbox.zoho.control import SandboxControl
from tests.integration.chain.bench import Bench
from tests.integration.snapshots import SMALL
from workers.budget import BudgetWait, WaitReason
from workers.zoho.list_reader import ListReader


@pytest.fixture
def zoho(simulator: SandboxControl) -> SandboxControl:
    """A simulator with two pages of invoices."""
    simulator.restart(**SMALL | {"invoices": 260})
    return simulator


@pytest.fixture
def after_a_page(bench: Bench) -> Bench:
    """A first run that has written one page of invoices, whose planning is due."""
    bench.start(Mode.FULL)
    while not bench.invoices():
        take(bench)
    assert phase(bench) is Phase.INVOICES
    return bench


def take(bench: Bench) -> None:
    step = bench.present_step()
    assert step is not None
    bench.skip_waiting()
    bench.take(step)


def phase(bench: Bench) -> Phase:
    step = bench.present_step()
    assert step is not None
    return step.phase


def waits(bench: Bench, seconds: float, monkeypatch: pytest.MonkeyPatch) -> float:
    """Execute the present step, whose call for the list waits `seconds`; return the seconds that are left then."""

    def wait(*_: object) -> None:
        raise BudgetWait(seconds, WaitReason.MINUTE)

    with monkeypatch.context() as patched:
        patched.setattr(ListReader, "page", wait)
        take(bench)
    (run,) = bench.rows("""
        SELECT phase, waiting_for, extract(epoch FROM not_before - now())::float AS seconds
          FROM booksync.sync_runs WHERE status = 'running'
    """)
    assert (run["phase"], run["waiting_for"]) == ("invoices", "API budget (minute)")
    return float(run["seconds"])


def planned(bench: Bench) -> set[str]:
    """The ids of the invoices with a scheduled reminder."""
    rows = bench.rows("""
        SELECT DISTINCT zoho_invoice_id AS id FROM reminders JOIN invoices_cache AS invoice ON invoice.id = invoice_id
         WHERE reminders.status = 'scheduled'
    """)
    return {row["id"] for row in rows}


def test_due_reminders_are_planned_during_the_wait(after_a_page: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0 < waits(after_a_page, 30, monkeypatch) < 30
    early = planned(after_a_page)
    assert early
    while after_a_page.present_step() is not None:
        take(after_a_page)
    assert early < planned(after_a_page)
    assert after_a_page.differences() == []


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("invoices_cache SET observed_at = observed_at - interval '1 hour'", id="not read by this run"),
        pytest.param("booksync.sync_runs SET position = position - 'customers_complete'", id="customers incomplete"),
        pytest.param("booksync.zoho_connections SET phones_judged_with = 'other rules'", id="verdicts outdated"),
    ],
)
def test_nothing_is_planned_from_facts_that_may_be_old(
    after_a_page: Bench, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    after_a_page.rows(f"UPDATE {change} RETURNING id")
    waits(after_a_page, 30, monkeypatch)
    assert planned(after_a_page) == set()


def test_a_short_wait_is_not_made_longer(after_a_page: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    waits(after_a_page, 0.2, monkeypatch)
    assert planned(after_a_page) == set()
