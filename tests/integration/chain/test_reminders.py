"""Runs read Zoho's reminder switch before a reminder is due, and judge numbers again after a change of rules."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import text

from db import connections, questions, reminder_policies
from db.questions import Question
from domain.contacts import Contact
from domain.entities import CUSTOMER, INVOICE
from domain.lists import Rejected
from domain.phones.judging import METADATA_VERSION
from domain.reminders.policy import ReminderPolicy
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench
from workers.budget import BudgetWait
from workers.budget.errors import WaitReason
from workers.sync.work import Work

NOW = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)

EVERY_DAY = ReminderPolicy(
    steps=tuple(range(-3, 61)),
    window=replace(ReminderPolicy().window, weekdays=frozenset(range(7))),
    skip_holidays=False,
)


def set_policy(bench: Bench, policy: ReminderPolicy) -> None:
    with bench.resources.engine.begin() as db:
        reminder_policies.save(db, bench.connection_id, policy, now=NOW)


def due_unknown(bench: Bench) -> set[str]:
    """Customers with a reminder within a day whose switch is not known."""
    rows = bench.rows(
        """
        SELECT DISTINCT c.zoho_customer_id FROM reminders r JOIN booksync.customers_cache c ON c.id = r.customer_id
         WHERE r.status = 'scheduled' AND r.scheduled_at <= now() + interval '1 day'
           AND c.payment_reminder_enabled IS NULL
        """
    )
    return {row["zoho_customer_id"] for row in rows}


def questions_left(bench: Bench) -> Sequence[Question]:
    with bench.resources.engine.connect() as db:
        connection = connections.connection(db, bench.connection_id)
        window = reminder_policies.policy_of(db, bench.connection_id).window
        return questions.questions(db, connection, window, now=dt.datetime.now(dt.UTC), limit=1000)


@pytest.fixture
def eager(bench: Bench) -> Bench:
    """A policy with a step and a calling window on every day, so that overdue invoices have a reminder within a day.

    Whatever the date of the test, and with the default limit of calls.
    """
    set_policy(bench, EVERY_DAY)
    return bench


def read_the_rest(bench: Bench) -> None:
    """Run until no question is left, or until a run leaves the same questions as the run before."""
    before: Sequence[Question] = ()
    while (left := questions_left(bench)) != before:
        before = left
        bench.sync(is_scheduled=True)


def asked(bench: Bench) -> int:
    return bench.zoho.stats().count(CallKind.CONTACT)


@pytest.mark.slow
def test_customers_with_due_reminders_cost_a_few_detail_calls_per_run(eager: Bench) -> None:
    first = eager.sync(is_scheduled=True)
    assert first["status"] == "succeeded"
    calls = asked(eager)
    assert 0 < calls <= ReminderPolicy().detail_calls_per_run
    read_the_rest(eager)
    assert questions_left(eager) == []
    assert due_unknown(eager) == set()
    eager.zoho.reset_stats()
    eager.sync(is_scheduled=True)
    assert asked(eager) == 0, "a fact is read only once"


@pytest.mark.slow
def test_a_switch_that_is_off_cancels_reminders_in_the_same_run(eager: Bench) -> None:
    for contact in eager.zoho.snapshot()["contacts"]:
        eager.zoho.edit_contact(contact["contact_id"], payment_reminder_enabled=False)
    eager.sync(is_scheduled=True)
    off = eager.rows("SELECT id FROM booksync.customers_cache WHERE payment_reminder_enabled IS FALSE")
    assert off
    pending = eager.rows(
        """
        SELECT r.id FROM reminders r JOIN booksync.customers_cache c ON c.id = r.customer_id
         WHERE r.status = 'scheduled' AND c.payment_reminder_enabled IS FALSE
        """
    )
    assert pending == []


@pytest.mark.slow
def test_a_run_succeeds_although_zoho_does_not_respond(eager: Bench) -> None:
    eager.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=500, code=1000)
    assert eager.sync(is_scheduled=True)["status"] == "succeeded"
    assert due_unknown(eager)
    eager.zoho.clear_faults()
    eager.zoho.reset_stats()
    eager.sync(is_scheduled=True)
    assert asked(eager) > 0


@pytest.mark.slow
def test_a_record_that_fails_in_every_run_does_not_block_the_others(eager: Bench) -> None:
    eager.sync()
    first, *others = questions_left(eager)
    assert first.entity is CUSTOMER
    assert others
    eager.zoho.fault(FaultName.ANSWER, path=f"/contacts/{first.record_id}", status=500, code=1000)
    read_the_rest(eager)
    assert questions_left(eager) == [], "the failing record is postponed by a day"
    assert eager.customers()[first.record_id]["payment_reminder_enabled"] is None


@pytest.mark.slow
@pytest.mark.parametrize("status", [503, 403])
def test_an_invoice_with_unreadable_details_counts_as_not_read(eager: Bench, status: int) -> None:
    eager.sync()
    assert any(question.entity is INVOICE for question in questions_left(eager))
    eager.zoho.fault(FaultName.ANSWER, kind=CallKind.INVOICE, status=status, code=9999)
    for _ in range(3):
        eager.sync(is_scheduled=True)
    asked_without_a_reply = eager.rows(
        "SELECT id FROM invoices_cache WHERE asked_version IS NOT NULL AND payment_reminder_enabled IS NULL"
    )
    assert asked_without_a_reply == [], "it would be handed over, although its switch may be off"


def answering(monkeypatch: pytest.MonkeyPatch, modified_at: dt.datetime | None) -> None:
    """Makes details report "off" with that modified time, whatever the list has."""
    ask = Work.ask_contact

    def told(work: Work, contact_id: str) -> Contact:
        contact = ask(work, contact_id)
        assert isinstance(contact, Contact)
        assert contact.details is not None
        return replace(contact, modified_at=modified_at, details=replace(contact.details, reminders_enabled=False))

    monkeypatch.setattr(Work, "ask_contact", told)


@pytest.mark.slow
def test_details_without_a_modified_time_count_as_the_version_of_the_list(
    eager: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    eager.sync()
    asked_about = due_unknown(eager)
    answering(monkeypatch, None)
    while due_unknown(eager):
        eager.sync(is_scheduled=True)
    known = eager.customers()
    assert {known[customer_id]["payment_reminder_enabled"] for customer_id in asked_about} == {False}


@pytest.mark.slow
def test_details_older_than_the_list_are_read_again(eager: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    eager.sync()
    asked_about = due_unknown(eager)
    answering(monkeypatch, dt.datetime(2000, 1, 1, tzinfo=dt.UTC))
    assert eager.sync(is_scheduled=True)["status"] == "succeeded"
    known = eager.customers()
    assert {known[customer_id]["asked_version"] for customer_id in asked_about} == {None}


@pytest.mark.slow
def test_details_that_cannot_be_understood_are_read_once_a_day(eager: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    eager.sync()
    calls: list[str] = []

    def unreadable(_: Work, contact_id: str) -> Rejected:
        calls.append(contact_id)
        return Rejected(contact_id, "a record of another shape")

    monkeypatch.setattr(Work, "ask_contact", unreadable)
    for _ in range(3):
        eager.sync(is_scheduled=True)
    assert calls
    assert len(calls) == len(set(calls))
    known = eager.customers()
    assert {known[customer_id]["asked_version"] for customer_id in calls} == {None}


def test_a_run_started_by_a_person_makes_no_detail_calls(eager: Bench) -> None:
    eager.sync()
    assert due_unknown(eager)
    assert asked(eager) == 0


def test_a_policy_can_forbid_the_detail_calls(bench: Bench) -> None:
    window = replace(ReminderPolicy().window, weekdays=frozenset(range(7)))
    set_policy(bench, ReminderPolicy(window=window, detail_calls_per_run=0))
    bench.sync(is_scheduled=True)
    assert asked(bench) == 0


@pytest.mark.slow
def test_newer_metadata_judges_the_cached_numbers_without_a_call(bench: Bench) -> None:
    bench.sync()
    before = {row["id"]: row["primary_phone"] for row in bench.customers().values()}
    bench.rows(
        """
        UPDATE booksync.customers_cache SET phone_verdict = '{"metadata": "8.0.0"}', phone_problem = 'not_in_use'
         WHERE phone_problem IS NULL AND primary_phone IS NOT NULL RETURNING id
        """
    )
    bench.rows("UPDATE booksync.zoho_connections SET phones_judged_with = '8.0.0' RETURNING id")
    bench.zoho.reset_stats()
    bench.sync()
    assert asked(bench) == 0
    after = bench.customers().values()
    assert {row["id"]: row["primary_phone"] for row in after} == before
    assert {row["phone_verdict"]["metadata"] for row in after} == {METADATA_VERSION}
    assert not any(row["phone_problem"] == "not_in_use" and row["phone_verdict"]["problem"] is None for row in after)


def test_numbers_are_judged_again_only_once(bench: Bench) -> None:
    bench.sync()
    noted = bench.rows("SELECT phones_judged_with FROM booksync.zoho_connections")
    assert noted[0]["phones_judged_with"].startswith(METADATA_VERSION)
    with bench.resources.engine.begin() as db:
        db.execute(text("UPDATE booksync.customers_cache SET phone_verdict = '{}'"))
    bench.sync()
    kept = [row for row in bench.customers().values() if row["phone_verdict"] == {}]
    assert kept, "no fact that a verdict depends on has changed, so the verdict is not computed again"


@pytest.mark.slow
@pytest.mark.parametrize(("seconds", "status"), [(3600.0, "succeeded"), (30.0, "running")])
def test_a_run_waits_for_the_budget_of_the_minute_but_not_of_the_day(
    eager: Bench, monkeypatch: pytest.MonkeyPatch, seconds: float, status: str
) -> None:
    eager.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=500, code=1000)
    eager.sync(is_scheduled=True)

    def wait(*_: object) -> None:
        raise BudgetWait(seconds, WaitReason.PAUSED)

    monkeypatch.setattr(Work, "ask_contact", wait)
    run_id = eager.start(is_scheduled=True).run_id
    for _ in range(20):
        if (step := eager.present_step()) is not None:
            eager.take(step)
    (run,) = eager.rows("SELECT status, phase FROM booksync.sync_runs WHERE id = %(id)s", id=run_id)
    assert run["status"] == status
    assert run["phase"] == ("done" if status == "succeeded" else "reminders")
