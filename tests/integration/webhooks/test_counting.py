"""Promises of the counters in `/metrics`: refreshes of records named by webhooks are counted by their outcome."""

from typing import NoReturn

import pytest

from db.lease_errors import LeaseLostError
from domain.entities import CUSTOMER
from domain.runs import MAX_ATTEMPTS
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.webhooks.hooks import Hooks, a_contact_id
from workers.budget import BudgetWait, WaitReason
from workers.observability.counters import Family, Labels, totals
from workers.sync.one_record import OneRecord


@pytest.fixture
def contact_id(hooks: Hooks) -> str:
    """The id of a contact that a new event names."""
    found = a_contact_id(hooks)
    hooks.tell(CUSTOMER, found)
    return found


def counted(hooks: Hooks, family: Family) -> dict[Labels, int]:
    return {labels: total for labels, total in totals(hooks.bench.resources.redis)[family].items() if total}


@pytest.mark.slow
def test_a_refresh_counts_as_done_and_a_second_message_as_passed_over(hooks: Hooks, contact_id: str) -> None:
    hooks.take(CUSTOMER, contact_id)
    hooks.take(CUSTOMER, contact_id)
    assert counted(hooks, Family.REFRESHES) == {("contact", "done"): 1, ("contact", "passed_over"): 1}


@pytest.mark.slow
def test_failed_attempts_count_as_retried_and_the_last_one_as_given_up(hooks: Hooks, contact_id: str) -> None:
    hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, path=f"/contacts/{contact_id}", status=500)
    assert hooks.work() == MAX_ATTEMPTS
    assert counted(hooks, Family.REFRESHES) == {("contact", "retried"): MAX_ATTEMPTS - 1, ("contact", "given_up"): 1}
    assert counted(hooks, Family.API_CALLS)["500",] == MAX_ATTEMPTS


def test_a_permanent_error_counts_as_given_up(hooks: Hooks, contact_id: str) -> None:
    hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=400, code=2)
    hooks.take(CUSTOMER, contact_id)
    assert counted(hooks, Family.REFRESHES) == {("contact", "given_up"): 1}


def test_a_refusal_of_the_connection_counts_as_parked(hooks: Hooks, contact_id: str) -> None:
    hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=400, code=6041)
    hooks.take(CUSTOMER, contact_id)
    assert counted(hooks, Family.REFRESHES) == {("contact", "parked"): 1}


def test_a_401_of_one_record_counts_as_given_up_and_parks_no_connection(hooks: Hooks, contact_id: str) -> None:
    hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=401, code=57)
    hooks.take(CUSTOMER, contact_id)
    assert counted(hooks, Family.REFRESHES) == {("contact", "given_up"): 1}
    assert hooks.bench.rows("SELECT status FROM booksync.zoho_connections") == [{"status": "active"}]


def test_a_wait_for_the_budget_is_counted_with_its_length(hooks: Hooks, contact_id: str) -> None:
    def wait(_record: OneRecord) -> NoReturn:
        raise BudgetWait(12.5, WaitReason.MINUTE)

    hooks.take(CUSTOMER, contact_id, do=wait)
    assert counted(hooks, Family.REFRESHES) == {("contact", "waiting"): 1}
    assert counted(hooks, Family.BUDGET_WAIT_MS) == {("minute",): 12_500}


def test_a_refresh_that_lost_its_lease_counts_as_stale(hooks: Hooks, contact_id: str) -> None:
    def lose(_record: OneRecord) -> NoReturn:
        raise LeaseLostError

    hooks.take(CUSTOMER, contact_id, do=lose)
    assert counted(hooks, Family.REFRESHES) == {("contact", "stale"): 1}
