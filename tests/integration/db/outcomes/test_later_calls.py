"""Promises of `report_outcome`: what an outcome forbids, and until when."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from db.connections import Connection
from db.hand_over import Claimed
from domain.contacts import Contact
from domain.reminders.hand_over import HoldReason
from tests.builders import A_LONDON_PHONE, a_contact
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.outcomes.reports import (
    A_DAY,
    A_MINUTE,
    DUE_AT,
    STEP_3_AT,
    owed,
    plans,
    prepare,
    pretend_that_plans_stand,
    report,
)
from tests.integration.db.reminding import SWITCH_ON, claim, held_back, plan_all, tell_contact, tell_invoices


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
