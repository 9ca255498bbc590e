"""The bulk read of persons with two calls at a time: the next leap is read too, if responses are slow."""

from dataclasses import replace
from functools import partial
from typing import Any

import psycopg
import pytest

from domain.runs import Mode, Phase
from domain.walk import WalkById
from sandbox.zoho.control import SandboxControl
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.drilled import drilled_except
from tests.integration.chain.bench import Bench
from tests.integration.chain.conftest import LIMIT
from tests.integration.chain.contact_persons import contacts_of_three, delete_after_call
from tests.integration.chain.interruptions import at_page, finish, step_until, sync_with_a_kill
from tests.truth import differences
from workers.boot.slices import SliceLimits
from workers.sync import persons
from workers.zoho.list_reader import ListReader

pytestmark = pytest.mark.slow

CONTACTS = 1_800  #: The persons fill one leap and some pages.


@pytest.fixture
def zoho(simulator: SandboxControl) -> SandboxControl:
    simulator.restart(contacts=0, invoices=0, requests_per_minute=LIMIT)
    return simulator


@pytest.fixture
def slow(bench: Bench) -> Bench:
    bench.zoho.fault(FaultName.LATENCY, kind=CallKind.BULK_PERSONS, seconds=0.05)
    return bench.with_slices(SliceLimits(pages=30, slow_response_seconds=0.0))


def test_it_costs_no_further_call(bench: Bench, slow: Bench, database: psycopg.Connection) -> None:
    contacts_of_three(bench, CONTACTS)
    page_by_page = bench.sync(Mode.FULL)["api_calls"]
    assert slow.sync(Mode.FULL)["api_calls"] == page_by_page
    assert differences(bench.zoho.snapshot(), database) == []


def test_both_calls_are_under_way_at_the_same_time(slow: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    contacts_of_three(slow, CONTACTS)
    under_way, most = 0, 0
    read = ListReader.persons

    def counted(lists: ListReader, walk: WalkById) -> Any:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        try:
            return read(lists, walk)
        finally:
            under_way -= 1

    monkeypatch.setattr(ListReader, "persons", counted)
    slow.sync(Mode.FULL)
    assert most == 2


@pytest.mark.parametrize("after_call", drilled_except((12,), [2, 3, 4, 12, 26]))
def test_contacts_deleted_meanwhile_leave_every_phone_right(
    slow: Bench, database: psycopg.Connection, after_call: int
) -> None:
    made = contacts_of_three(slow, CONTACTS)
    delete_after_call(slow, after_call, made[:2])
    slow.sync()
    assert differences(slow.zoho.snapshot(), database) == []
    assert slow.zoho.stats().count(CallKind.CONTACT) == 0


def test_a_killed_worker_repeats_at_most_the_two_calls_under_way(
    slow: Bench, database: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    contacts_of_three(slow, CONTACTS)
    undisturbed, calls = sync_with_a_kill(slow, monkeypatch, persons, "_stage", 7)
    assert undisturbed <= calls <= undisturbed + 2
    assert differences(slow.zoho.snapshot(), database) == []


def test_a_failed_call_is_made_again(slow: Bench, database: psycopg.Connection) -> None:
    contacts_of_three(slow, CONTACTS)
    fault = partial(slow.zoho.fault, FaultName.ANSWER, kind=CallKind.BULK_PERSONS, times=4, status=500, code=1000)
    failing = slow.with_slices(replace(at_page(5, fault), slow_response_seconds=0.0))
    failing.start(Mode.FULL)
    step_until(failing, Phase.PERSONS)
    finish(failing)
    assert slow.rows("SELECT status FROM booksync.sync_runs") == [{"status": "succeeded"}]
    assert slow.zoho.stats().count(CallKind.BULK_PERSONS, status=500) == 4
    assert slow.zoho.stats().count(CallKind.CONTACT) == 0
    assert differences(slow.zoho.snapshot(), database) == []
