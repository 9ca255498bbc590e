"""Ten thousand webhooks (a fifth twice, a fifth shuffled), alone and during a full run, while workers are killed.

Whether a webhook or the run notices a record first, the cached record equals Zoho's and costs one call.
"""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.storm import weather
from tests.end_to_end.underway import UnderWay, processes_under_way

pytestmark = [pytest.mark.drill, pytest.mark.timeout(1800)]

#: Nine tenths of the records have two versions, the others are new. A fifth of the events comes twice: 10,000 events.
RECORDS = 4_380

KILLS = 20


@pytest.fixture
def under_way(tmp_path: Path) -> Iterator[UnderWay]:
    with processes_under_way(
        tmp_path, contacts=2_500, invoices=4_000, latency_seconds=0.01, CLAIM_SECONDS="10", SWEEP_INTERVAL_SECONDS="1"
    ) as processes:
        yield processes


@pytest.mark.parametrize("beside_a_run", [False, True])
def test_ten_thousand_webhooks_cost_one_call_a_record(
    under_way: UnderWay, announce: Callable[[str], None], beside_a_run: bool
) -> None:
    began, seed = time.monotonic(), random.randrange(1_000_000)
    chance = random.Random(seed)
    left = weather(under_way, records=RECORDS, kills=KILLS, chance=chance, beside_a_run=beside_a_run)
    announce(
        f"seed {seed}: {left.events} events of {left.records} records, {KILLS} kills: {left.calls} calls, and "
        f"{left.pages} pages of the run, in {time.monotonic() - began:.0f} s"
    )
    assert left.events >= 10_000
    assert left.differences == []
    assert left.run == ("succeeded", None)
    assert left.calls <= left.records * 1.1
