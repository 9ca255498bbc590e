"""Redis away or emptied, Postgres restarted, in mid-run: it goes on by itself, and ends where it would have ended."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.end_to_end.underway import UnderWay, eventually, processes_under_way

pytestmark = pytest.mark.drill

OUTAGE_SECONDS = 4.0

#: What the installation's settings promise (CLAIM_SECONDS, SWEEP_INTERVAL_SECONDS, ZOHO_WINDOW_SECONDS and its margin),
#: the scheduler's tick, and a little for a machine that is busy.
RESUMES_WITHIN_SECONDS = 5 + 1 + 2.2 + 1 + 2

#: The call that was under way, whose answer could not be written down; Postgres may go twice under the same step.
REPEATED_CALLS = 2

#: By then the sweep of persons is under way, and all of contacts and invoices is still to come.
IN_MID_RUN = 4


@pytest.fixture
def under_way(tmp_path: Path) -> Iterator[UnderWay]:
    with processes_under_way(tmp_path, contacts=950, invoices=1_450, latency_seconds=0.15) as processes:
        yield processes


@pytest.fixture
def connection_id(under_way: UnderWay) -> str:
    begun = under_way.begin_sync()
    eventually(lambda: under_way.step(begun) >= IN_MID_RUN)
    return begun


def test_redis_is_away_for_a_while(under_way: UnderWay, connection_id: str) -> None:
    under_way.valkey.stop()
    time.sleep(OUTAGE_SECONDS)
    under_way.valkey.start()
    assert under_way.seconds_to_resume(connection_id) <= RESUMES_WITHIN_SECONDS
    under_way.ends_well(connection_id, repeated_calls=REPEATED_CALLS)


def test_postgres_is_restarted(under_way: UnderWay, connection_id: str) -> None:
    under_way.postgres.restart()
    assert under_way.seconds_to_resume(connection_id) <= RESUMES_WITHIN_SECONDS
    under_way.ends_well(connection_id, repeated_calls=REPEATED_CALLS)


def test_redis_forgets_everything(under_way: UnderWay, connection_id: str) -> None:
    with redis.Redis.from_url(under_way.valkey.url) as client:
        client.flushall()
    assert under_way.seconds_to_resume(connection_id) <= RESUMES_WITHIN_SECONDS
    under_way.ends_well(connection_id, repeated_calls=REPEATED_CALLS)
