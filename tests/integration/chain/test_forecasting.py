"""The forecast of a sync's calls equals its real calls."""

import pytest

from db import connections
from domain.runs import Mode
from sandbox.zoho.fault_requests import FaultName
from tests.integration.chain.bench import Bench
from workers.services.forecast import forecast

pytestmark = pytest.mark.slow


def calls_of_a_full_sync(bench: Bench) -> int:
    with bench.resources.engine.connect() as db:
        found = forecast(bench.resources, db, connections.connection(db, bench.connection_id))
    calls: int = found.as_json()["full"]["calls"]
    return calls


@pytest.mark.parametrize("is_refused", [False, True])
def test_a_full_sync_without_changes_costs_the_forecast_calls(bench: Bench, is_refused: bool) -> None:
    if is_refused:
        bench.zoho.fault(FaultName.BULK_PERSONS_REFUSED, status=404)
    bench.sync()
    # A day later the details that the first run has read are old.
    bench.rows(
        "UPDATE booksync.customers_cache SET details_observed_at = details_observed_at - interval '1 day' RETURNING id"
    )
    expected = calls_of_a_full_sync(bench)
    assert bench.sync(Mode.FULL)["api_calls"] == expected


def test_without_the_bulk_list_the_first_full_sync_makes_a_call_for_each_cached_customer(bench: Bench) -> None:
    bench.zoho.fault(FaultName.BULK_PERSONS_REFUSED, status=404)
    customers = bench.sync()["customers"]["total"]
    bench.rows("UPDATE sync_metadata SET last_customer_sync_at = NULL RETURNING connection_id")
    assert calls_of_a_full_sync(bench) == customers + 3
