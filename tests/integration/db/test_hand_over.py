"""Promises of `claim_due_reminders`: a reminder is handed over once, and no number is called twice a day."""

import datetime as dt
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import NotSupportedError

from db import hand_over, reminder_policies
from db.connections import Connection
from domain.reminders.hand_over import HoldReason
from domain.reminders.policy import ReminderPolicy
from tests.builders import A_LONDON_PHONE, a_contact, an_invoice
from tests.integration.db.caching import A_MINUTE
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import altered, change, row, rows
from tests.integration.db.planning import PLANNED
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
    tell_and_plan,
    tell_contact,
    tell_invoices,
)

_DOCUMENT = Path(__file__).parents[3] / "docs" / "reminders.md"

_DUE_IN_SQL = text("SELECT count(*) FROM booksync.due_reminders(:at)")
_CLAIMED_IN_SQL = text("SELECT count(*) FROM booksync.claim_due_reminders(moment => :at)")


class TestClaiming:
    def test_due_reminders_are_handed_over_and_marked(self, engine: Engine, due: Connection) -> None:
        (taken,) = claim(engine)
        sent = row(engine, "SELECT * FROM reminders WHERE status = 'sent'")
        assert (sent["id"], sent["step"], sent["contact_id"]) == (taken.reminder_ids[0], 0, taken.handover_id)
        contact = row(engine, "SELECT * FROM booksync.handovers")
        assert (contact["id"], contact["connection_id"]) == (taken.handover_id, due.connection_id)
        assert (contact["phone"], contact["day"]) == (taken.phone, DUE_DATE)
        assert contact["handed_over_at"] == DUE_AT

    @pytest.mark.usefixtures("due")
    def test_a_reminder_is_handed_over_once(self, engine: Engine) -> None:
        assert len(claim(engine)) == 1
        assert claim(engine) == []

    @pytest.mark.usefixtures("due")
    def test_a_rolled_back_handover_leaves_its_reminders_due(self, engine: Engine) -> None:
        with engine.connect() as db:
            assert len(hand_over.claim(db, at=DUE_AT)) == 1
            db.rollback()
        assert len(claim(engine)) == 1

    @pytest.mark.usefixtures("due")
    def test_no_reminder_is_handed_over_before_its_time(self, engine: Engine) -> None:
        assert claim(engine, at=DUE_AT - A_MINUTE) == []
        assert held_back(engine, at=DUE_AT - A_MINUTE) == []

    def test_a_handover_can_be_limited_to_one_connection(self, engine: Engine, due: Connection) -> None:
        other = a_connection(engine)
        tell_and_plan(engine, other)
        assert [taken.connection_id for taken in claim(engine, other)] == [other.connection_id]
        assert [taken.connection_id for taken in claim(engine)] == [due.connection_id]

    def test_the_oldest_handovers_come_first_up_to_the_limit(self, engine: Engine, connection: Connection) -> None:
        tell_contact(engine, connection, a_contact("5002", mobile=A_LONDON_PHONE, details=SWITCH_ON))
        tell_and_plan(engine, connection, an_invoice("1"), an_invoice("2", customer_id="5002"))
        first, second = claim(engine, at_most=1), claim(engine, at_most=1)
        assert (len(first), len(second), claim(engine)) == (1, 1, [])
        assert first[0].phone != second[0].phone

    def test_the_next_step_follows_when_its_time_comes(self, engine: Engine, due: Connection) -> None:
        claim(engine)
        later = PLANNED[3]
        plan_all(engine, due, now=later - A_MINUTE)
        note_sync(engine, due, later)
        assert len(claim(engine, at=later)) == 1
        sent = rows(engine, "SELECT step FROM reminders WHERE status = 'sent' ORDER BY step")
        assert [found["step"] for found in sent] == [0, 3]

    @pytest.mark.usefixtures("due")
    def test_a_superseded_step_is_never_handed_over(self, engine: Engine) -> None:
        claim(engine)
        assert row(engine, "SELECT status FROM reminders WHERE step = -3")["status"] == "superseded"

    @pytest.mark.usefixtures("due")
    def test_reminders_planned_by_the_legacy_application_are_not_handed_over(self, engine: Engine) -> None:
        change(engine, "UPDATE reminders SET closes_at = NULL")
        assert (claim(engine), held_back(engine)) == ([], [])


class TestOneNumber:
    def test_all_due_invoices_of_a_number_are_in_one_handover(self, engine: Engine, connection: Connection) -> None:
        tell_and_plan(engine, connection, *(an_invoice(str(number)) for number in range(4)))
        (taken,) = claim(engine)
        assert len(taken.reminder_ids) == 4

    def test_customers_who_share_a_number_are_in_one_handover(self, engine: Engine, connection: Connection) -> None:
        another = a_contact("5002", name="Difference Engines", mobile=A_LONDON_PHONE, details=SWITCH_ON)
        tell_contact(engine, connection, another)
        contact = a_contact(mobile=A_LONDON_PHONE, details=SWITCH_ON)
        tell_and_plan(engine, connection, an_invoice("1"), an_invoice("2", customer_id="5002"), contact=contact)
        (taken,) = claim(engine)
        assert len(taken.invoice_ids) == 2

    def test_a_reminder_due_later_that_day_waits(self, engine: Engine, due: Connection) -> None:
        claim(engine)
        later = DUE_AT + 2 * dt.timedelta(hours=1)
        tell_invoices(engine, due, asked(an_invoice("8002", due_date=DUE_DATE - A_DAY)), now=later)
        plan_all(engine, due, now=later)
        at = later + A_MINUTE
        assert (held_back(engine, at=at), claim(engine, at=at)) == ([HoldReason.CONTACTED_TODAY], [])
        tomorrow = DUE_AT + A_DAY
        plan_all(engine, due, now=tomorrow - A_MINUTE)
        note_sync(engine, due, tomorrow)
        assert len(claim(engine, at=tomorrow)) == 1

    def test_calls_of_the_users_other_connection_count(self, engine: Engine, due: Connection) -> None:
        other = a_connection(engine, user_id=due.user_id, organization_id="20234695")
        tell_contact(engine, other, a_contact("6001", details=SWITCH_ON))
        tell_invoices(engine, other, asked(an_invoice("9001", customer_id="6001")))
        plan_all(engine, other)
        plan_all(engine, other, now=DUE_AT - A_MINUTE)
        note_sync(engine, other, DUE_AT)
        assert len(claim(engine)) == 1
        assert held_back(engine) == [HoldReason.CONTACTED_TODAY]

    @pytest.mark.usefixtures("due")
    def test_calls_of_another_user_do_not_count(self, engine: Engine) -> None:
        tell_and_plan(engine, a_connection(engine))
        assert len(claim(engine)) == 2

    def test_the_policy_may_allow_more_calls(self, engine: Engine, due: Connection) -> None:
        with engine.begin() as db:
            reminder_policies.save(db, due.connection_id, ReminderPolicy(contacts_a_day=2), now=NOW)
        plan_all(engine, due, now=DUE_AT - A_MINUTE)
        claim(engine)
        later = DUE_AT + dt.timedelta(hours=2)
        for number in ("8002", "8003"):
            tell_invoices(engine, due, asked(an_invoice(number, due_date=DUE_DATE - A_DAY)), now=later)
            plan_all(engine, due, now=later)
            claim(engine, at=later + A_MINUTE)
            later += dt.timedelta(hours=1)
        assert row(engine, "SELECT count(*) AS contacts FROM booksync.handovers")["contacts"] == 2

    def test_concurrent_handovers_contain_every_reminder_once(self, engine: Engine, connection: Connection) -> None:
        for number in range(30):
            phone = f"+4479123456{number // 2:02d}"  # Two customers per number.
            tell_contact(engine, connection, a_contact(str(number), mobile=phone, details=SWITCH_ON))
        tell_and_plan(
            engine, connection, *(an_invoice(str(number), customer_id=str(number % 30)) for number in range(60))
        )
        with ThreadPoolExecutor(6) as threads:
            taken = [one for each in [threads.submit(claim, engine) for _ in range(6)] for one in each.result()]
        taken += claim(engine)  # A number that two processes wanted at once may be left.
        assert len({one.phone for one in taken}) == len(taken) == 15
        assert len({reminder for one in taken for reminder in one.reminder_ids}) == 60


class TestWhoeverClaims:
    @pytest.mark.parametrize(
        "statement",
        [
            # The legacy application's search_path, to views without the new columns.
            """
            CREATE SCHEMA booksync_legacy;
            CREATE VIEW booksync_legacy.reminders AS SELECT id, step FROM reminders;
            SET LOCAL search_path = booksync_legacy, public
            """,
            "CREATE TEMP TABLE reminders (id uuid, step smallint)",
            "CREATE TEMP TABLE handovers (id uuid)",
        ],
    )
    @pytest.mark.usefixtures("due")
    def test_the_handover_is_the_same_with_any_search_path(self, engine: Engine, statement: str) -> None:
        with altered(engine, statement) as db:
            assert db.execute(_DUE_IN_SQL, {"at": DUE_AT}).scalar_one() == 1
            assert db.execute(_CLAIMED_IN_SQL, {"at": DUE_AT}).scalar_one() == 1

    @pytest.mark.usefixtures("due")
    def test_the_handover_is_the_same_from_a_legacy_table_of_other_types(self, engine: Engine) -> None:
        statements = (
            "ALTER TABLE reminders ALTER phone TYPE varchar, ALTER status TYPE varchar, ALTER step TYPE integer",
            "ALTER TABLE invoices_cache ALTER status TYPE varchar, ALTER balance TYPE double precision",
        )
        with altered(engine, *statements) as db:
            assert db.execute(_DUE_IN_SQL, {"at": DUE_AT}).scalar_one() == 1
            assert len(hand_over.claim(db, at=DUE_AT)) == 1

    @pytest.mark.parametrize("isolation", ["REPEATABLE READ", "SERIALIZABLE"])
    @pytest.mark.usefixtures("due")
    def test_a_transaction_that_could_miss_rows_is_an_error(self, engine: Engine, isolation: str) -> None:
        with (
            engine.connect().execution_options(isolation_level=isolation) as db,
            pytest.raises(NotSupportedError, match="claim_due_reminders needs a READ COMMITTED transaction"),
        ):
            hand_over.claim(db, at=DUE_AT)

    @pytest.mark.usefixtures("due")
    def test_the_documented_grants_are_necessary_and_sufficient(self, engine: Engine) -> None:
        (grants,) = re.findall(r"```sql\n(GRANT .*?)```", _DOCUMENT.read_text(), re.DOTALL)
        role = f"sender_{uuid.uuid4().hex}"
        statements = (f"CREATE ROLE {role}", grants.replace("the_sender", role), f"SET LOCAL ROLE {role}")
        with altered(engine, *statements) as db:
            (taken,) = hand_over.claim(db, at=DUE_AT)
            reported = "SELECT booksync.report_outcome(:handover, 'do_not_call', note => 'asked for it')"
            assert db.execute(text(reported), {"handover": taken.handover_id}).scalar_one() == 1


def test_postgres_inlines_the_view_of_due_reminders(engine: Engine) -> None:
    """Otherwise a handover would read all due reminders once for each number."""
    found = rows(engine, "EXPLAIN SELECT * FROM booksync.due_reminders(now()) WHERE reminder_id = gen_random_uuid()")
    scanned = [line["QUERY PLAN"] for line in found if "Function Scan" in line["QUERY PLAN"]]
    assert not [scan for scan in scanned if "due_reminders" in scan or "reminder_checks" in scan]
