"""A plan that waits for a lock is made from the facts after the wait."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine

from db import disconnections
from db.connections import Connection
from tests.builders import a_contact, an_invoice
from tests.integration.db.look import row, until_somebody_waits
from tests.integration.db.reminding import NOW, plan_due, tell_contact, tell_invoices
from workers.services import do_not_call, plan_reminders


def outcome(engine: Engine) -> str:
    return str(row(engine, "SELECT plan_outcome FROM invoices_cache")["plan_outcome"])


def test_a_number_that_leaves_the_do_not_call_list_during_the_wait_is_planned(
    engine: Engine, connection: Connection
) -> None:
    tell_contact(engine, connection, a_contact())
    tell_invoices(engine, connection, an_invoice())
    customer = row(engine, "SELECT primary_phone FROM booksync.customers_cache")
    invoice_id = row(engine, "SELECT id FROM invoices_cache")["id"]
    with engine.begin() as db:
        do_not_call.add(db, connection.user_id, customer["primary_phone"], None)
    assert outcome(engine) == "do_not_call"

    def plan() -> None:
        with engine.begin() as db:
            plan_reminders.plan(db, connection, [invoice_id], now=NOW)

    with ThreadPoolExecutor(1) as threads:
        with engine.begin() as db:
            do_not_call.remove(db, connection.user_id, customer["primary_phone"])
            planner = threads.submit(plan)
            until_somebody_waits(engine)
        planner.result()
    assert outcome(engine) == "scheduled"


def test_nothing_makes_the_plans_of_a_disconnected_connection_due(engine: Engine, connection: Connection) -> None:
    tell_contact(engine, connection, a_contact())
    tell_invoices(engine, connection, an_invoice())
    plan_due(engine, connection)
    phone = row(engine, "SELECT primary_phone FROM booksync.customers_cache")["primary_phone"]
    with engine.begin() as db:
        disconnections.cancel_reminders(db, connection.connection_id, limit=10)
    assert outcome(engine) == "disconnected"
    with engine.begin() as db:
        do_not_call.add(db, connection.user_id, phone, None)
        do_not_call.remove(db, connection.user_id, phone)
    assert plan_due(engine, connection) == 0
    assert outcome(engine) == "disconnected"
