"""Promises of db/openings.py and of the weekly limit: a person opens a connection, with or without a backlog."""

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from db import openings
from db.connections import Connection
from db.openings import HandoverState
from domain.reminders.hand_over import HoldReason
from domain.reminders.opening import Backlog, Handover
from tests.builders import a_contact, an_invoice
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change, rows
from tests.integration.db.planning import all_reminders
from tests.integration.db.reminding import (
    A_DAY,
    DUE_AT,
    DUE_DATE,
    NOW,
    SWITCH_ON,
    asked,
    claim,
    held_back,
    note_sync,
    plan_all,
    tell_contact,
    tell_invoices,
)


@pytest.fixture
def closed(engine: Engine) -> Connection:
    """A connection that was never opened, with three debts: past all steps, between two steps, and before all steps."""
    connection = a_connection(engine, is_open=False)
    tell_contact(engine, connection, a_contact(details=SWITCH_ON))
    first_day = dt.date(2026, 1, 2)
    tell_invoices(
        engine,
        connection,
        asked(an_invoice("past", date=first_day, due_date=dt.date(2026, 1, 20))),
        asked(an_invoice("amid", date=first_day, due_date=dt.date(2026, 2, 23))),
        asked(an_invoice("ahead", date=first_day, due_date=DUE_DATE)),
    )
    plan_all(engine, connection)
    return connection


def open_it(engine: Engine, connection: Connection, backlog: Backlog, *, now: dt.datetime = NOW) -> None:
    with engine.begin() as db:
        openings.open_handover(db, connection.connection_id, backlog, now=now)
    plan_all(engine, connection, now=now)


def state(engine: Engine, connection: Connection) -> HandoverState:
    with engine.connect() as db:
        return openings.state_of(db, connection.connection_id)


def steps(engine: Engine) -> dict[str, list[int]]:
    """The planned steps of each invoice."""
    found = rows(
        engine,
        """
        SELECT zoho_invoice_id, array_agg(step ORDER BY step) FILTER (WHERE reminders.status = 'scheduled') AS steps
          FROM invoices_cache LEFT JOIN reminders ON invoice_id = invoices_cache.id GROUP BY 1
        """,
    )
    return {each["zoho_invoice_id"]: each["steps"] or [] for each in found}


def outcomes(engine: Engine) -> dict[str, str]:
    found = rows(engine, "SELECT zoho_invoice_id, plan_outcome FROM invoices_cache")
    return {each["zoho_invoice_id"]: each["plan_outcome"] for each in found}


ALL_STEPS = [-3, 0, 3, 7, 14, 30]


class TestOpening:
    def test_a_new_connection_is_closed_and_plans_only_future_steps(self, engine: Engine, closed: Connection) -> None:
        assert (state(engine, closed).handover, state(engine, closed).opened_at) == (Handover.CLOSED, None)
        assert steps(engine) == {"past": [], "amid": [14, 30], "ahead": ALL_STEPS}
        assert outcomes(engine)["past"] == "before_opening"

    def test_without_the_backlog_past_steps_are_not_planned(self, engine: Engine, closed: Connection) -> None:
        open_it(engine, closed, Backlog.NONE)
        assert steps(engine) == {"past": [], "amid": [14, 30], "ahead": ALL_STEPS}
        assert outcomes(engine)["past"] == "before_opening"

    def test_with_the_backlog_the_latest_missed_step_of_each_invoice_is_planned(
        self, engine: Engine, closed: Connection
    ) -> None:
        open_it(engine, closed, Backlog.LATEST)
        assert steps(engine) == {"past": [30], "amid": [7, 14, 30], "ahead": ALL_STEPS}

    def test_opening_again_applies_the_new_choice_to_the_plans(self, engine: Engine, closed: Connection) -> None:
        open_it(engine, closed, Backlog.LATEST)
        open_it(engine, closed, Backlog.NONE, now=NOW + dt.timedelta(minutes=5))
        assert steps(engine)["past"] == []

    def test_the_state_counts_the_numbers_with_waiting_reminders(self, engine: Engine, closed: Connection) -> None:
        open_it(engine, closed, Backlog.LATEST)
        found = replace(state(engine, closed), due_calls=0)
        assert found == HandoverState(Handover.OPEN, NOW, Backlog.LATEST, waiting_calls=1)

    def test_nothing_is_handed_over_before_the_plans_are_renewed(self, engine: Engine, due: Connection) -> None:
        with engine.begin() as db:
            openings.close_handover(db, due.connection_id)
            openings.open_handover(db, due.connection_id, Backlog.LATEST, now=DUE_AT)
        assert (held_back(engine), claim(engine)) == ([HoldReason.PLAN_OUTDATED], [])
        plan_all(engine, due, now=DUE_AT)
        assert len(claim(engine)) == 1

    def test_planning_continues_while_the_connection_is_closed(self, engine: Engine, due: Connection) -> None:
        with engine.begin() as db:
            openings.close_handover(db, due.connection_id)
        before = all_reminders(engine)
        plan_all(engine, due, now=DUE_AT)
        assert all_reminders(engine) == before
        assert held_back(engine) == [HoldReason.HANDOVER_CLOSED]

    def test_another_connection_stays_closed(self, engine: Engine, closed: Connection, due: Connection) -> None:
        assert state(engine, due).handover is Handover.OPEN
        assert state(engine, closed).handover is Handover.CLOSED


class TestAWeek:
    def call_before(self, engine: Engine, connection: Connection, *days: int) -> None:
        """Add a handover of the customer's number for each of these days before the due date."""
        for each in days:
            change(
                engine,
                """
                INSERT INTO booksync.handovers (user_id, connection_id, phone, day, handed_over_at)
                SELECT :user, :id, primary_phone, :day, now() FROM booksync.customers_cache LIMIT 1
                """,
                user=connection.user_id,
                id=connection.connection_id,
                day=DUE_DATE - each * A_DAY,
            )

    @pytest.mark.parametrize(
        ("days", "held"),
        [
            ((1, 2), None),
            ((1, 2, 3), HoldReason.CONTACTED_THIS_WEEK),
            ((1, 3, 6), HoldReason.CONTACTED_THIS_WEEK),
            # The seventh day before is outside the week.
            ((1, 3, 7), None),
            ((0,), HoldReason.CONTACTED_TODAY),
        ],
    )
    def test_a_number_is_called_at_most_three_times_in_seven_days(
        self, engine: Engine, due: Connection, days: tuple[int, ...], held: HoldReason | None
    ) -> None:
        self.call_before(engine, due, *days)
        assert held_back(engine) == [held]
        assert len(claim(engine)) == (0 if held else 1)

    def test_calls_of_another_user_do_not_count(self, engine: Engine, due: Connection) -> None:
        self.call_before(engine, a_connection(engine), 1, 2, 3)
        assert due
        assert held_back(engine) == [None]

    def test_calls_of_the_users_other_connection_count(self, engine: Engine, due: Connection) -> None:
        other = a_connection(engine, user_id=due.user_id, organization_id="20234695")
        self.call_before(engine, other, 1, 2, 3)
        assert held_back(engine) == [HoldReason.CONTACTED_THIS_WEEK]

    @pytest.mark.parametrize(("allowed", "held"), [(4, None), (2, HoldReason.CONTACTED_THIS_WEEK)])
    def test_the_policy_sets_the_weekly_limit(
        self, engine: Engine, due: Connection, allowed: int, held: HoldReason | None
    ) -> None:
        change(
            engine,
            """
            INSERT INTO booksync.reminder_policies (connection_id, rules)
            VALUES (:id, jsonb_build_object('contacts_a_week', CAST(:allowed AS integer)))
            """,
            id=due.connection_id,
            allowed=allowed,
        )
        note_sync(engine, due, DUE_AT)
        self.call_before(engine, due, *([1, 2, 3] if held is None else [1, 2]))
        assert held_back(engine) == [held]
