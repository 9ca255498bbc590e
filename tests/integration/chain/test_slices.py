"""A step reads a slice of a list: same results as page by page, and a killed worker repeats at most one call."""

import threading
from typing import Any

import psycopg
import pytest

from domain.runs import MAX_ATTEMPTS, Mode, Phase
from sandbox.zoho.control import SandboxControl
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.end_to_end.underway import eventually
from tests.integration.chain.bench import Bench
from tests.integration.chain.conftest import LIMIT
from tests.integration.chain.interruptions import at_page, finish, step_until, sync_with_a_kill
from tests.truth import differences
from workers.boot.slices import SliceLimits
from workers.services.cache_invoices import cache_invoices
from workers.sync import customers, list_ahead, list_pages, writing

pytestmark = pytest.mark.slow

SLICE = SliceLimits(pages=30)

#: Three pages and four, with one row on the last ones.
CONTACTS, INVOICES = 401, 601


@pytest.fixture
def zoho(simulator: SandboxControl) -> SandboxControl:
    simulator.restart(contacts=CONTACTS, invoices=INVOICES, requests_per_minute=LIMIT)
    return simulator


@pytest.fixture
def sliced(bench: Bench) -> Bench:
    return bench.with_slices(SLICE)


@pytest.mark.slow
def test_a_first_sync_takes_few_steps_and_equals_zoho(sliced: Bench, database: psycopg.Connection) -> None:
    result = sliced.sync(Mode.FULL)
    assert result["status"] == "succeeded"
    assert differences(sliced.zoho.snapshot(), database) == []
    (run,) = sliced.rows("SELECT step FROM booksync.sync_runs")
    pages = sliced.zoho.stats().count(CallKind.CONTACTS) + sliced.zoho.stats().count(CallKind.INVOICES)
    assert pages >= 7
    assert run["step"] <= 8
    assert sliced.rows("SELECT number FROM booksync.staged_pages") == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "name", "call"),
    [
        (writing, "cache_invoices", 1),
        (writing, "cache_invoices", 3),
        (writing, "cache_customers", 1),
        (list_pages, "checkpoint_with", 2),
        (customers, "staged_page", 3),
    ],
)
def test_a_killed_worker_repeats_at_most_one_call(
    sliced: Bench, database: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, call: int
) -> None:
    undisturbed, calls = sync_with_a_kill(sliced, monkeypatch, module, name, call)
    assert undisturbed <= calls <= undisturbed + 1
    assert differences(sliced.zoho.snapshot(), database) == []


def test_the_next_page_is_fetched_while_a_page_is_written(sliced: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = cache_invoices, iter(range(100))

    def after_the_next_call(*args: Any, **keywords: Any) -> Any:
        written = next(calls)
        if written < 3:
            eventually(lambda: sliced.zoho.stats().count(CallKind.INVOICES) >= written + 2)
        return real(*args, **keywords)

    monkeypatch.setattr(writing, "cache_invoices", after_the_next_call)
    assert sliced.sync(Mode.FULL)["status"] == "succeeded"
    assert next(calls) > 3


@pytest.mark.slow
def test_no_page_is_fetched_whose_rows_nobody_writes(bench: Bench) -> None:
    page_by_page = bench.sync(Mode.FULL)["api_calls"]
    assert bench.with_slices(SLICE).sync(Mode.FULL)["api_calls"] == page_by_page


def test_a_slice_ends_at_the_next_page_when_another_message_waits(bench: Bench) -> None:
    wanted = threading.Event()
    wanted.set()
    busy = bench.with_slices(SliceLimits(pages=30, is_thread_wanted=wanted.is_set))
    busy.sync(Mode.FULL)
    (run,) = busy.rows("SELECT step FROM booksync.sync_runs")
    assert run["step"] >= 10


def test_fetched_contacts_are_cached_before_their_phase_is_given_up(bench: Bench) -> None:
    failing = bench.with_slices(
        at_page(2, lambda: bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACTS, status=500, code=1000))
    )
    failing.start(Mode.FULL)
    step_until(bench.with_slices(SLICE), Phase.CONTACTS)
    finish(failing)
    (run,) = bench.rows("SELECT status FROM booksync.sync_runs")
    assert run["status"] == "degraded"
    assert 0 < len(bench.customers()) < CONTACTS
    assert bench.zoho.stats().count(CallKind.CONTACTS, status=500) <= MAX_ATTEMPTS + 1


@pytest.mark.slow
def test_an_error_of_the_next_call_does_not_undo_the_page_before(bench: Bench, database: psycopg.Connection) -> None:
    failing = bench.with_slices(
        at_page(2, lambda: bench.zoho.fault(FaultName.ANSWER, kind=CallKind.INVOICES, times=2, status=500, code=1000))
    )
    failing.start(Mode.FULL)
    step_until(bench.with_slices(SLICE), Phase.INVOICES)
    failing.take(failing.present_step())  # type: ignore[arg-type]
    assert 0 < len(bench.invoices()) < INVOICES
    finish(bench.with_slices(SLICE))
    (run,) = bench.rows("SELECT status FROM booksync.sync_runs")
    assert run["status"] == "succeeded"
    assert differences(bench.zoho.snapshot(), database) == []


@pytest.mark.slow
def test_a_release_without_staged_pages_fetches_them_again(bench: Bench, database: psycopg.Connection) -> None:
    bench.start(Mode.FULL)
    sliced = bench.with_slices(SLICE)
    step_until(sliced, Phase.CUSTOMERS)
    assert bench.rows("SELECT number FROM booksync.staged_pages")
    # Such a release neither reads the staged pages nor writes their keys.
    bench.rows(
        "UPDATE booksync.sync_runs SET phase = 'contacts', step = step + 1,"
        " position = position - '{contacts_ahead,contacts_fetched,contacts_written}'::text[] RETURNING id"
    )
    finish(sliced)
    assert differences(bench.zoho.snapshot(), database) == []


class TestAListReadAhead:
    """A second call at a time, while responses are slow."""

    @pytest.fixture
    def slow(self, bench: Bench) -> Bench:
        bench.zoho.fault(FaultName.LATENCY, kind=CallKind.CONTACTS, seconds=0.05)
        return bench.with_slices(SliceLimits(pages=30, slow_response_seconds=0.0))

    @pytest.mark.slow
    def test_invoices_are_staged_while_contacts_are_fetched(self, slow: Bench, database: psycopg.Connection) -> None:
        slow.start(Mode.FULL)
        step_until(slow, Phase.CUSTOMERS)
        staged = slow.rows("SELECT number FROM booksync.staged_pages WHERE entity = 'invoice' ORDER BY number")
        assert staged
        assert slow.invoices() == {}
        calls = slow.zoho.stats().count(CallKind.INVOICES)
        assert len(staged) == calls
        finish(slow)
        assert slow.zoho.stats().count(CallKind.INVOICES) == INVOICES // 200 + 1
        assert differences(slow.zoho.snapshot(), database) == []

    @pytest.mark.slow
    def test_it_goes_on_while_contacts_are_written(self, slow: Bench, database: psycopg.Connection) -> None:
        slow.start(Mode.FULL)
        step_until(slow, Phase.CUSTOMERS)
        before = slow.zoho.stats().count(CallKind.INVOICES)
        slow.take(slow.present_step())  # type: ignore[arg-type]
        assert slow.zoho.stats().count(CallKind.INVOICES) > before
        finish(slow)
        assert slow.zoho.stats().count(CallKind.INVOICES) == INVOICES // 200 + 1
        assert differences(slow.zoho.snapshot(), database) == []

    @pytest.mark.slow
    def test_it_costs_no_further_call(self, bench: Bench, slow: Bench) -> None:
        page_by_page = bench.sync(Mode.FULL)["api_calls"]
        assert slow.sync(Mode.FULL)["api_calls"] == page_by_page

    @pytest.mark.slow
    def test_its_error_does_not_fail_the_list_that_the_step_fetches(
        self, slow: Bench, database: psycopg.Connection
    ) -> None:
        slow.zoho.fault(FaultName.ANSWER, kind=CallKind.INVOICES, times=3, status=500, code=1000)
        slow.start(Mode.FULL)
        finish(slow)
        (run,) = slow.rows("SELECT status, attempts FROM booksync.sync_runs")
        assert run["status"] == "succeeded"
        assert differences(slow.zoho.snapshot(), database) == []

    @pytest.mark.slow
    def test_an_error_of_the_steps_own_call_does_not_waste_the_other_call(self, slow: Bench) -> None:
        slow.start(Mode.FULL)
        step_until(slow, Phase.CONTACTS)
        before = slow.zoho.stats().count(CallKind.INVOICES, status=200)
        slow.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACTS, status=500, code=1000)
        finish(slow)
        assert slow.zoho.stats().count(CallKind.INVOICES, status=200) >= before
        assert slow.zoho.stats().count(CallKind.INVOICES, status=200) == INVOICES // 200 + 1

    def test_a_killed_worker_repeats_at_most_the_two_calls_under_way(
        self, slow: Bench, database: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        undisturbed, calls = sync_with_a_kill(slow, monkeypatch, list_ahead, "checkpoint_with", 1)
        assert undisturbed <= calls <= undisturbed + 2
        assert differences(slow.zoho.snapshot(), database) == []
