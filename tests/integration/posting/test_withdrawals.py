"""Promises of handover/posting.py: a debt that was paid is withdrawn, and a late post is abandoned."""

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from db import call_outcomes
from db.connections import Connection
from domain.call_outcomes import CallOutcome
from domain.invoices import Invoice
from tests.builders import A_LONDON_PHONE, a_contact, an_invoice
from tests.integration.db.look import change, rows
from tests.integration.db.reminding import SWITCH_ON, tell_contact, tell_invoices
from tests.integration.posting.inbox import Inbox, contact, make_time_pass
from workers.handover.posting import post_due
from workers.handover.receiver import Receiver

WITHDRAWAL = "withdrawn: there is a reason against each of its reminders"


def change_between_posts(engine: Engine, connection: Connection, receiver: Receiver, invoice: Invoice) -> None:
    """Posts what is due, changes the invoice, and posts again."""
    post_due(engine, receiver)
    now = dt.datetime.now(dt.UTC)
    tell_invoices(engine, connection, replace(invoice, modified_at=now), now=now)
    make_time_pass(engine)
    post_due(engine, receiver)


def test_an_invoice_paid_before_the_retry_is_not_posted_again(
    engine: Engine, due: Connection, inbox: Inbox, receiver: Receiver
) -> None:
    inbox.answers = [500, 500]
    change_between_posts(engine, due, receiver, an_invoice("1", status="paid", balance="0"))
    assert [reminder["zoho_invoice_id"] for reminder in inbox.bodies()[1]["reminders"]] == ["2"]
    now = dt.datetime.now(dt.UTC)
    tell_invoices(engine, due, an_invoice("2", status="void", modified_at=now), now=now)
    make_time_pass(engine)
    post_due(engine, receiver)
    assert len(inbox.got) == 2
    withdrawn = contact(engine)
    assert (withdrawn["post_at"], withdrawn["post_problem"]) == (None, WITHDRAWAL)


def test_a_reminder_that_an_accepted_post_left_out_leaves_the_handover(
    engine: Engine, due: Connection, inbox: Inbox, receiver: Receiver
) -> None:
    inbox.answers = [500, 200]
    change_between_posts(engine, due, receiver, an_invoice("1", sub_status="in dispute"))
    accepted = contact(engine)
    assert accepted["posted_at"] is not None
    with engine.begin() as db:
        assert call_outcomes.report(db, accepted["id"], CallOutcome.DISPUTED) == 1
    found = rows(
        engine,
        """
        SELECT invoice.zoho_invoice_id, reminder.status, reminder.handover_id IS NOT NULL AS is_handed_over,
               invoice.plan_at IS NOT NULL AS is_due, known.outcome
          FROM reminders AS reminder JOIN invoices_cache AS invoice ON invoice.id = reminder.invoice_id
          LEFT JOIN booksync.handover_outcomes AS known ON known.reminder_id = reminder.id
         WHERE reminder.status IN ('sent', 'cancelled') ORDER BY 1
        """,
    )
    assert [tuple(row.values()) for row in found] == [
        ("1", "cancelled", False, True, None),
        ("2", "sent", True, True, "disputed"),
    ]


@pytest.mark.usefixtures("due")
def test_the_clock_of_a_reminder_that_is_left_out_does_not_end_the_others(
    engine: Engine, inbox: Inbox, receiver: Receiver
) -> None:
    inbox.answers = [500, 200]
    post_due(engine, receiver)
    for sql in (
        """
        INSERT INTO booksync.customers_cache
               (user_id, connection_id, zoho_customer_id, status, primary_phone, time_zones)
        SELECT user_id, connection_id, '5003', status, '+61255501234', ARRAY['Etc/GMT+6', 'Etc/GMT-6']
          FROM booksync.customers_cache WHERE zoho_customer_id = '5001'
        """,
        """
        UPDATE invoices_cache
           SET customer_id = (SELECT id FROM booksync.customers_cache WHERE zoho_customer_id = '5003')
         WHERE zoho_invoice_id = '1'
        """,
        """
        UPDATE reminders SET customer_id = (SELECT id FROM booksync.customers_cache WHERE zoho_customer_id = '5003')
         WHERE invoice_id = (SELECT id FROM invoices_cache WHERE zoho_invoice_id = '1')
        """,
    ):
        change(engine, sql)
    make_time_pass(engine)
    post_due(engine, receiver)
    assert [reminder["zoho_invoice_id"] for reminder in inbox.bodies()[1]["reminders"]] == ["2"]
    assert contact(engine)["post_problem"] is None


@pytest.mark.parametrize(
    "sql",
    [
        # The customer would otherwise be called about another customer's debt.
        """
        UPDATE invoices_cache
        SET customer_id = (SELECT id FROM booksync.customers_cache WHERE zoho_customer_id = '5002')
        """,
        "UPDATE invoices_cache SET expected_payment_date = due_date",
        "UPDATE invoices_cache SET expected_payment_date = due_date + 3650",
        "UPDATE invoices_cache SET balance = 'NaN'",
        "UPDATE booksync.customers_cache SET primary_phone = '+442070313001'",
        "UPDATE reminders SET handover_id = NULL",
        "DELETE FROM reminders",
    ],
)
def test_a_handover_without_valid_reminders_is_withdrawn(
    engine: Engine, due: Connection, inbox: Inbox, receiver: Receiver, sql: str
) -> None:
    tell_contact(engine, due, a_contact("5002", mobile=A_LONDON_PHONE, details=SWITCH_ON))
    inbox.answers = [500]
    post_due(engine, receiver)
    change(engine, sql)
    make_time_pass(engine)
    assert post_due(engine, receiver) == 1
    assert len(inbox.got) == 1
    withdrawn = contact(engine)
    assert (withdrawn["post_at"], withdrawn["post_problem"]) == (None, WITHDRAWAL)


@pytest.mark.usefixtures("due")
def test_an_implausible_expected_payment_date_withdraws_nothing(
    engine: Engine, inbox: Inbox, receiver: Receiver
) -> None:
    change(engine, "UPDATE invoices_cache SET expected_payment_date = '2099-01-01'")
    post_due(engine, receiver)
    assert len(inbox.bodies()[0]["reminders"]) == 2


@pytest.mark.usefixtures("due")
def test_a_post_is_given_up_after_the_calling_window(engine: Engine, inbox: Inbox, receiver: Receiver) -> None:
    inbox.answers = [500]
    post_due(engine, receiver)
    change(engine, "UPDATE reminders SET closes_at = now()")
    make_time_pass(engine)
    post_due(engine, receiver)
    assert len(inbox.got) == 1
    assert contact(engine)["post_problem"] == "given up: the calling window has closed, or is unknown"


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        (
            "UPDATE booksync.zoho_connections SET handover = 'closed'",
            "given up: the connection is closed for handovers",
        ),
        # Two zones twelve hours apart have no hour of the calling window in common.
        (
            "UPDATE booksync.customers_cache SET time_zones = ARRAY['Etc/GMT+6', 'Etc/GMT-6']",
            "given up: the calling window has closed, or is unknown",
        ),
    ],
)
def test_the_opening_and_the_calling_window_are_checked_before_each_attempt(
    engine: Engine, due: Connection, inbox: Inbox, receiver: Receiver, sql: str, problem: str
) -> None:
    assert due
    inbox.answers = [500]
    post_due(engine, receiver)
    change(engine, sql)
    make_time_pass(engine)
    post_due(engine, receiver)
    assert len(inbox.got) == 1
    assert contact(engine)["post_problem"] == problem
