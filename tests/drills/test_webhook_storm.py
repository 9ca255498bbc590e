"""Ten thousand webhooks, a fifth doubled and a fifth shuffled, while workers are killed: one call a record."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.storm import weather
from tests.end_to_end.underway import UnderWay, processes_under_way

pytestmark = [pytest.mark.drill, pytest.mark.timeout(1800)]

#: Each has two versions, and of their events a fifth comes twice: 10,000 events.
RECORDS = 4_165

KILLS = 20


@pytest.fixture
def under_way(tmp_path: Path) -> Iterator[UnderWay]:
    with processes_under_way(
        tmp_path, contacts=2_500, invoices=4_000, latency_seconds=0.01, CLAIM_SECONDS="3", SWEEP_INTERVAL_SECONDS="1"
    ) as processes:
        yield processes


def test_ten_thousand_webhooks_cost_one_call_a_record(under_way: UnderWay, capsys: pytest.CaptureFixture[str]) -> None:
    began, seed = time.monotonic(), random.randrange(1_000_000)
    left = weather(under_way, records=RECORDS, kills=KILLS, chance=random.Random(seed))
    with capsys.disabled():
        print(
            f"\nseed {seed}: {left.events} events of {left.records} records, {KILLS} kills: {left.calls} calls in "
            f"{time.monotonic() - began:.0f} s"
        )
    assert left.events >= 10_000
    assert left.differences == []
    assert left.calls <= left.records * 1.1
