"""A record whose detail call keeps failing is rejected by name and blocks no others; several in a row are an outage."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import pytest

from db import connections, questions, reminder_policies
from domain.entities import CUSTOMER
from domain.reminders.policy import ReminderPolicy
from domain.runs import MAX_ATTEMPTS, Mode
from sandbox.zoho.control import SandboxControl
from sandbox.zoho.fault_requests import FaultName, HostileRow
from sandbox.zoho.stats import CallKind
from tests.drilled import drilled_except
from tests.integration.chain.bench import Bench
from tests.integration.snapshots import FEW, SYNCED_FEW, State
from workers.sync.detail_calls import ATTEMPTS, OUTAGE


@dataclass(frozen=True)
class Failure:
    """The failure of a detail call, and the number of calls that it costs a run."""

    fault: FaultName
    params: dict[str, Any]
    is_refusal: bool = False  #: a further call would not help
    has_fixed_cost: bool = True  #: a missing right also costs calls with other tokens

    def strike(self, zoho: SandboxControl, path: str) -> None:
        zoho.fault(self.fault, path=path, **self.params)


def calls_of(bench: Bench, path: str) -> int:
    """The number of failing calls."""
    return sum(fault["strikes"] for fault in bench.zoho.faults() if fault["path"] == path)


FAILURES = {
    "internal_error": Failure(FaultName.ANSWER, {"status": 500, "code": 1000}),
    "unavailable": Failure(FaultName.ANSWER, {"status": 503}),
    "dropped": Failure(FaultName.RESET, {"where": "middle"}),
    "unusable": Failure(FaultName.GARBAGE, {"body": "html", "status": 200}),
    "gateway_404": Failure(FaultName.GARBAGE, {"body": "html", "status": 404}),
    "refused": Failure(FaultName.ANSWER, {"status": 403, "code": 9999}, is_refusal=True),
    "no_right": Failure(FaultName.ANSWER, {"status": 401, "code": 57}, is_refusal=True, has_fixed_cost=False),
    "too_large": Failure(FaultName.BOMB, {"bomb": "plain"}),
    "bad_request": Failure(FaultName.ANSWER, {"status": 400, "code": 2}, is_refusal=True),
}


def rejected(bench: Bench) -> list[tuple[str, str]]:
    rows = bench.rows("SELECT kind, record_id FROM booksync.rejected_records ORDER BY kind, record_id")
    return [(row["kind"], row["record_id"]) for row in rows]


def detail_calls(bench: Bench) -> int:
    stats = bench.zoho.stats()
    return stats.count(CallKind.CONTACT) + stats.count(CallKind.INVOICE)


def customer_ids(bench: Bench) -> list[str]:
    contacts = bench.zoho.snapshot()["contacts"]
    return sorted(contact["contact_id"] for contact in contacts if contact["contact_type"] == "customer")


def a_contact(bench: Bench, failure: Failure) -> tuple[str, str]:
    """If the bulk list is refused, each contact of a first run needs a detail call."""
    bench.zoho.fault(FaultName.BULK_PERSONS_REFUSED, status=404)
    contact_id = customer_ids(bench)[3]
    failure.strike(bench.zoho, f"/contacts/{contact_id}")
    return "contact", contact_id


def an_invoices_customer(bench: Bench, failure: Failure) -> tuple[str, str]:
    """A contact that the list hides is known only by its invoices."""
    owner = str(bench.zoho.snapshot()["invoices"][0]["customer_id"])
    bench.zoho.fault(FaultName.ROW_MISSING, kind=CallKind.CONTACTS, record_id=int(owner))
    failure.strike(bench.zoho, f"/contacts/{owner}")
    return "contact", owner


def a_deletion(bench: Bench, failure: Failure) -> tuple[str, str]:
    """A cached customer that a full run does not find in the list needs a detail call."""
    gone = customer_ids(bench)[5]
    bench.zoho.fault(FaultName.ROW_MISSING, kind=CallKind.CONTACTS, record_id=int(gone))
    failure.strike(bench.zoho, f"/contacts/{gone}")
    return "contact", gone


def a_switch(bench: Bench, failure: Failure) -> tuple[str, str]:
    """A customer with a due reminder needs a detail call for Zoho's own switch."""
    window = replace(ReminderPolicy().window, weekdays=frozenset(range(7)))
    with bench.resources.engine.begin() as db:
        policy = ReminderPolicy(window=window, skip_holidays=False)
        reminder_policies.save(db, bench.connection_id, policy, now=dt.datetime.now(dt.UTC))
    bench.sync()
    with bench.resources.engine.connect() as db:
        connection = connections.connection(db, bench.connection_id)
        found = questions.questions(db, connection, window, now=dt.datetime.now(dt.UTC), limit=20)
    customer = next(question for question in found if question.entity is CUSTOMER)
    failure.strike(bench.zoho, f"/contacts/{customer.record_id}")
    return "contact", customer.record_id


Need = Callable[[Bench, Failure], tuple[str, str]]


@pytest.fixture
def zoho(simulator: SandboxControl) -> SandboxControl:
    """A simulator with few records, because many of these failures cost one detail call per record."""
    simulator.restart(**FEW)
    return simulator


@pytest.fixture
def synced_state() -> State:
    return SYNCED_FEW


def bench_for(request: pytest.FixtureRequest, need: Need) -> Bench:
    """A bench on which the need can arise: after a first sync, if it concerns a cached record."""
    bench: Bench = request.getfixturevalue("synced" if need in (a_deletion, a_switch) else "bench")
    return bench


#: Each failure, and each need with a failure that is repeated and with one that is not.
_TRIED = {
    *((a_contact, name) for name in FAILURES),
    *product((an_invoices_customer, a_deletion, a_switch), ("internal_error", "refused")),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    drilled_except(_TRIED, product((a_contact, an_invoices_customer, a_deletion, a_switch), FAILURES)),
    ids=lambda case: f"{case[0].__name__}-{case[1]}",
)
def test_one_failing_record_is_rejected_by_name_and_the_run_continues(
    request: pytest.FixtureRequest, case: tuple[Need, str]
) -> None:
    need, failure = case[0], FAILURES[case[1]]
    bench = bench_for(request, need)
    kind, record_id = need(bench, failure)
    bench.zoho.reset_stats()

    result = bench.sync(Mode.INCREMENTAL if need is a_switch else Mode.FULL, is_scheduled=need is a_switch)
    while need is a_switch and result["status"] == "succeeded":
        # A failing call for a switch is repeated after all others, within a few calls per run.
        result = bench.sync(is_scheduled=True)

    assert result["status"] == "degraded"
    assert f"{kind} {record_id}" in result["reason"]
    assert "not complete" not in result["reason"]
    assert rejected(bench) == [(kind, record_id)]
    if need is a_switch or not failure.has_fixed_cost:
        return
    # The only record of a step has the attempts of the step. Among other records, its failures count as its own sooner.
    attempts = MAX_ATTEMPTS if need in (an_invoices_customer, a_deletion) else ATTEMPTS
    assert calls_of(bench, f"/contacts/{record_id}") == (1 if failure.is_refusal else attempts)


@pytest.mark.parametrize("mode", list(Mode))
def test_a_customer_that_cannot_be_understood_is_read_once_per_run(bench: Bench, mode: Mode) -> None:
    unreadable = Failure(FaultName.HOSTILE_DETAIL, {"row": HostileRow.BROKEN_TIME})
    kind, record_id = an_invoices_customer(bench, unreadable)
    result = bench.sync(mode)
    assert calls_of(bench, f"/contacts/{record_id}") == 1
    assert f"{kind} {record_id}" in result["reason"]
    assert rejected(bench) == [(kind, record_id)]


@pytest.mark.slow
@pytest.mark.parametrize("need", [a_contact, an_invoices_customer, a_deletion])
def test_every_other_record_is_right(request: pytest.FixtureRequest, need: Need) -> None:
    bench = bench_for(request, need)
    _, record_id = need(bench, FAILURES["internal_error"])
    bench.sync(Mode.FULL)
    truth = bench.zoho.snapshot()
    its_own = {record_id, *(each["invoice_id"] for each in truth["invoices"] if each["customer_id"] == record_id)}
    found = bench.differences()
    assert [each for each in found if not any(name in str(each) for name in its_own)] == []


@pytest.mark.slow
def test_a_rejection_ends_when_the_record_can_be_read_again(bench: Bench) -> None:
    a_contact(bench, FAILURES["internal_error"])
    assert bench.sync()["status"] == "degraded"
    bench.zoho.clear_faults()
    assert bench.sync(Mode.FULL)["status"] == "succeeded"
    assert rejected(bench) == []
    assert bench.differences() == []


@pytest.mark.slow
def test_many_failing_records_block_no_other_record(bench: Bench) -> None:
    bench.zoho.fault(FaultName.BULK_PERSONS_REFUSED, status=404)
    ids = customer_ids(bench)
    failing = [contact_id for place, contact_id in enumerate(ids) if place % 3 < OUTAGE - 1]
    for contact_id in failing:
        FAILURES["internal_error"].strike(bench.zoho, f"/contacts/{contact_id}")

    result = bench.sync()

    assert result["customers"]["total"] == len(ids)
    assert "not complete" not in result["reason"]
    assert f"{len(failing)} records were rejected" in result["reason"]


@pytest.mark.slow
@pytest.mark.parametrize("failure", ["internal_error", "refused", "bad_request"])
def test_neighbouring_failing_records_are_not_an_outage(bench: Bench, failure: str) -> None:
    bench.zoho.fault(FaultName.BULK_PERSONS_REFUSED, status=404)
    failing = customer_ids(bench)[: OUTAGE + 1]
    for contact_id in failing:
        FAILURES[failure].strike(bench.zoho, f"/contacts/{contact_id}")
    assert "not complete" not in bench.sync()["reason"]
    assert [record_id for _, record_id in rejected(bench)] == failing


@pytest.mark.slow
def test_an_outage_of_all_detail_calls_fails_the_phase(bench: Bench) -> None:
    bench.zoho.fault(FaultName.BULK_PERSONS_REFUSED, status=404)
    bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=503)
    result = bench.sync()
    assert "Customers are not complete" in result["reason"]
    assert rejected(bench) == []
    assert detail_calls(bench) == MAX_ATTEMPTS * OUTAGE


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_short_outage_rejects_no_record_even_if_few_are_left(synced: Bench, count: int) -> None:
    edited = customer_ids(synced)[:count]
    for contact_id in edited:
        synced.zoho.edit_contact(contact_id, contact_name="Renamed")
    synced.rows("UPDATE booksync.customers_cache SET zoho_last_modified_at = '2020-01-01' RETURNING id")
    synced.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=503, times=3)
    assert synced.sync()["status"] == "succeeded"
    assert rejected(synced) == []
    assert {synced.customers()[contact_id]["customer_name"] for contact_id in edited} == {"Renamed"}
