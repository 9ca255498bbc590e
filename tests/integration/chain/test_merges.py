"""A merge that moves no stamp: the gone customer's open invoices are read at once."""

from collections.abc import Callable, Iterator, Sequence

import pytest

from db import webhook_events
from domain.entities import entity_named
from domain.invoices import OPEN_STATUSES
from domain.runs import Mode, Phase
from domain.webhooks import Event, EventKind
from sandbox.zoho.fault_requests import FaultName, HostileRow
from sandbox.zoho.stats import CallKind
from tests.drilled import drilled_except
from tests.integration.chain.bench import STEPS, Bench
from tests.integration.snapshots import SYNCED, Snapshots, State
from workers.sync.refreshes import refresh_record
from workers.zoho.errors import TokenRevoked


def tell(bench: Bench, contact_id: str, kind: EventKind) -> None:
    with bench.resources.engine.begin() as db:
        webhook_events.receive(db, bench.connection_id, Event("contact", contact_id, kind, None, None))


def refresh_all(bench: Bench) -> None:
    """Refreshes every waiting record, like workers that receive the messages."""
    while waiting := bench.rows(
        "UPDATE booksync.refreshes SET not_before = now() WHERE received > handled RETURNING entity, record_id"
    ):
        for row in waiting:
            refresh_record(bench.resources, str(bench.connection_id), entity_named(row["entity"]), row["record_id"])


def open_invoices(bench: Bench, contact_id: str) -> list[str]:
    """The open invoices that booksync has cached for the contact."""
    rows = bench.rows(
        """
        SELECT zoho_invoice_id FROM invoices_cache
         WHERE zoho_customer_id = %(id)s AND status = ANY(%(open)s) AND balance > 0 ORDER BY 1
        """,
        id=contact_id,
        open=sorted(OPEN_STATUSES),
    )
    return [row["zoho_invoice_id"] for row in rows]


def merge(bench: Bench) -> None:
    """Merges the contact with the most open invoices into the one with the second most."""
    by_size = sorted(bench.customers(), key=lambda contact_id: len(open_invoices(bench, contact_id)))
    bench.zoho.merge_contacts(by_size[-2], by_size[-1], stamp_invoices=False)


MERGED = State(merge, after=SYNCED)


@pytest.fixture
def merged(snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Bench, str, str, Sequence[str]]]:
    """A synced bench whose contact with the most open invoices was merged away: bench, loser, winner, invoices."""
    with snapshots.copied(MERGED, monkeypatch) as bench:
        truth = bench.zoho.snapshot()
        (loser,) = bench.customers().keys() - {contact["contact_id"] for contact in truth["contacts"]}
        moved = open_invoices(bench, loser)
        (winner,) = {invoice["customer_id"] for invoice in truth["invoices"] if invoice["invoice_id"] in moved}
        yield bench, loser, winner, moved


def by_a_deleted_event(bench: Bench, contact_id: str) -> None:
    tell(bench, contact_id, EventKind.DELETED)


def by_a_changed_event(bench: Bench, contact_id: str) -> None:
    tell(bench, contact_id, EventKind.CHANGED)


@pytest.mark.parametrize("learn", [by_a_deleted_event, by_a_changed_event])
def test_the_open_invoices_follow_the_winner_without_a_full_run(
    merged: tuple[Bench, str, str, Sequence[str]], learn: Callable[[Bench, str], None]
) -> None:
    bench, loser, winner, moved = merged
    learn(bench, loser)
    refresh_all(bench)
    assert {bench.invoices()[invoice]["zoho_customer_id"] for invoice in moved} == {winner}
    assert open_invoices(bench, loser) == []
    assert bench.zoho.stats().count(CallKind.INVOICE) == len(moved), "one call for each open invoice"


def test_a_full_run_reads_the_invoices_in_its_list_without_further_calls(
    merged: tuple[Bench, str, str, Sequence[str]],
) -> None:
    bench, _, winner, moved = merged
    bench.sync(Mode.FULL)
    assert bench.rows("SELECT record_id FROM booksync.refreshes") == []
    assert {bench.invoices()[invoice]["zoho_customer_id"] for invoice in moved} == {winner}
    assert bench.zoho.stats().count(CallKind.INVOICE) == 0


def as_the_list_fails(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.zoho.fault(FaultName.ANSWER, kind=CallKind.INVOICES, status=500, code=1000)


def as_the_list_is_garbage(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.zoho.fault(FaultName.GARBAGE, kind=CallKind.INVOICES, body="truncated")


def as_the_list_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.zoho.fault(FaultName.ANSWER, kind=CallKind.INVOICES, status=400, code=2)


def as_no_row_is_understood(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.zoho.fault(FaultName.HOSTILE_ROW, kind=CallKind.INVOICES, share=1, row=HostileRow.BROKEN_TIME)


def as_the_run_fails_by_a_defect(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(STEPS, Phase.INVOICES, fail)


def as_the_connection_is_parked(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise TokenRevoked("refused")

    monkeypatch.setitem(STEPS, Phase.INVOICES, fail)


@pytest.mark.slow
@pytest.mark.parametrize(
    "fail",
    drilled_except(
        (as_the_list_fails, as_no_row_is_understood, as_the_connection_is_parked),
        [
            as_the_list_fails,
            as_the_list_is_garbage,
            as_the_list_is_refused,
            as_no_row_is_understood,
            as_the_run_fails_by_a_defect,
            as_the_connection_is_parked,
        ],
    ),
)
def test_a_full_run_that_misses_the_list_requests_the_invoices(
    merged: tuple[Bench, str, str, Sequence[str]],
    fail: Callable[[Bench, pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench, loser, winner, moved = merged
    with monkeypatch.context() as patch:
        fail(bench, patch)
        assert bench.sync(Mode.FULL)["status"] in ("degraded", "failed", "parked")
    assert bench.customers()[loser]["gone_at"] is not None
    bench.zoho.clear_faults()
    bench.rows("UPDATE booksync.zoho_connections SET status = 'active' RETURNING id")
    refresh_all(bench)
    assert {bench.invoices()[invoice]["zoho_customer_id"] for invoice in moved} == {winner}


@pytest.mark.slow
def test_a_second_run_that_misses_the_list_requests_no_invoice_again(
    merged: tuple[Bench, str, str, Sequence[str]],
) -> None:
    bench, _, _, moved = merged
    bench.zoho.fault(FaultName.ANSWER, kind=CallKind.INVOICES, status=500, code=1000)
    bench.sync(Mode.FULL)
    refresh_all(bench)
    bench.sync(Mode.FULL)
    assert bench.rows("SELECT record_id FROM booksync.refreshes WHERE received > handled") == []
    assert bench.zoho.stats().count(CallKind.INVOICE) == len(moved)


@pytest.mark.slow
def test_an_incremental_run_that_misses_the_list_requests_nothing(bench: Bench) -> None:
    bench.sync()
    bench.zoho.fault(FaultName.ANSWER, kind=CallKind.INVOICES, status=500, code=1000)
    assert bench.sync()["status"] == "degraded"
    assert bench.rows("SELECT record_id FROM booksync.refreshes") == []
