"""Records that return 401 to a valid token: each fails alone, and none uses up the access tokens of the others."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from db import webhook_events
from db.tokens import REFRESHES_PER_WINDOW
from domain.entities import CUSTOMER
from domain.webhooks import Event, EventKind
from sandbox.zoho.control import SandboxControl
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench
from tests.integration.chain.test_failing_records import customer_ids, rejected
from tests.integration.db.look import WITHOUT_COPIES
from tests.integration.snapshots import FEW
from workers.secrets.tokens import RECORD_REFRESHES
from workers.sync.refreshes import refresh_record
from workers.zoho import transport
from workers.zoho.wire import WireResponse, exchange


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "TRY_AGAIN_SECONDS", 0)


@pytest.fixture
def older(bench: Bench) -> Bench:
    """A bench with a token that is half an hour old, and a detail call for each contact of a run."""
    minutes_pass(bench, 30)
    bench.zoho.fault(FaultName.BULK_PERSONS_REFUSED, status=404)
    bench.zoho.reset_stats()
    return bench


def minutes_pass(bench: Bench, minutes: int) -> None:
    """Makes the last token and earlier refreshes older."""
    bench.rows(
        WITHOUT_COPIES
        + """
        UPDATE booksync.grants
           SET access_token_expires_at = access_token_expires_at - make_interval(mins => %(minutes)s),
               refreshed_at = ARRAY(SELECT at - make_interval(mins => %(minutes)s) FROM unnest(refreshed_at) at)
        RETURNING id
        """,
        minutes=minutes,
    )


def forbid(bench: Bench, *contact_ids: str) -> None:
    for contact_id in contact_ids:
        bench.zoho.fault(FaultName.ANSWER, path=f"/contacts/{contact_id}", status=401, code=57)


def refreshes(bench: Bench) -> int:
    return bench.zoho.stats().token_refreshes


def a_webhook(bench: Bench, contact_id: str) -> str:
    """Receives and handles an event of the contact; returns its outcome."""
    with bench.resources.engine.begin() as db:
        event = Event("contact", contact_id, EventKind.CHANGED, None, None)
        webhook_events.receive(db, bench.connection_id, event)
    refresh_record(bench.resources, str(bench.connection_id), CUSTOMER, contact_id)
    (row,) = bench.rows(
        "SELECT outcome FROM booksync.webhook_events WHERE record_id = %(id)s ORDER BY id DESC LIMIT 1", id=contact_id
    )
    return str(row["outcome"])


@pytest.mark.slow
class TestARun:
    def test_many_forbidden_records_cost_one_token_and_no_wait(self, older: Bench) -> None:
        ids = customer_ids(older)
        forbidden = [contact_id for place, contact_id in enumerate(ids) if place % 2 == 0][: REFRESHES_PER_WINDOW + 5]
        forbid(older, *forbidden)
        result = older.sync()
        assert rejected(older) == [("contact", contact_id) for contact_id in forbidden]
        assert result["customers"]["total"] == len(ids)
        assert refreshes(older) <= 1
        assert older.rows("SELECT status FROM booksync.zoho_connections") == [{"status": "active"}]

    def test_neighbouring_forbidden_records_cost_one_token(self, older: Bench) -> None:
        forbidden = customer_ids(older)[3:5]
        forbid(older, *forbidden)
        older.sync()
        assert rejected(older) == [("contact", contact_id) for contact_id in forbidden]
        assert refreshes(older) == 1

    def test_a_forbidden_record_is_tried_twice_after_another_was_read(self, older: Bench) -> None:
        (forbidden,) = customer_ids(older)[3:4]
        forbid(older, forbidden)
        older.sync()
        assert [fault["strikes"] for fault in older.zoho.faults() if fault["path"]][-1] == 2
        assert refreshes(older) == 0

    def test_a_token_that_expires_during_a_run_rejects_no_record(
        self, older: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        details = count()

        def ends(*args: Any, **options: Any) -> WireResponse:
            if options["call"].startswith("GET /contacts/") and next(details) == 20:
                older.zoho.fault(FaultName.ACCESS_TOKENS_EXPIRED)
            return exchange(*args, **options)

        monkeypatch.setattr(transport, "exchange", ends)
        assert older.sync()["status"] == "succeeded"
        assert rejected(older) == []
        assert refreshes(older) == 1


class TestWebhooks:
    @pytest.fixture
    def zoho(self, simulator: SandboxControl) -> SandboxControl:
        simulator.restart(**FEW)
        return simulator

    @pytest.fixture
    def forbidden(self, older: Bench) -> Iterator[str]:
        """Ids of records that the grant may not read."""
        older.sync()
        ids = customer_ids(older)
        forbid(older, *ids)
        older.zoho.reset_stats()
        return iter(ids)

    @pytest.mark.slow
    def test_forbidden_records_of_one_minute_cost_one_token(self, older: Bench, forbidden: Iterator[str]) -> None:
        assert {a_webhook(older, next(forbidden)) for _ in range(6)} == {"failed"}
        assert refreshes(older) == 1

    @pytest.mark.slow
    def test_forbidden_records_of_ten_minutes_leave_tokens_for_others(
        self, older: Bench, forbidden: Iterator[str]
    ) -> None:
        for _ in range(9):
            a_webhook(older, next(forbidden))
            minutes_pass(older, 1)
        assert refreshes(older) == RECORD_REFRESHES

    @pytest.mark.slow
    def test_a_token_that_was_revoked_early_is_renewed(self, older: Bench) -> None:
        older.sync()
        older.zoho.reset_stats()
        older.zoho.fault(FaultName.ACCESS_TOKENS_EXPIRED)
        assert a_webhook(older, customer_ids(older)[0]) == "asked"
        assert refreshes(older) == 1

    def test_the_first_token_of_a_connection_is_renewed_even_if_it_is_young(self, synced: Bench) -> None:
        synced.zoho.reset_stats()
        synced.zoho.fault(FaultName.ACCESS_TOKENS_EXPIRED)
        assert a_webhook(synced, customer_ids(synced)[0]) == "asked"
        assert refreshes(synced) == 1


@pytest.mark.slow
def test_a_refused_list_renews_the_token(older: Bench) -> None:
    older.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACTS, status=401, code=57, times=1)
    assert older.sync()["status"] == "succeeded"
    assert refreshes(older) == 1
