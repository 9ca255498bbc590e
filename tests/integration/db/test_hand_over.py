"""Promises of `claim_due_reminders`: taken once, never from stale facts, and no number is called twice a day."""

import datetime as dt
import re
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import NotSupportedError

from db import customers, hand_over, invoices, reminder_policies
from db.connections import Link
from db.skipped_invoices import ObservedInvoice
from db.staging import Observed
from domain.contacts import ContactDetails, ContactStatus
from domain.hand_over import HoldReason
from domain.invoices import OPEN_STATUSES
from domain.phones import PhoneFallback
from domain.reminder_policy import FURTHEST_STEP, ReminderPolicy
from domain.reminders import held_until
from tests.builders import A_LONDON_PHONE, a_contact, an_invoice
from tests.integration.db.links import a_link
from tests.integration.db.look import change, row, rows
from tests.integration.db.reminding import (
    DUE_AT,
    DUE_DATE,
    NOW,
    SWITCH_ON,
    claim,
    held_back,
    note_sync,
    plan_all,
    tell_and_plan,
    tell_contact,
    tell_invoices,
)

_DOCUMENT = Path(__file__).parents[3] / "docs" / "reminders.md"

_DUE_IN_SQL = text("SELECT count(*) FROM due_reminders(:at)")
_CLAIMED_IN_SQL = text("SELECT count(*) FROM claim_due_reminders(moment => :at)")

A_MINUTE = dt.timedelta(minutes=1)
A_DAY = dt.timedelta(days=1)


@pytest.fixture
def due(engine: Engine, link: Link) -> Link:
    """A connection whose one reminder is due at this moment, and may go."""
    tell_and_plan(engine, link)
    return link


@contextmanager
def altered(engine: Engine, *statements: str) -> Iterator[Connection]:
    """A transaction in which the database itself is another one; it is rolled back."""
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
        yield connection
        connection.rollback()


class TestClaiming:
    def test_what_is_due_is_taken_and_marked(self, engine: Engine, due: Link) -> None:
        (taken,) = claim(engine)
        sent = row(engine, "SELECT * FROM reminders WHERE status = 'sent'")
        assert (sent["id"], sent["step"], sent["contact_id"]) == (taken.reminder_ids[0], 0, taken.contact_id)
        contact = row(engine, "SELECT * FROM reminder_contacts")
        assert (contact["id"], contact["connection_id"]) == (taken.contact_id, due.connection_id)
        assert (contact["phone"], contact["day"]) == (taken.phone, DUE_DATE)
        assert contact["handed_over_at"] == DUE_AT

    @pytest.mark.usefixtures("due")
    def test_it_is_taken_once(self, engine: Engine) -> None:
        assert len(claim(engine)) == 1
        assert claim(engine) == []

    @pytest.mark.usefixtures("due")
    def test_a_claim_that_is_rolled_back_has_taken_nothing(self, engine: Engine) -> None:
        with engine.connect() as connection:
            assert len(hand_over.claim(connection, at=DUE_AT)) == 1
            connection.rollback()
        assert len(claim(engine)) == 1

    @pytest.mark.usefixtures("due")
    def test_nothing_is_taken_before_its_moment(self, engine: Engine) -> None:
        assert claim(engine, at=DUE_AT - A_MINUTE) == []
        assert held_back(engine, at=DUE_AT - A_MINUTE) == []

    def test_a_connection_can_be_claimed_by_itself(self, engine: Engine, due: Link) -> None:
        other = a_link(engine)
        tell_and_plan(engine, other)
        assert [taken.connection_id for taken in claim(engine, other)] == [other.connection_id]
        assert [taken.connection_id for taken in claim(engine)] == [due.connection_id]

    def test_at_most_so_many_contacts_are_taken_the_oldest_first(self, engine: Engine, link: Link) -> None:
        tell_contact(engine, link, a_contact("5002", mobile=A_LONDON_PHONE, details=SWITCH_ON))
        tell_and_plan(engine, link, an_invoice("1"), an_invoice("2", customer_id="5002"))
        first, second = claim(engine, at_most=1), claim(engine, at_most=1)
        assert (len(first), len(second), claim(engine)) == (1, 1, [])
        assert first[0].phone != second[0].phone

    def test_the_next_step_follows_when_its_time_comes(self, engine: Engine, due: Link) -> None:
        claim(engine)
        later = dt.datetime(2026, 4, 6, 9, 0, tzinfo=dt.UTC)  # Step 3, moved off the weekend.
        plan_all(engine, due, now=later - A_MINUTE)
        note_sync(engine, due, later)
        assert len(claim(engine, at=later)) == 1
        sent = rows(engine, "SELECT step FROM reminders WHERE status = 'sent' ORDER BY step")
        assert [found["step"] for found in sent] == [0, 3]

    @pytest.mark.usefixtures("due")
    def test_a_superseded_step_is_never_taken(self, engine: Engine) -> None:
        claim(engine)
        assert row(engine, "SELECT status FROM reminders WHERE step = -3")["status"] == "superseded"

    @pytest.mark.usefixtures("due")
    def test_what_the_legacy_application_planned_is_its_own(self, engine: Engine) -> None:
        change(engine, "UPDATE reminders SET closes_at = NULL")
        assert (claim(engine), held_back(engine)) == ([], [])


class TestOneNumber:
    def test_all_its_invoices_go_out_in_one_contact(self, engine: Engine, link: Link) -> None:
        tell_and_plan(engine, link, *(an_invoice(str(number)) for number in range(4)))
        (taken,) = claim(engine)
        assert len(taken.reminder_ids) == 4

    def test_so_do_those_of_customers_who_share_it(self, engine: Engine, link: Link) -> None:
        tell_contact(engine, link, a_contact("5002", name="Difference Engines", details=SWITCH_ON))
        tell_and_plan(engine, link, an_invoice("1"), an_invoice("2", customer_id="5002"))
        (taken,) = claim(engine)
        assert len(taken.invoice_ids) == 2

    def test_what_becomes_due_later_that_day_waits(self, engine: Engine, due: Link) -> None:
        claim(engine)
        later = DUE_AT + 2 * dt.timedelta(hours=1)
        tell_invoices(engine, due, an_invoice("8002", due_date=DUE_DATE - A_DAY), now=later)
        plan_all(engine, due, now=later)
        at = later + A_MINUTE
        assert (held_back(engine, at=at), claim(engine, at=at)) == ([HoldReason.CONTACTED_TODAY], [])
        tomorrow = DUE_AT + A_DAY
        plan_all(engine, due, now=tomorrow - A_MINUTE)
        note_sync(engine, due, tomorrow)
        assert len(claim(engine, at=tomorrow)) == 1

    def test_the_users_other_connection_counts_too(self, engine: Engine, due: Link) -> None:
        other = a_link(engine, user_id=due.user_id, organization_id="20234695")
        tell_contact(engine, other, a_contact("6001", details=SWITCH_ON))
        tell_invoices(engine, other, an_invoice("9001", customer_id="6001"))
        plan_all(engine, other)
        plan_all(engine, other, now=DUE_AT - A_MINUTE)
        note_sync(engine, other, DUE_AT)
        assert len(claim(engine)) == 1
        assert held_back(engine) == [HoldReason.CONTACTED_TODAY]

    @pytest.mark.usefixtures("due")
    def test_another_user_does_not(self, engine: Engine) -> None:
        tell_and_plan(engine, a_link(engine))
        assert len(claim(engine)) == 2

    def test_the_policy_may_allow_more(self, engine: Engine, due: Link) -> None:
        with engine.begin() as connection:
            reminder_policies.save(connection, due.connection_id, ReminderPolicy(contacts_a_day=2), now=NOW)
        plan_all(engine, due, now=DUE_AT - A_MINUTE)
        claim(engine)
        later = DUE_AT + dt.timedelta(hours=2)
        for number in ("8002", "8003"):
            tell_invoices(engine, due, an_invoice(number, due_date=DUE_DATE - A_DAY), now=later)
            plan_all(engine, due, now=later)
            claim(engine, at=later + A_MINUTE)
            later += dt.timedelta(hours=1)
        assert row(engine, "SELECT count(*) AS contacts FROM reminder_contacts")["contacts"] == 2

    def test_many_who_claim_at_once_take_everything_once(self, engine: Engine, link: Link) -> None:
        for number in range(30):
            phone = f"+4479123456{number // 2:02d}"  # Two customers a number.
            tell_contact(engine, link, a_contact(str(number), mobile=phone, details=SWITCH_ON))
        tell_and_plan(engine, link, *(an_invoice(str(number), customer_id=str(number % 30)) for number in range(60)))
        with ThreadPoolExecutor(6) as threads:
            taken = [one for each in [threads.submit(claim, engine) for _ in range(6)] for one in each.result()]
        taken += claim(engine)  # A number that two wanted at once may have been left.
        assert len({one.phone for one in taken}) == len(taken) == 15
        assert len({reminder for one in taken for reminder in one.reminder_ids}) == 60


class TestHoldingBack:
    """Facts that have changed behind the plan's back: in one transaction with it they would have changed the plan."""

    @pytest.mark.parametrize(
        ("sql", "reason"),
        [
            ("UPDATE invoices_cache SET status = 'paid'", HoldReason.INVOICE_CLOSED),
            ("UPDATE invoices_cache SET status = 'void'", HoldReason.INVOICE_CLOSED),
            ("UPDATE invoices_cache SET balance = 0", HoldReason.INVOICE_CLOSED),
            ("UPDATE invoices_cache SET balance = NULL", HoldReason.INVOICE_CLOSED),
            ("UPDATE invoices_cache SET balance = 'NaN'", HoldReason.INVOICE_CLOSED),
            ("UPDATE invoices_cache SET status = NULL", HoldReason.INVOICE_CLOSED),
            ("UPDATE customers_cache SET status = 'inactive'", HoldReason.CUSTOMER_INACTIVE),
            ("UPDATE customers_cache SET status = 'deleted'", HoldReason.CUSTOMER_INACTIVE),
            ("UPDATE customers_cache SET primary_phone = NULL", HoldReason.PHONE_CHANGED),
            ("UPDATE customers_cache SET primary_phone = '+442070313001'", HoldReason.PHONE_CHANGED),
            ("UPDATE customers_cache SET phone_problem = 'too_short'", HoldReason.PHONE_CHANGED),
            ("UPDATE invoices_cache SET expected_payment_date = '2026-04-01'", HoldReason.PAYMENT_EXPECTED),
            ("UPDATE customers_cache SET payment_reminder_enabled = false", HoldReason.ZOHO_REMINDERS_OFF),
            ("UPDATE customers_cache SET payment_reminder_enabled = NULL", HoldReason.SWITCH_UNKNOWN),
            ("UPDATE invoices_cache SET plan_at = '2026-03-02'", HoldReason.PLAN_OUTDATED),
            ("UPDATE invoices_cache SET plan_at = NULL", HoldReason.PLAN_OUTDATED),
            ("UPDATE sync_metadata SET last_invoice_sync_at = NULL", HoldReason.CACHE_STALE),
            ("UPDATE sync_metadata SET last_invoice_sync_at = '2026-04-01 04:59Z'", HoldReason.CACHE_STALE),
            ("UPDATE reminders SET closes_at = scheduled_at", HoldReason.WINDOW_CLOSED),
            # Where several apply, the first counts.
            ("UPDATE invoices_cache SET status = 'paid', plan_at = NULL", HoldReason.INVOICE_CLOSED),
            (
                "UPDATE customers_cache SET payment_reminder_enabled = false, status = 'inactive'",
                HoldReason.CUSTOMER_INACTIVE,
            ),
        ],
    )
    @pytest.mark.usefixtures("due")
    def test_nothing_goes_out_from_a_fact_that_forbids_it(self, engine: Engine, sql: str, reason: HoldReason) -> None:
        change(engine, sql)
        assert (held_back(engine), claim(engine)) == ([reason], [])

    def test_every_reason_is_one_that_people_can_read(self) -> None:
        assert all(reason.sentence.endswith(".") for reason in HoldReason)

    @pytest.mark.parametrize("status", sorted(OPEN_STATUSES))
    @pytest.mark.usefixtures("due")
    def test_an_invoice_in_any_open_status_goes_out(self, engine: Engine, status: str) -> None:
        change(engine, "UPDATE invoices_cache SET status = :status", status=status)
        assert held_back(engine) == [None]

    def test_the_cache_may_be_as_old_as_the_policy_says(self, engine: Engine, due: Link) -> None:
        default = dt.timedelta(minutes=ReminderPolicy().stale_after_minutes)
        note_sync(engine, due, DUE_AT - default)
        assert held_back(engine) == [None]
        with engine.begin() as connection:
            reminder_policies.save(connection, due.connection_id, ReminderPolicy(stale_after_minutes=1), now=NOW)
        plan_all(engine, due, now=DUE_AT - A_MINUTE)
        assert held_back(engine) == [HoldReason.CACHE_STALE]

    @pytest.mark.usefixtures("due")
    def test_an_expected_payment_that_has_not_come_holds_back_no_longer(self, engine: Engine) -> None:
        change(engine, "UPDATE invoices_cache SET expected_payment_date = '2026-03-31'")
        assert held_back(engine) == [None]

    @pytest.mark.parametrize("days", [-FURTHEST_STEP - 1, -FURTHEST_STEP, 1, FURTHEST_STEP, FURTHEST_STEP + 1])
    def test_a_claim_reads_an_expected_payment_as_the_plan_does(self, engine: Engine, due: Link, days: int) -> None:
        invoice = replace(an_invoice(), expected_payment_date=DUE_DATE + days * A_DAY)
        until = held_until(invoice)
        tell_invoices(engine, due, replace(invoice, modified_at=DUE_AT), now=DUE_AT)
        change(engine, "UPDATE reminders SET status = 'scheduled' WHERE step = 0")
        expected = [HoldReason.PAYMENT_EXPECTED] if until and until >= DUE_DATE else [None]
        change(
            engine,
            "UPDATE reminders SET scheduled_at = :at, closes_at = :closes, day = :day WHERE step = 0",
            at=DUE_AT,
            closes=DUE_AT + A_MINUTE,
            day=DUE_DATE,
        )
        assert held_back(engine) == expected

    @pytest.mark.usefixtures("due")
    def test_one_whose_invoice_has_lost_its_customer_stays(self, engine: Engine) -> None:
        with altered(engine, "ALTER TABLE invoices_cache ALTER COLUMN customer_id DROP NOT NULL") as connection:
            connection.exec_driver_sql("UPDATE invoices_cache SET customer_id = NULL")
            (found,) = hand_over.due(connection, at=DUE_AT)
            assert found.held_back is HoldReason.PHONE_CHANGED
            assert hand_over.claim(connection, at=DUE_AT) == []

    @pytest.mark.parametrize(
        "rules",
        [
            '{"contacts_a_day": 3000000000}',
            '{"contacts_a_day": 1e400, "stale_after_minutes": 1e400}',
            '{"contacts_a_day": 0.5}',
            '{"contacts_a_day": "many", "stale_after_minutes": null}',
            '{"stale_after_minutes": -3000000000}',
            "[]",
        ],
    )
    @pytest.mark.usefixtures("due")
    def test_no_policy_of_anothers_is_in_the_way(self, engine: Engine, rules: str) -> None:
        other = a_link(engine)
        tell_and_plan(engine, other)
        change(
            engine,
            "INSERT INTO reminder_policies (connection_id, rules) VALUES (:id, CAST(:rules AS jsonb))",
            id=other.connection_id,
            rules=rules,
        )
        assert len(claim(engine)) >= 1

    def test_one_invoice_that_is_held_back_keeps_no_other(self, engine: Engine, link: Link) -> None:
        tell_and_plan(engine, link, an_invoice("1"), an_invoice("2"))
        change(engine, "UPDATE invoices_cache SET status = 'paid' WHERE zoho_invoice_id = '1'")
        (taken,) = claim(engine)
        assert len(taken.reminder_ids) == 1


class TestFactsThatAreJustChanging:
    def test_a_payment_on_its_way_is_not_waited_for_and_not_overlooked(self, engine: Engine, due: Link) -> None:
        paid = an_invoice(status="paid", balance="0")
        with engine.begin() as connection:
            invoices.upsert(connection, due, [ObservedInvoice(paid, DUE_AT)], now=DUE_AT)
            assert claim(engine) == []
        assert claim(engine) == []
        assert row(engine, "SELECT status FROM reminders WHERE step = 0")["status"] == "cancelled"

    @pytest.mark.parametrize(
        "told",
        [
            a_contact(mobile="", details=SWITCH_ON),
            a_contact(status=ContactStatus.INACTIVE),
            a_contact(details=ContactDetails(country_code=None, reminders_enabled=False)),
        ],
    )
    def test_so_with_a_customer_who_is_just_changing(self, engine: Engine, due: Link, told: object) -> None:
        assert isinstance(told, type(a_contact()))
        with engine.begin() as connection:
            customers.upsert(connection, due, [Observed(told, DUE_AT)], fallback=PhoneFallback.NONE, now=DUE_AT)
            assert claim(engine) == []
        assert claim(engine) == []

    def test_what_rolls_back_can_be_taken(self, engine: Engine, due: Link) -> None:
        paid = an_invoice(status="paid", balance="0")
        with engine.connect() as connection:
            invoices.upsert(connection, due, [ObservedInvoice(paid, DUE_AT)], now=DUE_AT)
            connection.rollback()
        assert len(claim(engine)) == 1

    def test_a_sync_waits_for_a_claim_and_leaves_what_was_sent(self, engine: Engine, due: Link) -> None:
        paid = an_invoice(status="paid", balance="0", modified_at=DUE_AT)
        with ThreadPoolExecutor(1) as threads:
            with engine.begin() as connection:
                assert len(hand_over.claim(connection, at=DUE_AT)) == 1
                telling = threads.submit(tell_invoices, engine, due, paid, now=DUE_AT)
            telling.result()
        statuses = {found["step"]: found["status"] for found in rows(engine, "SELECT step, status FROM reminders")}
        assert statuses.pop(0) == "sent"
        assert set(statuses.values()) <= {"cancelled", "superseded"}


class TestWhoeverClaims:
    @pytest.mark.parametrize(
        "statement",
        [
            # The legacy application's path, to views without the new columns.
            """
            CREATE SCHEMA booksync_legacy;
            CREATE VIEW booksync_legacy.reminders AS SELECT id, step FROM reminders;
            SET LOCAL search_path = booksync_legacy, public
            """,
            "CREATE TEMP TABLE reminders (id uuid, step smallint)",
            "CREATE TEMP TABLE reminder_contacts (id uuid)",
        ],
    )
    @pytest.mark.usefixtures("due")
    def test_gets_the_same_whatever_its_search_path(self, engine: Engine, statement: str) -> None:
        with altered(engine, statement) as connection:
            assert connection.execute(_DUE_IN_SQL, {"at": DUE_AT}).scalar_one() == 1
            assert connection.execute(_CLAIMED_IN_SQL, {"at": DUE_AT}).scalar_one() == 1

    @pytest.mark.usefixtures("due")
    def test_gets_the_same_from_a_legacy_table_of_other_types(self, engine: Engine) -> None:
        statements = (
            "ALTER TABLE reminders ALTER phone TYPE varchar, ALTER status TYPE varchar, ALTER step TYPE integer",
            "ALTER TABLE invoices_cache ALTER status TYPE varchar, ALTER balance TYPE double precision",
        )
        with altered(engine, *statements) as connection:
            assert connection.execute(_DUE_IN_SQL, {"at": DUE_AT}).scalar_one() == 1
            assert len(hand_over.claim(connection, at=DUE_AT)) == 1

    @pytest.mark.parametrize("isolation", ["REPEATABLE READ", "SERIALIZABLE"])
    @pytest.mark.usefixtures("due")
    def test_is_told_where_its_transaction_would_not_see_enough(self, engine: Engine, isolation: str) -> None:
        with (
            engine.connect().execution_options(isolation_level=isolation) as connection,
            pytest.raises(NotSupportedError, match="claim_due_reminders needs a READ COMMITTED transaction"),
        ):
            hand_over.claim(connection, at=DUE_AT)

    @pytest.mark.usefixtures("due")
    def test_needs_the_grants_that_are_documented_and_no_more(self, engine: Engine) -> None:
        (grants,) = re.findall(r"```sql\n(GRANT .*?)```", _DOCUMENT.read_text(), re.DOTALL)
        role = f"sender_{uuid.uuid4().hex}"
        statements = (f"CREATE ROLE {role}", grants.replace("the_sender", role), f"SET LOCAL ROLE {role}")
        with altered(engine, *statements) as connection:
            assert len(hand_over.claim(connection, at=DUE_AT)) == 1


def test_postgres_sees_through_the_look(engine: Engine) -> None:
    """Else a claim would look at everything that is due once for each number."""
    found = rows(engine, "EXPLAIN SELECT * FROM due_reminders(now()) WHERE reminder_id = gen_random_uuid()")
    assert not [line for line in found if "Function Scan" in line["QUERY PLAN"]]


def test_the_defaults_in_sql_are_those_of_the_policy(engine: Engine, due: Link) -> None:
    """Who never sets a policy and who sets the default one get the same."""
    policy = ReminderPolicy()
    moments = [DUE_AT - dt.timedelta(minutes=policy.stale_after_minutes) - dt.timedelta(seconds=s) for s in (0, 1)]
    for stored in (False, True):
        if stored:
            with engine.begin() as connection:
                reminder_policies.save(connection, due.connection_id, replace(policy), now=NOW)
            plan_all(engine, due, now=DUE_AT - A_MINUTE)
        found = []
        for moment in moments:
            note_sync(engine, due, moment)
            found += held_back(engine)
        assert found == [None, HoldReason.CACHE_STALE]
