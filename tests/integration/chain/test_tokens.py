"""One access token for all workers: refreshed by one of them, waited for when Zoho grants no more."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from db import connections
from db.tokens import REFRESHES_PER_WINDOW
from sandbox.zoho.commands import FaultName
from tests.integration.chain.bench import Bench
from workers.budget import BudgetWait, WaitReason
from workers.tokens import PAUSE_SECONDS, SharedTokens
from workers.zoho.errors import ZohoUnavailable

THREADS = 50


@pytest.fixture
def tokens(bench: Bench) -> SharedTokens:
    with bench.resources.engine.connect() as connection:
        link = connections.link(connection, bench.connection_id)
    resources = bench.resources
    client = resources.oauth_client(resources.hosts(link.data_center))
    bench.zoho.reset_stats()
    return SharedTokens(resources.engine, resources.vault, resources.http, client, bench.connection_id)


def expire(bench: Bench) -> None:
    bench.rows("UPDATE zoho_connections SET access_token_expires_at = now() RETURNING id")


def test_fifty_threads_that_start_at_once_on_an_expired_token_refresh_it_once(
    bench: Bench, tokens: SharedTokens
) -> None:
    expire(bench)
    start = Barrier(THREADS)

    def ask(_: int) -> str:
        start.wait()
        return tokens.current().value

    with ThreadPoolExecutor(THREADS) as pool:
        values = set(pool.map(ask, range(THREADS)))
    assert len(values) == 1
    assert bench.zoho.stats().token_refreshes == 1


def test_ten_refreshes_in_ten_minutes_are_the_most_whatever_happens(bench: Bench, tokens: SharedTokens) -> None:
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
    bench.rows("UPDATE zoho_connections SET refreshed_at[1] = now() - interval '11 minutes' RETURNING id")
    tokens.current()


def test_an_old_token_that_still_lives_is_used_while_no_other_is_granted(bench: Bench, tokens: SharedTokens) -> None:
    bench.rows(
        "UPDATE zoho_connections SET no_refresh_before = now() + interval '1 minute', "
        "access_token_expires_at = now() + interval '1 minute' RETURNING id"
    )
    assert tokens.current().value
    assert bench.zoho.stats().token_refreshes == 0


def test_a_throttled_token_endpoint_is_left_alone_for_a_while(bench: Bench, tokens: SharedTokens) -> None:
    bench.zoho.fault(FaultName.TOKEN_ENDPOINT_THROTTLED, times=1)
    expire(bench)
    for _ in range(3):
        with pytest.raises(BudgetWait) as waiting:
            tokens.current()
        assert waiting.value.seconds == pytest.approx(PAUSE_SECONDS, abs=5)
    bench.rows("UPDATE zoho_connections SET no_refresh_before = now() RETURNING id")
    assert tokens.current().value


def test_a_short_lived_token_is_not_refreshed_at_each_call(bench: Bench, tokens: SharedTokens) -> None:
    bench.zoho.set_tokens(expires_in=120)
    expire(bench)
    values = {tokens.current().value for _ in range(5)}
    assert len(values) == 1
    assert bench.zoho.stats().token_refreshes == 1


def test_a_run_waits_for_the_tokens_and_spends_no_attempt(bench: Bench) -> None:
    expire(bench)
    bench.rows("UPDATE zoho_connections SET no_refresh_before = now() + interval '1 minute' RETURNING id")
    step = bench.start()
    bench.take(step)
    following = bench.present_step()
    assert following is not None
    bench.take(following)
    run = bench.rows("SELECT attempts, waiting_for, not_before > now() AS waits FROM sync_runs")[0]
    assert (run["attempts"], run["waits"]) == (0, True)
    assert "tokens" in run["waiting_for"]
