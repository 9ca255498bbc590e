"""Outages in mid-run (Redis down or emptied, Postgres restarted): the run resumes by itself, with the same result."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.end_to_end.underway import UnderWay, eventually, processes_under_way

pytestmark = pytest.mark.drill

OUTAGE_SECONDS = 4.0

#: The sum of the installation's settings (CLAIM_SECONDS, SWEEP_INTERVAL_SECONDS, ZOHO_WINDOW_SECONDS with its margin),
#: the scheduler's tick, and a little for a busy machine.
RESUMES_WITHIN_SECONDS = 5 + 1 + 2.2 + 1 + 2

#: The call in progress, whose response could not be stored; Postgres may stop twice during the same step.
REPEATED_CALLS = 2

#: At this step the bulk read of persons is in progress, and no contact or invoice has been read.
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


def test_a_run_survives_an_outage_of_redis(under_way: UnderWay, connection_id: str) -> None:
    under_way.valkey.stop()
    time.sleep(OUTAGE_SECONDS)
    under_way.valkey.start()
    assert under_way.seconds_to_resume(connection_id) <= RESUMES_WITHIN_SECONDS
    under_way.ends_well(connection_id, repeated_calls=REPEATED_CALLS)


def test_a_run_survives_a_restart_of_postgres(under_way: UnderWay, connection_id: str) -> None:
    under_way.postgres.restart()
    assert under_way.seconds_to_resume(connection_id) <= RESUMES_WITHIN_SECONDS
    under_way.ends_well(connection_id, repeated_calls=REPEATED_CALLS)


def test_a_run_survives_the_loss_of_redis_data(under_way: UnderWay, connection_id: str) -> None:
    with redis.Redis.from_url(under_way.valkey.url) as client:
        client.flushall()
    assert under_way.seconds_to_resume(connection_id) <= RESUMES_WITHIN_SECONDS
    under_way.ends_well(connection_id, repeated_calls=REPEATED_CALLS)
