"""Thousands of records change by the hundred under real workers with faults: afterwards the cache equals Zoho."""

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.zoho.control import SandboxControl, SandboxRefusedError
from sandbox.zoho.fault_requests import FaultName, FaultParams, HostileRow
from sandbox.zoho.stats import CallKind
from tests.end_to_end.installation import Process
from tests.end_to_end.underway import UnderWay, processes_under_way
from tests.integration.chain.happenings import Change, Records, Trouble, What

pytestmark = [pytest.mark.drill, pytest.mark.timeout(900)]

DISTURBED_SYNCS = 2

#: Bursts of changes during each sync, and the pause between two bursts. The number is bounded, so that the sync ends.
BURSTS = 5
PAUSE_SECONDS = 1.0

#: A change of a record that an earlier change of the burst deleted is refused, which is harmless.
CHANGES_A_BURST = 25

#: More records than two pages in one second.
CROWD = 450

LATE_SECONDS = 2.0

TROUBLES = (
    Trouble(FaultName.MODIFIED_FILTER_IGNORED, CallKind.CONTACTS, times=3),
    Trouble(FaultName.SORT_IGNORED, CallKind.INVOICES, times=3),
    Trouble(FaultName.DUPLICATE_ROWS, times=10, params=FaultParams(every=3)),
    Trouble(FaultName.HOSTILE_ROW, CallKind.CONTACTS, times=2, params=FaultParams(row=HostileRow.BROKEN_TIME)),
    Trouble(FaultName.HOSTILE_ROW, CallKind.INVOICES, times=2, params=FaultParams(row=HostileRow.NOT_AN_OBJECT)),
    Trouble(FaultName.ANSWER, times=2, params=FaultParams(status=500, code=1000)),
    Trouble(FaultName.RESET, times=2, params=FaultParams(where="middle")),
    Trouble(FaultName.GARBAGE, times=2, params=FaultParams(body="truncated")),
    Trouble(FaultName.ACCESS_TOKENS_EXPIRED),
    Trouble(FaultName.INACTIVE_PERSONS_OMITTED),
    Trouble(FaultName.LATE_VISIBILITY, params=FaultParams(seconds=LATE_SECONDS)),
)


@pytest.fixture
def under_way(tmp_path: Path) -> Iterator[UnderWay]:
    with processes_under_way(tmp_path, contacts=2_000, invoices=4_000, latency_seconds=0.01) as processes:
        yield processes


def test_cache_equals_the_upstream_after_the_last_change(under_way: UnderWay, announce: Callable[[str], None]) -> None:
    chance = random.Random(seed := random.randrange(1_000_000))
    connection_id = under_way.connect()
    made = 0
    for number in range(DISTURBED_SYNCS):
        kind = ("--full",) if number % 2 == 0 else ()
        sync = under_way.installation.start("booksync", "sync", connection_id, "--wait", *kind)
        made += disturb(under_way.zoho, sync, chance)
    under_way.zoho.clear_faults()
    announce(f"seed {seed}: {made} changes during {DISTURBED_SYNCS} syncs")

    time.sleep(LATE_SECONDS)  # Wait until lists show the late changes.
    rested = under_way.installation.run("sync", connection_id, "--full", "--wait", "--allow-deletions", "--json")
    assert rested.json["status"] == "succeeded", rested.stdout
    assert under_way.differences(connection_id) == []


def disturb(zoho: SandboxControl, sync: Process, chance: random.Random) -> int:
    """Make changes and faults during the sync, wait for its end, and return the number of changes."""
    made = 0
    for _ in range(BURSTS):
        time.sleep(PAUSE_SECONDS)
        records = Records.told_by(zoho.snapshot())
        trouble = chance.choice(TROUBLES)
        zoho.fault(
            trouble.name,
            kind=trouble.kind,
            times=trouble.times or None,
            **trouble.params.model_dump(exclude_unset=True),
        )
        for _ in range(CHANGES_A_BURST):
            change = Change(
                chance.choice(list(What)),
                chance.randrange(100_000),
                chance.randrange(100_000),
                chance.random() < 0.5,
                CROWD,
            )
            with contextlib.suppress(SandboxRefusedError):
                zoho.mutate(*change.mutations(records))
                made += 1
    sync.wait()
    return made
