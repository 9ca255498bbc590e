"""Promises of `report_outcome`: the outcome of a call decides about its plan and its handover."""

import datetime as dt
import uuid

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from db.connections import Connection
from db.hand_over import Claimed
from domain.reminders.hand_over import HoldReason
from tests.builders import A_LONDON_PHONE, a_contact
from tests.integration.db.look import row, rows
from tests.integration.db.outcomes.reports import (
    A_DAY,
    A_MINUTE,
    DUE_AT,
    FORBIDDING,
    OUTCOMES,
    STEP_3_AT,
    owed,
    plans,
    prepare,
    pretend_that_plans_stand,
    report,
)
from tests.integration.db.reminding import SWITCH_ON, claim, held_back, note_sync, plan_all, tell_contact


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_an_outcome_decides_about_the_plan(
    engine: Engine, connection: Connection, handed_over: Claimed, outcome: str
) -> None:
    assert report(engine, handed_over.handover_id, outcome) == 1
    plan_all(engine, connection, now=DUE_AT + A_MINUTE)
    assert plans(engine) == [outcome if outcome in FORBIDDING else "scheduled"]
    pending = rows(engine, "SELECT step FROM reminders WHERE status = 'scheduled'")
    assert bool(pending) is (outcome not in FORBIDDING)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_an_outcome_decides_about_the_handover(
    engine: Engine, connection: Connection, handed_over: Claimed, outcome: str
) -> None:
    plan_all(engine, connection, now=STEP_3_AT - A_MINUTE)
    report(engine, handed_over.handover_id, outcome)
    pretend_that_plans_stand(engine, connection, STEP_3_AT)
    held = HoldReason(outcome) if outcome in FORBIDDING else None
    assert held_back(engine, at=STEP_3_AT) == [held]
    assert len(claim(engine, at=STEP_3_AT)) == (0 if held else 1)


def test_nothing_is_handed_over_before_the_plans_are_renewed(
    engine: Engine, connection: Connection, handed_over: Claimed
) -> None:
    plan_all(engine, connection, now=STEP_3_AT - A_MINUTE)
    note_sync(engine, connection, STEP_3_AT)
    report(engine, handed_over.handover_id, "reached")
    assert (held_back(engine, at=STEP_3_AT), claim(engine, at=STEP_3_AT)) == ([HoldReason.PLAN_OUTDATED], [])


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_the_same_outcome_again_changes_nothing(
    engine: Engine, connection: Connection, handed_over: Claimed, outcome: str
) -> None:
    report(engine, handed_over.handover_id, outcome, note="on the phone")
    plan_all(engine, connection, now=DUE_AT + A_MINUTE)
    tables = ("booksync.handover_outcomes", "booksync.do_not_call", "invoices_cache", "reminders", "booksync.handovers")
    before = {table: rows(engine, f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables}
    assert report(engine, handed_over.handover_id, outcome, note="on the phone") == 1
    assert {table: rows(engine, f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables} == before


@pytest.mark.parametrize("first", ["promised", "disputed", "wrong_number"])
def test_a_second_outcome_replaces_the_first(
    engine: Engine, connection: Connection, handed_over: Claimed, first: str
) -> None:
    report(engine, handed_over.handover_id, first)
    plan_all(engine, connection, now=DUE_AT + A_MINUTE)
    report(engine, handed_over.handover_id, "reached")
    assert row(engine, "SELECT outcome, until FROM booksync.handover_outcomes") == {"outcome": "reached", "until": None}
    plan_all(engine, connection, now=DUE_AT + 2 * A_MINUTE)
    assert plans(engine) == ["scheduled"]


def test_a_number_corrected_since_the_call_is_not_marked_wrong(
    engine: Engine, connection: Connection, handed_over: Claimed
) -> None:
    tell_contact(engine, connection, a_contact(mobile=A_LONDON_PHONE, details=SWITCH_ON), now=DUE_AT)
    report(engine, handed_over.handover_id, "wrong_number")
    plan_all(engine, connection, now=DUE_AT + A_MINUTE)
    assert plans(engine) == ["scheduled"]


def test_a_promise_can_be_moved(engine: Engine, connection: Connection, handed_over: Claimed) -> None:
    report(engine, handed_over.handover_id, "promised", until=STEP_3_AT.date())
    report(engine, handed_over.handover_id, "promised", until=STEP_3_AT.date() - A_DAY)
    plan_all(engine, connection, now=STEP_3_AT - A_MINUTE)
    assert plans(engine) == ["scheduled"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"handover_id": uuid.UUID(int=0), "outcome": "do_not_call"}, "There is no handover"),
        ({"handover_id": None, "outcome": "do_not_call"}, "There is no handover"),
        ({"outcome": "maybe"}, "An outcome is one of reached, no_answer"),
        ({"outcome": None}, "An outcome is one of reached, no_answer"),
        ({"outcome": "promised", "until": None}, "A promise needs the day"),
        ({"outcome": "promised", "until": dt.date(9999, 12, 31)}, "A promise needs the day"),
        ({"outcome": "do_not_call", "reminder_id": uuid.UUID(int=0)}, "holds no such reminder"),
    ],
)
def test_a_refused_report_changes_nothing(
    engine: Engine, handed_over: Claimed, words: dict[str, object], message: str
) -> None:
    before = rows(engine, "SELECT id, plan_at FROM invoices_cache")
    arguments = {"handover_id": handed_over.handover_id, "reminder_id": None, "until": None} | words
    with engine.begin() as db, pytest.raises(DBAPIError, match=message):
        db.execute(text("SELECT booksync.report_outcome(:handover_id, :outcome, :reminder_id, :until)"), arguments)
    assert (
        rows(engine, "SELECT * FROM booksync.handover_outcomes")
        == rows(engine, "SELECT * FROM booksync.do_not_call")
        == []
    )
    assert rows(engine, "SELECT id, plan_at FROM invoices_cache") == before


class TestOneHandoverOfSeveralInvoices:
    @pytest.fixture
    def handed_over(self, engine: Engine, connection: Connection) -> Claimed:
        prepare(engine, connection, owed("1"), owed("2"))
        (taken,) = claim(engine, at=DUE_AT)
        return taken

    def test_an_outcome_is_recorded_for_all_of_its_reminders(
        self, engine: Engine, connection: Connection, handed_over: Claimed
    ) -> None:
        assert report(engine, handed_over.handover_id, "disputed") == 2
        plan_all(engine, connection, now=DUE_AT + A_MINUTE)
        assert plans(engine) == ["disputed", "disputed"]

    def test_a_dispute_may_concern_one_of_its_reminders(
        self, engine: Engine, connection: Connection, handed_over: Claimed
    ) -> None:
        assert report(engine, handed_over.handover_id, "reached") == 2
        disputed = handed_over.reminder_ids[0]
        assert report(engine, handed_over.handover_id, "disputed", reminder_id=disputed) == 1
        plan_all(engine, connection, now=DUE_AT + A_MINUTE)
        assert sorted(plans(engine)) == ["disputed", "scheduled"]
