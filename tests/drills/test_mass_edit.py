"""A mass edit in Zoho: 1,100 webhooks on a plan of 1,000 calls a day, through real processes."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.zoho.stats import CallKind
from tests.end_to_end.storm import Web
from tests.end_to_end.underway import UnderWay, eventually, processes_under_way

pytestmark = [pytest.mark.drill, pytest.mark.timeout(600)]

CONTACTS = 1_100
CALLS_A_DAY = 1_000

#: A few details before the flood is detected, a page of contacts or persons for each 200, a page of invoices, and
#: twenty details before handovers. A second run reads the late changes.
MOST_CALLS = 100

PATIENCE_SECONDS = 300.0


@pytest.fixture
def under_way(tmp_path: Path) -> Iterator[UnderWay]:
    with processes_under_way(
        tmp_path,
        contacts=CONTACTS,
        invoices=100,
        latency_seconds=0.05,
        ZOHO_REQUESTS_PER_MINUTE="100",
        ZOHO_WINDOW_SECONDS="60",
    ) as processes:
        processes.zoho.set_limits(requests_per_day=CALLS_A_DAY)
        yield processes


def test_a_mass_edit_does_not_spend_the_day(under_way: UnderWay, announce: Callable[[str], None]) -> None:
    connected = under_way.installation.connect().json
    synced = under_way.installation.run("sync", connected["connection_id"], "--full", "--wait", "--json")
    assert synced.code == 0, synced.stderr
    web = Web.started(under_way.installation, connected)
    zoho = under_way.zoho
    contacts = [str(contact["contact_id"]) for contact in zoho.snapshot()["contacts"]]
    zoho.reset_stats()
    began = time.monotonic()
    zoho.touch(contact_ids=contacts)
    web.send([_event(contact_id) for contact_id in contacts])
    sent_in = time.monotonic() - began
    eventually(lambda: _waiting(under_way) == 0, PATIENCE_SECONDS)
    stats = zoho.stats()
    outcomes = under_way.look("SELECT outcome, count(*) FROM booksync.webhook_events GROUP BY 1 ORDER BY 1")
    announce(
        f"{len(contacts)} events sent in {sent_in:.0f} s, handled after {time.monotonic() - began:.0f} s: "
        f"{stats.count()} calls, {stats.count(CallKind.CONTACT)} of them details; {dict(outcomes)}"
    )
    assert stats.count() <= MOST_CALLS
    assert under_way.differences(str(connected["connection_id"])) == []


def _event(contact_id: str) -> dict[str, Any]:
    return {"contact": {"contact_id": contact_id}}


def _waiting(under_way: UnderWay) -> int:
    ((count,),) = under_way.look("SELECT count(*) FROM booksync.refreshes WHERE received > handled")
    return int(count)
