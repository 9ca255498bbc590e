"""One access token for all workers: one worker refreshes it, and all wait while Zoho grants no more."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier
from typing import Any

import pytest

from db import connections
from db.tokens import REFRESHES_PER_WINDOW
from domain.runs import MAX_ATTEMPTS
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench
from tests.integration.db.look import WITHOUT_COPIES
from workers.budget import BudgetWait, WaitReason
from workers.secrets.tokens import SharedTokens
from workers.zoho import transport
from workers.zoho.errors import TOKEN_PAUSE_SECONDS, ZohoUnavailable
from workers.zoho.wire import WireResponse, exchange

THREADS = 50


@pytest.fixture
def tokens(bench: Bench) -> SharedTokens:
    with bench.resources.engine.connect() as db:
        connection = connections.connection(db, bench.connection_id)
    resources = bench.resources
    client = resources.oauth_client(resources.hosts(connection.data_center))
    bench.zoho.reset_stats()
    return SharedTokens(resources.engine, resources.vault, resources.http, client, bench.connection_id)


def expire(bench: Bench) -> None:
    bench.rows(WITHOUT_COPIES + "UPDATE booksync.grants SET access_token_expires_at = now() RETURNING id")


def test_fifty_threads_with_an_expired_token_refresh_it_once(bench: Bench, tokens: SharedTokens) -> None:
    expire(bench)
    start = Barrier(THREADS)

    def ask(_: int) -> str:
        start.wait()
        return tokens.current().value

    with ThreadPoolExecutor(THREADS) as pool:
        values = set(pool.map(ask, range(THREADS)))
    assert len(values) == 1
    assert bench.zoho.stats().token_refreshes == 1


def test_ten_minutes_have_at_most_ten_refreshes(bench: Bench, tokens: SharedTokens) -> None:
    bench.zoho.fault(FaultName.TOKEN_ENDPOINT_DOWN, times=3)
    for _ in range(3):
        expire(bench)
        with pytest.raises(ZohoUnavailable):
            tokens.current()
    for _ in range(REFRESHES_PER_WINDOW - 3):
        expire(bench)
        tokens.current()
    expire(bench)
    with pytest.raises(BudgetWait) as waiting:
        tokens.current()
    assert waiting.value.reason is WaitReason.TOKENS
    assert 0 < waiting.value.seconds <= 600
    bench.rows("UPDATE booksync.grants SET refreshed_at[1] = now() - interval '11 minutes' RETURNING id")
    tokens.current()


def test_an_old_valid_token_is_used_while_no_other_is_granted(bench: Bench, tokens: SharedTokens) -> None:
    bench.rows(
        WITHOUT_COPIES + "UPDATE booksync.grants SET no_refresh_before = now() + interval '1 minute', "
        "access_token_expires_at = now() + interval '1 minute' RETURNING id"
    )
    assert tokens.current().value
    assert bench.zoho.stats().token_refreshes == 0


def test_a_throttled_token_endpoint_gets_no_request_for_a_while(bench: Bench, tokens: SharedTokens) -> None:
    bench.zoho.fault(FaultName.TOKEN_ENDPOINT_THROTTLED, times=1)
    expire(bench)
    for _ in range(3):
        with pytest.raises(BudgetWait) as waiting:
            tokens.current()
        assert waiting.value.seconds == pytest.approx(TOKEN_PAUSE_SECONDS, abs=5)
    bench.rows("UPDATE booksync.grants SET no_refresh_before = now() RETURNING id")
    assert tokens.current().value


def test_a_short_lived_token_is_not_refreshed_at_each_call(bench: Bench, tokens: SharedTokens) -> None:
    bench.zoho.set_tokens(expires_in=120)
    expire(bench)
    values = {tokens.current().value for _ in range(5)}
    assert len(values) == 1
    assert bench.zoho.stats().token_refreshes == 1


@pytest.mark.slow
def test_temporary_refusals_cost_no_wait_although_no_other_token_is_granted(bench: Bench) -> None:
    bench.rows(
        WITHOUT_COPIES + "UPDATE booksync.grants SET no_refresh_before = now() + interval '10 minutes', "
        "access_token_expires_at = now() + interval '30 minutes' RETURNING id"
    )
    for kind in (CallKind.BULK_PERSONS, CallKind.CONTACTS, CallKind.INVOICES):
        bench.zoho.fault(FaultName.ANSWER, kind=kind, status=401, code=57, times=1)
    result = bench.sync()
    assert result["status"] == "succeeded"
    assert bench.zoho.stats().token_refreshes == 0


@pytest.mark.slow
def test_a_zoho_that_refuses_every_fifth_call_costs_neither_waits_nor_many_tokens(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "TRY_AGAIN_SECONDS", 0)
    calls = count(1)

    def often_refused(*args: Any, **options: Any) -> WireResponse:
        if next(calls) % 5 == 0:
            return WireResponse(401, {}, b'{"code": 57, "message": "not authorized"}')
        return exchange(*args, **options)

    monkeypatch.setattr(transport, "exchange", often_refused)
    bench.rows(
        WITHOUT_COPIES
        + "UPDATE booksync.grants SET access_token_expires_at = now() + interval '30 minutes' RETURNING id"
    )
    bench.zoho.fault(FaultName.BULK_PERSONS_REFUSED, status=404)  # a call for each contact
    result = bench.sync()
    assert result["status"] == "succeeded"
    assert result["api_calls"] > 50
    assert bench.zoho.stats().token_refreshes <= 1
    assert not bench.rows("SELECT FROM booksync.sync_runs WHERE waiting_for IS NOT NULL")


@pytest.mark.slow
def test_a_refused_token_costs_no_attempt_while_no_other_is_granted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "TRY_AGAIN_SECONDS", 0)
    bench.rows("UPDATE booksync.grants SET no_refresh_before = now() + interval '10 minutes' RETURNING id")
    bench.zoho.fault(FaultName.ACCESS_TOKENS_EXPIRED)
    bench.start()
    for _ in range(MAX_ATTEMPTS + 2):
        bench.skip_waiting()
        step = bench.present_step()
        assert step is not None
        bench.take(step)
    run = bench.rows("""
        SELECT attempts, waiting_for, extract(epoch FROM not_before - now())::float AS seconds FROM booksync.sync_runs
    """)[0]
    assert run["attempts"] == 0
    assert run["seconds"] == pytest.approx(600, abs=60)
    assert "rejects the access token" in run["waiting_for"]
    bench.rows("UPDATE booksync.grants SET no_refresh_before = now() RETURNING id")
    while (step := bench.present_step()) is not None:
        bench.skip_waiting()
        bench.take(step)
    assert bench.rows("SELECT status FROM booksync.sync_runs") == [{"status": "succeeded"}]


def test_a_throttled_token_endpoint_costs_a_run_no_attempt(bench: Bench) -> None:
    bench.zoho.fault(FaultName.TOKEN_ENDPOINT_THROTTLED)
    expire(bench)
    bench.start()
    for _ in range(MAX_ATTEMPTS + 2):
        bench.skip_waiting()
        bench.rows("UPDATE booksync.grants SET no_refresh_before = now() RETURNING id")
        step = bench.present_step()
        assert step is not None
        bench.take(step)
    run = bench.rows("SELECT attempts, waiting_for, status, not_before > now() AS waits FROM booksync.sync_runs")[0]
    assert (run["attempts"], run["status"], run["waits"]) == (0, "running", True)
    assert "token endpoint has been throttled since" in run["waiting_for"]


def test_a_run_waits_for_the_tokens_and_spends_no_attempt(bench: Bench) -> None:
    expire(bench)
    bench.rows("UPDATE booksync.grants SET no_refresh_before = now() + interval '1 minute' RETURNING id")
    step = bench.start()
    bench.take(step)
    following = bench.present_step()
    assert following is not None
    bench.take(following)
    run = bench.rows("SELECT attempts, waiting_for, not_before > now() AS waits FROM booksync.sync_runs")[0]
    assert (run["attempts"], run["waits"]) == (0, True)
    assert "tokens" in run["waiting_for"]
