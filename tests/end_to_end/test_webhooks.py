"""Webhooks through real processes: the web process receives them, and workers refresh the records, despite kills."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.webhooks import LONGEST_QUIET_SECONDS
from tests.end_to_end.storm import Web, detail_calls, weather
from tests.end_to_end.underway import UnderWay, eventually, processes_under_way

pytestmark = pytest.mark.slow


@pytest.fixture
def under_way(tmp_path: Path) -> Iterator[UnderWay]:
    with processes_under_way(
        tmp_path, contacts=120, invoices=180, latency_seconds=0.01, CLAIM_SECONDS="3", SWEEP_INTERVAL_SECONDS="1"
    ) as processes:
        yield processes


def test_every_record_ends_as_in_zoho_with_one_call_each(under_way: UnderWay) -> None:
    left = weather(under_way, records=200, kills=2, chance=random.Random(7))
    assert left.events > 450
    assert left.differences == []
    assert left.run == ("succeeded", None)
    # Each kill may repeat the calls in progress, one per thread.
    assert left.calls <= left.records * 1.1


def test_a_burst_for_one_record_costs_two_calls(under_way: UnderWay) -> None:
    connected = under_way.installation.connect().json
    synced = under_way.installation.run("sync", connected["connection_id"], "--full", "--wait", "--json")
    assert synced.code == 0, synced.stderr
    web = Web.started(under_way.installation, connected)
    contact_id = next(
        each["contact_id"] for each in under_way.zoho.snapshot()["contacts"] if each["contact_type"] == "customer"
    )
    under_way.zoho.reset_stats()
    began = time.monotonic()
    web.send([{"contact": {"contact_id": contact_id, "number": number}} for number in range(1_000)])
    # A long burst must not keep the cache outdated.
    longer = (time.monotonic() - began) // LONGEST_QUIET_SECONDS
    eventually(lambda: under_way.look("SELECT count(*) FROM booksync.refreshes WHERE received > handled") == [(0,)])
    assert under_way.look("SELECT count(*) FROM booksync.webhook_events WHERE outcome = 'asked'") == [(1_000,)]
    assert detail_calls(under_way.zoho) <= 2 + longer
