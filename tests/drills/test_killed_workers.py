"""Twenty times `kill -9` of a random worker in one sync: the same final state, with hardly any additional call."""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.zoho.stats import CallKind
from tests.end_to_end.installation import WORKER, kill
from tests.end_to_end.underway import UnderWay, eventually, processes_under_way

pytestmark = [pytest.mark.drill, pytest.mark.timeout(900)]

KILLS = 20

#: A worker is killed at most this long after the run's last progress: about the length of a few pages.
LONGEST_PAUSE_SECONDS = 0.6


@pytest.fixture
def under_way(tmp_path: Path) -> Iterator[UnderWay]:
    with processes_under_way(
        tmp_path, contacts=5_000, invoices=6_000, latency_seconds=0.2, CLAIM_SECONDS="10", SWEEP_INTERVAL_SECONDS="1"
    ) as processes:
        yield processes


def test_twenty_killed_workers_cost_only_time(under_way: UnderWay, announce: Callable[[str], None]) -> None:
    began = time.monotonic()
    undisturbed = under_way.begin_sync()
    eventually(lambda: under_way.status(undisturbed)[0] != "running", patience_seconds=300)
    undisturbed_seconds = time.monotonic() - began
    undisturbed_calls = calls(under_way)

    began = time.monotonic()
    disturbed = under_way.begin_sync()
    kill_one_after_the_other(under_way, disturbed, seed := random.randrange(1_000_000))
    eventually(lambda: under_way.status(disturbed)[0] != "running", patience_seconds=300)
    announce(
        f"seed {seed}: {KILLS} kills; calls {undisturbed_calls} undisturbed, {calls(under_way)} disturbed; "
        f"seconds {undisturbed_seconds:.0f} undisturbed, {time.monotonic() - began:.0f} disturbed"
    )

    assert under_way.status(disturbed) == ("succeeded", None)
    assert under_way.differences(disturbed) == []
    assert final_state(under_way, disturbed) == final_state(under_way, undisturbed)
    again = sum(calls(under_way).values()) - sum(undisturbed_calls.values())
    assert again <= KILLS
    assert calls(under_way).keys() == undisturbed_calls.keys()


def kill_one_after_the_other(under_way: UnderWay, connection_id: str, seed: int) -> None:
    """Kill and replace workers, each some time after progress of the run, so that no step is hit many times."""
    chance = random.Random(seed)
    workers = under_way.installation.processes[:2]
    for _ in range(KILLS):
        before = under_way.progress(connection_id)
        eventually(lambda: under_way.progress(connection_id) > before)  # noqa: B023  (called at once)
        time.sleep(chance.uniform(0, LONGEST_PAUSE_SECONDS))
        assert under_way.status(connection_id) == ("running", None), (
            "the run ended or was degraded before the last kill"
        )
        victim = workers.pop(chance.randrange(len(workers)))
        kill(victim)
        workers.append(under_way.installation.start(*WORKER))


def calls(under_way: UnderWay) -> dict[CallKind, int]:
    """The simulator's calls since the last sync began."""
    stats = under_way.zoho.stats()
    seen = {kind: stats.count(kind) for kind in CallKind if kind is not CallKind.TOKEN}
    return {kind: count for kind, count in seen.items() if count}


def final_state(under_way: UnderWay, connection_id: str) -> list[list[tuple[Any, ...]]]:
    """Every fact that a run writes, by Zoho's ids; booksync's ids and write times differ between runs."""
    return [under_way.look(statement, id=connection_id) for statement in _FINAL_STATE]


_FINAL_STATE = (
    """
    SELECT zoho_customer_id, status, customer_name, company_name, primary_contact_person_id, primary_phone,
           phone_problem, phone_not_callable, primary_email, contact_persons, country_code, time_zone,
           payment_reminder_enabled, zoho_last_modified_at, sync_hash, bulk_omits_persons
      FROM booksync.customers_cache WHERE connection_id = %(id)s ORDER BY 1
    """,
    """
    SELECT zoho_invoice_id, zoho_customer_id, invoice_number, status, date, due_date, total, balance, currency_code,
           zoho_last_modified_at, sync_hash, plan_outcome
      FROM invoices_cache WHERE connection_id = %(id)s ORDER BY 1
    """,
    """
    SELECT i.zoho_invoice_id, c.zoho_customer_id, r.step, r.phone, r.status
      FROM reminders r JOIN invoices_cache i ON i.id = r.invoice_id
      JOIN booksync.customers_cache c ON c.id = r.customer_id
     WHERE i.connection_id = %(id)s ORDER BY 1, 2, 3
    """,
    "SELECT zoho_invoice_id FROM booksync.waiting_invoices WHERE connection_id = %(id)s ORDER BY 1",
    "SELECT mode, status, counters FROM booksync.sync_runs WHERE connection_id = %(id)s",
)
