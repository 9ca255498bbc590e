"""Promises about numbers that are not called: planning and the handover refuse them, and check again a day later."""

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from db import reminder_policies
from db.connections import Connection
from domain.contacts import Contact, ContactStatus
from domain.reminders.hand_over import HoldReason
from domain.reminders.policy import ReminderPolicy
from tests.builders import A_BRITISH_MOBILE, A_LONDON_PHONE, MODIFIED_AT, a_contact, an_invoice
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change, row, rows
from tests.integration.db.planning import outcome, plan_for
from tests.integration.db.reminding import (
    A_DAY,
    DUE_AT,
    NOW,
    SWITCH_ON,
    claim,
    held_back,
    plan_all,
    tell_and_plan,
    tell_contact,
)

#: The next midnight in London.
TOMORROW = dt.datetime(2026, 3, 3, tzinfo=dt.UTC)


def a_sharer(number: int, *, name: str | None = None, mobile: str = A_LONDON_PHONE) -> Contact:
    """Another customer with the number of the test's customer."""
    return a_contact(str(6000 + number), name=f"Customer {number}" if name is None else name, mobile=mobile)


def add_sharers(engine: Engine, connection: Connection, count: int, **facts: str) -> None:
    for number in range(count):
        tell_contact(engine, connection, a_sharer(number, **facts))


def the_outcome(engine: Engine, connection: Connection, mobile: str = A_LONDON_PHONE) -> str | None:
    """The plan outcome of an invoice whose customer has this number."""
    plan_for(engine, connection, contact=a_contact(mobile=mobile))
    return outcome(engine)[0]


class TestPlanning:
    @pytest.mark.parametrize(("others", "expected"), [(8, "scheduled"), (9, "number_shared")])
    def test_a_number_of_ten_customers_of_different_names_is_not_planned(
        self, engine: Engine, connection: Connection, others: int, expected: str
    ) -> None:
        add_sharers(engine, connection, others)
        assert the_outcome(engine, connection) == expected

    def test_customers_of_one_name_count_once(self, engine: Engine, connection: Connection) -> None:
        for number, name in enumerate(["Analytical Engines", " analytical engines ", "ANALYTICAL ENGINES"] * 4):
            tell_contact(engine, connection, a_sharer(number, name=name))
        assert the_outcome(engine, connection) == "scheduled"

    @pytest.mark.parametrize(
        ("name", "expected"), [("Difference Engines", "number_shared"), ("Analytical engines", "scheduled")]
    )
    def test_two_customers_are_enough_to_share_a_doubtful_number(
        self, engine: Engine, connection: Connection, name: str, expected: str
    ) -> None:
        tell_contact(engine, connection, a_sharer(1, name=name, mobile=A_BRITISH_MOBILE))
        assert the_outcome(engine, connection, A_BRITISH_MOBILE) == expected

    def test_deleted_customers_do_not_count(self, engine: Engine, connection: Connection) -> None:
        add_sharers(engine, connection, 9)
        change(engine, "UPDATE booksync.customers_cache SET status = 'deleted' WHERE zoho_customer_id = '6000'")
        assert the_outcome(engine, connection) == "scheduled"

    def test_inactive_customers_count(self, engine: Engine, connection: Connection) -> None:
        for number in range(9):
            tell_contact(engine, connection, replace(a_sharer(number), status=ContactStatus.INACTIVE))
        assert the_outcome(engine, connection) == "number_shared"

    def test_the_customers_of_all_connections_of_the_user_count(self, engine: Engine, connection: Connection) -> None:
        other = a_connection(engine, user_id=connection.user_id, organization_id="2")
        add_sharers(engine, other, 9)
        assert the_outcome(engine, connection) == "number_shared"

    def test_customers_of_another_user_do_not_count(self, engine: Engine, connection: Connection) -> None:
        add_sharers(engine, a_connection(engine, organization_id="2"), 9)
        assert the_outcome(engine, connection) == "scheduled"

    def test_the_policy_can_change_the_limit(self, engine: Engine, connection: Connection) -> None:
        add_sharers(engine, connection, 9)
        with engine.begin() as db:
            reminder_policies.save(db, connection.connection_id, ReminderPolicy(shared_number_customers=0), now=NOW)
        assert the_outcome(engine, connection) == "scheduled"

    @pytest.mark.parametrize(
        ("mobile", "expected"),
        [
            ("Fax +44 20 7031 3000", "not_callable"),
            ("+49 900 1 234568", "not_callable"),  # premium rate
            ("+44 20 7031 3000", "scheduled"),
        ],
    )
    def test_a_number_that_is_not_callable_is_not_planned(
        self, engine: Engine, connection: Connection, mobile: str, expected: str
    ) -> None:
        assert the_outcome(engine, connection, mobile) == expected

    def test_a_number_that_becomes_a_fax_cancels_at_once(self, engine: Engine, planned: Connection) -> None:
        tell_contact(engine, planned, a_contact(mobile=f"Fax {A_BRITISH_MOBILE}", modified_at=NOW), now=NOW)
        assert {found["status"] for found in rows(engine, "SELECT status FROM reminders")} == {"cancelled"}
        assert row(engine, "SELECT phone_not_callable FROM booksync.customers_cache")["phone_not_callable"] == "fax"


class TestLookingAgain:
    def test_a_shared_number_is_planned_again_the_next_day(self, engine: Engine, connection: Connection) -> None:
        add_sharers(engine, connection, 9)
        plan_for(engine, connection, contact=a_contact(mobile=A_LONDON_PHONE))
        assert outcome(engine) == ("number_shared", TOMORROW)
        change(engine, "UPDATE booksync.customers_cache SET status = 'deleted' WHERE zoho_customer_id = '6000'")
        plan_all(engine, connection, now=TOMORROW)
        assert outcome(engine)[0] == "scheduled"

    def test_a_number_that_stays_shared_waits_for_the_day_after(self, engine: Engine, connection: Connection) -> None:
        add_sharers(engine, connection, 9)
        plan_for(engine, connection, contact=a_contact(mobile=A_LONDON_PHONE))
        plan_all(engine, connection, now=TOMORROW)
        assert outcome(engine) == ("number_shared", TOMORROW + A_DAY)

    def test_a_number_whose_kind_a_policy_allows_is_planned(self, engine: Engine, connection: Connection) -> None:
        plan_for(engine, connection, contact=a_contact(mobile="+49 900 1 234568"))
        with engine.begin() as db:
            policy = ReminderPolicy(kinds_not_called=(), unknown_zone="Europe/Berlin")
            reminder_policies.save(db, connection.connection_id, policy, now=NOW)
        plan_all(engine, connection)
        assert outcome(engine)[0] == "scheduled"


class TestClaiming:
    """The other customers appear, or the verdict changes, after the plan was made."""

    @pytest.fixture
    def ready(self, engine: Engine, connection: Connection) -> Connection:
        tell_and_plan(engine, connection, contact=a_contact(mobile=A_LONDON_PHONE, details=SWITCH_ON))
        return connection

    @pytest.mark.parametrize(("others", "expected"), [(8, None), (9, HoldReason.NUMBER_SHARED)])
    def test_a_number_of_ten_customers_is_held_back(
        self, engine: Engine, ready: Connection, others: int, expected: HoldReason | None
    ) -> None:
        add_sharers(engine, ready, others)
        assert held_back(engine) == [expected]
        assert len(claim(engine)) == (expected is None)

    def test_a_held_back_number_is_planned_as_shared_after_its_window(self, engine: Engine, ready: Connection) -> None:
        add_sharers(engine, ready, 9)
        plan_all(engine, ready, now=DUE_AT + A_DAY)
        assert outcome(engine)[0] == "number_shared"

    def test_customers_of_the_other_connection_count_for_the_handover(self, engine: Engine, ready: Connection) -> None:
        add_sharers(engine, a_connection(engine, user_id=ready.user_id, organization_id="2"), 9)
        assert held_back(engine) == [HoldReason.NUMBER_SHARED]

    @pytest.mark.parametrize(
        "others",
        [
            "status = 'deleted'",
            "phone_problem = 'not_in_use'",
            "customer_name = ' analytical ENGINES'",
            "primary_phone = '+442070313001'",
        ],
    )
    def test_customers_that_are_not_other_live_ones_with_the_number_do_not_count(
        self, engine: Engine, ready: Connection, others: str
    ) -> None:
        add_sharers(engine, ready, 9)
        change(engine, f"UPDATE booksync.customers_cache SET {others} WHERE zoho_customer_id = '6000'")
        assert held_back(engine) == [None]

    @pytest.mark.parametrize(
        ("verdict", "expected"),
        [
            ("phone_not_callable = 'old_number'", HoldReason.NOT_CALLABLE),
            ('phone_verdict = phone_verdict || \'{"kind": "pager"}\'', HoldReason.NOT_CALLABLE),
            ('phone_verdict = phone_verdict || \'{"doubts": ["example"]}\'', None),
        ],
    )
    def test_a_number_that_became_not_callable_is_held_back(
        self, engine: Engine, ready: Connection, verdict: str, expected: HoldReason | None
    ) -> None:
        assert ready
        change(engine, f"UPDATE booksync.customers_cache SET {verdict}")
        assert held_back(engine) == [expected]

    def test_a_doubtful_number_is_held_back_for_the_second_customer(self, engine: Engine, ready: Connection) -> None:
        add_sharers(engine, ready, 1)
        change(
            engine, 'UPDATE booksync.customers_cache SET phone_verdict = phone_verdict || \'{"doubts": ["example"]}\''
        )
        assert held_back(engine) == [HoldReason.NUMBER_SHARED]

    def test_a_confirmed_number_is_handed_over(self, engine: Engine, ready: Connection) -> None:
        add_sharers(engine, ready, 9)
        change(
            engine,
            """
            UPDATE booksync.customers_cache SET phone_not_callable = 'filler',
                   phone_verdict = phone_verdict || '{"confirmed": true, "kind": "pager"}'
             WHERE zoho_customer_id = '5001'
            """,
        )
        assert held_back(engine) == [None]

    @pytest.mark.parametrize(
        "rules",
        [
            '{"shared_number_customers": 1e400, "kinds_not_called": null}',
            '{"shared_number_customers": "ten", "kinds_not_called": "pager"}',
            '{"shared_number_customers": -1, "kinds_not_called": [1, null, {}]}',
        ],
    )
    def test_invalid_rules_hold_back_no_handover(self, engine: Engine, ready: Connection, rules: str) -> None:
        change(
            engine,
            "INSERT INTO booksync.reminder_policies (connection_id, rules) VALUES (:id, CAST(:rules AS jsonb))",
            id=ready.connection_id,
            rules=rules,
        )
        assert len(claim(engine)) == 1


def test_a_version_of_the_contact_without_its_label_is_called_again(engine: Engine, connection: Connection) -> None:
    plan_for(engine, connection, contact=a_contact(mobile=f"old {A_LONDON_PHONE}"))
    assert outcome(engine)[0] == "not_callable"
    tell_contact(engine, connection, a_contact(mobile=A_LONDON_PHONE, modified_at=MODIFIED_AT + A_DAY))
    plan_all(engine, connection)
    assert outcome(engine)[0] == "scheduled"


def test_each_invoice_of_a_batch_counts_the_sharers_of_its_own_number(engine: Engine, connection: Connection) -> None:
    add_sharers(engine, connection, 9)
    tell_contact(engine, connection, a_contact("5002", mobile="+442070313001"))
    plan_for(
        engine,
        connection,
        an_invoice("1"),
        an_invoice("2", customer_id="5002"),
        contact=a_contact(mobile=A_LONDON_PHONE),
    )
    found = rows(engine, "SELECT plan_outcome FROM invoices_cache ORDER BY zoho_invoice_id")
    assert [each["plan_outcome"] for each in found] == ["number_shared", "scheduled"]
