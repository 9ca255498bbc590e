"""Ten seconds without Redis in the middle of a run."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.underway import UnderWay, eventually, processes_under_way

pytestmark = [pytest.mark.drill, pytest.mark.timeout(300)]

OUTAGE_SECONDS = 10.0

#: CLAIM_SECONDS, SWEEP_INTERVAL_SECONDS, ZOHO_WINDOW_SECONDS with its margin, a tick, and a little for a busy machine.
RESUMES_WITHIN_SECONDS = 5 + 1 + 2.2 + 1 + 2


@pytest.fixture
def under_way(tmp_path: Path) -> Iterator[UnderWay]:
    with processes_under_way(tmp_path, contacts=1_950, invoices=2_850, latency_seconds=0.15) as processes:
        yield processes


@pytest.mark.parametrize("after", [4, 20, 36])
def test_ten_seconds_without_redis(under_way: UnderWay, after: int) -> None:
    connection_id = under_way.begin_sync()
    eventually(lambda: under_way.progress(connection_id) >= after)
    under_way.valkey.stop()
    time.sleep(OUTAGE_SECONDS)
    under_way.valkey.start()
    assert under_way.seconds_to_resume(connection_id) <= RESUMES_WITHIN_SECONDS
    under_way.ends_well(connection_id, repeated_calls=1)
