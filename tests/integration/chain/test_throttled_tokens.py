"""A token endpoint that is throttled for hours: no connection is parked, and people and metrics see the start."""

import datetime as dt
import json
from typing import Any

import pytest
from typer.testing import CliRunner

from sandbox.zoho.fault_requests import FaultName
from tests.integration.chain.bench import Bench
from tests.integration.db.look import WITHOUT_COPIES
from workers.cli.app import app
from workers.services.resume import resume
from workers.web.prometheus import render

HOURS = 5


def take(bench: Bench) -> None:
    """Executes the present step with an expired token and a finished wait."""
    bench.rows(
        WITHOUT_COPIES
        + "UPDATE booksync.grants SET access_token_expires_at = now(), no_refresh_before = now() RETURNING id"
    )
    bench.skip_waiting()
    step = bench.present_step()
    assert step is not None
    bench.take(step)


@pytest.fixture
def throttled(bench: Bench) -> Bench:
    """A run that has waited for a token for some hours."""
    bench.zoho.fault(FaultName.TOKEN_ENDPOINT_THROTTLED)
    bench.start()
    take(bench)
    bench.rows(
        "UPDATE booksync.grants SET refreshed_at = '{}', "
        "oauth_throttled_since = oauth_throttled_since - make_interval(hours => %(hours)s) RETURNING id",
        hours=HOURS,
    )
    take(bench)
    return bench


def since(bench: Bench) -> dt.datetime | None:
    (row,) = bench.rows("SELECT oauth_throttled_since AS since FROM booksync.grants")
    moment: dt.datetime | None = row["since"]
    return moment


def sentence(bench: Bench) -> str:
    moment = since(bench)
    assert moment is not None
    return (
        f"Zoho's token endpoint has been throttled since {moment.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC and grants no "
        "access token. Next: wait, booksync tries again by itself; stop other programs that use the same grant."
    )


def state() -> Any:
    (line,) = CliRunner().invoke(app, ["status", "--json"]).stdout.splitlines()
    return json.loads(line)["connections"][0]


def metric(bench: Bench) -> float:
    name = f'booksync_token_endpoint_throttled_seconds{{connection="{bench.connection_id}"}} '
    (value,) = [line.removeprefix(name) for line in render(bench.resources).decode().splitlines() if name in line]
    return float(value)


def test_hours_of_throttling_park_no_connection_and_spend_no_attempt(throttled: Bench) -> None:
    assert throttled.rows("SELECT status FROM booksync.zoho_connections") == [{"status": "active"}]
    assert throttled.rows("SELECT status, attempts FROM booksync.sync_runs") == [{"status": "running", "attempts": 0}]


def test_the_waiting_run_reports_it_with_the_next_step(throttled: Bench) -> None:
    assert state()["runs"][0]["waiting_for"] == sentence(throttled)


def test_the_reason_stays_while_no_token_is_requested(throttled: Bench) -> None:
    throttled.skip_waiting()
    step = throttled.present_step()
    assert step is not None
    throttled.take(step)
    assert state()["runs"][0]["waiting_for"] == sentence(throttled)


def test_status_reports_it_for_the_connection(throttled: Bench) -> None:
    words = " ".join(CliRunner().invoke(app, ["status"]).stdout.split())
    moment = since(throttled)
    assert sentence(throttled) in words
    assert moment is not None
    assert state()["token_endpoint_throttled_since"] == moment.isoformat()


def test_metrics_measure_it_and_count_the_waits(throttled: Bench) -> None:
    assert metric(throttled) == pytest.approx(HOURS * 3600, abs=60)
    assert 'booksync_budget_waits_total{reason="token_endpoint"} 2.0' in render(throttled.resources).decode()


def test_the_first_granted_token_clears_it(throttled: Bench) -> None:
    throttled.zoho.clear_faults()
    take(throttled)
    assert (since(throttled), metric(throttled)) == (None, 0)
    assert state()["token_endpoint_throttled_since"] is None


def test_an_error_word_of_the_endpoint_clears_it_too(throttled: Bench) -> None:
    throttled.zoho.clear_faults()
    throttled.zoho.fault(FaultName.REFRESH_TOKEN_REVOKED)
    take(throttled)
    assert since(throttled) is None


def test_a_resumed_connection_starts_without_it(throttled: Bench) -> None:
    throttled.zoho.clear_faults()
    throttled.rows("UPDATE booksync.zoho_connections SET status = 'parked' RETURNING id")
    throttled.rows("UPDATE booksync.grants SET no_refresh_before = now() RETURNING id")
    assert [each.refusal for each in resume(throttled.resources, [throttled.connection_id])] == [None]
    assert since(throttled) is None
