"""Promises of `report_outcome`: the outcome of a call decides about later calls."""

import datetime as dt
import uuid
from dataclasses import replace

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from db.connections import Connection
from db.hand_over import Claimed
from domain.contacts import Contact
from domain.hand_over import HoldReason
from domain.invoices import Invoice
from tests.builders import A_LONDON_PHONE, a_contact, an_invoice
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change, row, rows
from tests.integration.db.reminding import (
    SWITCH_ON,
    asked,
    claim,
    held_back,
    note_sync,
    plan_all,
    tell_contact,
    tell_invoices,
)

A_MINUTE = dt.timedelta(minutes=1)
A_DAY = dt.timedelta(days=1)

#: In the future, because a report makes plans due by Postgres's own clock. The invoice is due on a Wednesday.
PLANNED_AT = dt.datetime(2030, 3, 4, 12, tzinfo=dt.UTC)
DUE_DATE = dt.date(2030, 4, 3)
DUE_AT = dt.datetime(2030, 4, 3, 9, tzinfo=dt.UTC)
STEP_3_AT = dt.datetime(2030, 4, 8, 9, tzinfo=dt.UTC)

OUTCOMES = ["reached", "no_answer", "promised", "disputed", "wrong_number", "do_not_call"]
FORBIDDING = ["promised", "disputed", "wrong_number", "do_not_call"]


def owed(invoice_id: str = "8001", customer_id: str = "5001") -> Invoice:
    invoice = an_invoice(invoice_id, customer_id=customer_id, date=dt.date(2030, 3, 4), due_date=DUE_DATE)
    return asked(invoice)


def prepare(engine: Engine, connection: Connection, *invoices: Invoice, contact: Contact | None = None) -> None:
    """Make the reminders ready for a handover at the due date."""
    tell_contact(engine, connection, contact or a_contact(details=SWITCH_ON))
    tell_invoices(engine, connection, *(invoices or (owed(),)))
    plan_all(engine, connection, now=PLANNED_AT)
    plan_all(engine, connection, now=DUE_AT - dt.timedelta(hours=1))
    note_sync(engine, connection, DUE_AT)


@pytest.fixture
def handed_over(engine: Engine, connection: Connection) -> Claimed:
    """Hand over the only reminder of the due date."""
    prepare(engine, connection)
    (taken,) = claim(engine, at=DUE_AT)
    return taken


def report(
    engine: Engine,
    handover_id: uuid.UUID,
    outcome: str | None,
    *,
    reminder_id: uuid.UUID | None = None,
    until: dt.date | None = None,
    note: str | None = None,
) -> int:
    if outcome == "promised" and until is None:
        until = STEP_3_AT.date()
    with engine.begin() as db:
        recorded: int = db.execute(
            text("SELECT booksync.report_outcome(:handover, :outcome, :reminder, :until, :note)"),
            {"handover": handover_id, "outcome": outcome, "reminder": reminder_id, "until": until, "note": note},
        ).scalar_one()
    return recorded


def plans(engine: Engine) -> list[str]:
    found = rows(engine, "SELECT plan_outcome FROM invoices_cache ORDER BY zoho_invoice_id")
    return [each["plan_outcome"] for each in found]


def pretend_that_plans_stand(engine: Engine, connection: Connection, at: dt.datetime) -> None:
    """Make the plans look current, as if the next run had missed the report."""
    change(engine, "UPDATE invoices_cache SET plan_at = :later", later=at + A_DAY)
    note_sync(engine, connection, at)


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


class TestDoNotCall:
    @pytest.fixture
    def elsewhere(self, engine: Engine, connection: Connection) -> Connection:
        """Another organisation of the same user, with a customer of the same number."""
        other = a_connection(engine, user_id=connection.user_id, organization_id="20234695")
        prepare(engine, other, owed("9001", "6001"), contact=a_contact("6001", details=SWITCH_ON))
        return other

    def test_do_not_call_applies_to_all_connections_of_the_user(
        self, engine: Engine, connection: Connection, elsewhere: Connection, handed_over: Claimed
    ) -> None:
        report(engine, handed_over.handover_id, "do_not_call")
        for each in (connection, elsewhere):
            plan_all(engine, each, now=DUE_AT + A_MINUTE)
        assert plans(engine) == ["do_not_call", "do_not_call"]

    def test_do_not_call_does_not_apply_to_another_user(self, engine: Engine, handed_over: Claimed) -> None:
        stranger = a_connection(engine)
        prepare(engine, stranger)
        report(engine, handed_over.handover_id, "do_not_call")
        assert [taken.connection_id for taken in claim(engine, at=DUE_AT)] == [stranger.connection_id]

    def test_do_not_call_follows_the_number_and_not_the_customer(
        self, engine: Engine, connection: Connection, handed_over: Claimed
    ) -> None:
        report(engine, handed_over.handover_id, "do_not_call")
        tell_contact(engine, connection, a_contact(mobile=A_LONDON_PHONE, details=SWITCH_ON), now=DUE_AT)
        plan_all(engine, connection, now=DUE_AT + A_MINUTE)
        assert plans(engine) == ["scheduled"]


class TestAWrongNumber:
    def told(self, engine: Engine, connection: Connection, contact: Contact) -> list[str]:
        """The plans after another read of the contact."""
        later = replace(contact, modified_at=DUE_AT, details=SWITCH_ON)
        tell_contact(engine, connection, later, now=DUE_AT)
        plan_all(engine, connection, now=DUE_AT + A_MINUTE)
        return plans(engine)

    def test_a_wrong_number_stays_wrong_after_other_changes(
        self, engine: Engine, connection: Connection, handed_over: Claimed
    ) -> None:
        report(engine, handed_over.handover_id, "wrong_number")
        assert self.told(engine, connection, a_contact(name="Renamed")) == ["wrong_number"]

    @pytest.mark.parametrize("mobile", [A_LONDON_PHONE, "+44 7912 345678"])
    def test_a_wrong_number_is_called_again_after_a_change_of_its_text(
        self, engine: Engine, connection: Connection, handed_over: Claimed, mobile: str
    ) -> None:
        report(engine, handed_over.handover_id, "wrong_number")
        assert self.told(engine, connection, a_contact(mobile=mobile)) == ["scheduled"]

    def test_the_wrong_number_is_the_called_one(
        self, engine: Engine, connection: Connection, handed_over: Claimed
    ) -> None:
        report(engine, handed_over.handover_id, "reached")
        self.told(engine, connection, a_contact(mobile=A_LONDON_PHONE))
        report(engine, handed_over.handover_id, "wrong_number")
        plan_all(engine, connection, now=DUE_AT + 2 * A_MINUTE)
        assert plans(engine) == ["scheduled"]


class TestAPromise:
    @pytest.mark.parametrize(("days", "held"), [(-1, None), (0, HoldReason.PROMISED), (1, HoldReason.PROMISED)])
    def test_a_promise_holds_through_its_day(
        self, engine: Engine, connection: Connection, handed_over: Claimed, days: int, held: HoldReason | None
    ) -> None:
        plan_all(engine, connection, now=STEP_3_AT - A_MINUTE)
        report(engine, handed_over.handover_id, "promised", until=STEP_3_AT.date() + days * A_DAY)
        pretend_that_plans_stand(engine, connection, STEP_3_AT)
        assert held_back(engine, at=STEP_3_AT) == [held]

    def test_a_run_plans_again_after_the_promised_day(
        self, engine: Engine, connection: Connection, handed_over: Claimed
    ) -> None:
        report(engine, handed_over.handover_id, "promised", until=STEP_3_AT.date())
        plan_all(engine, connection, now=STEP_3_AT)
        assert plans(engine) == ["promised"]
        plan_all(engine, connection, now=STEP_3_AT + A_DAY)
        assert plans(engine) == ["scheduled"]

    def test_a_promise_concerns_every_invoice_of_the_customer(
        self, engine: Engine, connection: Connection, handed_over: Claimed
    ) -> None:
        report(engine, handed_over.handover_id, "promised", until=STEP_3_AT.date())
        tell_invoices(engine, connection, owed("8002"))
        plan_all(engine, connection, now=DUE_AT + A_MINUTE)
        assert plans(engine) == ["promised", "promised"]
