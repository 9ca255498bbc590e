"""An installation with something on each page of the console: connections in each state, runs, calls with outcomes."""

import datetime as dt
import json
import uuid

import psycopg
from sqlalchemy import Engine

from db import clock, reminder_policies
from db.connections import Connection
from domain.activity import Action
from domain.confirmations import Wish
from domain.entities import CUSTOMER, INVOICE
from domain.observed import Observed
from domain.phones import PhoneFallback
from domain.reminders.policy import ReminderPolicy
from tests.builders import A_BRITISH_MOBILE, A_LONDON_PHONE, a_contact, an_invoice
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.dead_letter_builders import a_death, a_message, a_run, end, kept
from tests.integration.db.look import change
from tests.integration.db.reminding import DUE_AT, NOW, SWITCH_ON, claim, plan_all, tell_and_plan, tell_invoices
from tests.integration.db.test_deletions import tell
from tests.integration.db.test_held_deletions import dismiss, lose
from tests.integration.web.overview_rows import Added, add_runs
from workers.boot.basics import Basics
from workers.services.activity import recorded
from workers.services.cache_customers import cache_customers
from workers.services.confirm_phones import confirm

#: More rows than a page of a list shows.
MANY = 55

_OUTCOMES = ("promised", "disputed", "wrong_number", "no_answer")


def furnish(basics: Basics, database: psycopg.Connection) -> Connection:
    """Fill the installation, and return the connection with the most rows."""
    engine = basics.engine
    home = a_connection(engine)
    _call(engine, database, home)
    _doubt(basics, home)
    assert isinstance(home.user_id, uuid.UUID)
    add_runs(database, Added(home.connection_id, home.user_id), *(["succeeded", "degraded", "failed"] * 9))
    _fail(engine, home)
    _delete(engine, a_connection(engine, user_id=home.user_id))
    _end(engine, home)
    _note(basics, home)
    return home


def _call(engine: Engine, database: psycopg.Connection, home: Connection) -> None:
    """Reminders of which one was handed over, with an outcome of each kind, and others that are still planned."""
    bills = [an_invoice(str(8001 + n), number=f"INV-{n}") for n in range(len(_OUTCOMES))]
    tell_and_plan(engine, home, *bills, contact=a_contact(details=SWITCH_ON))
    claim(engine, home)
    for minutes, outcome in enumerate(_OUTCOMES):
        database.execute(
            "INSERT INTO booksync.handover_outcomes (handover_id, reminder_id, invoice_id, customer_id, phone_text,"
            " outcome, reported_at) SELECT handover.id, gen_random_uuid(), invoice.id, customer_id, '', %(outcome)s,"
            " now() + %(minutes)s * interval '1 minute' FROM booksync.handovers AS handover"
            " JOIN invoices_cache AS invoice USING (connection_id) ORDER BY zoho_invoice_id OFFSET %(minutes)s LIMIT 1",
            {"outcome": outcome, "minutes": minutes},
        )
    today = dt.datetime.now(dt.UTC).date()
    tell_invoices(engine, home, an_invoice("8101", date=today, due_date=today + dt.timedelta(days=4)))
    plan_all(engine, home, now=dt.datetime.now(dt.UTC))


def _doubt(basics: Basics, home: Connection) -> None:
    """Customers whose numbers a person should check, each with an invoice; one is confirmed, one not to be called."""
    mobiles = ["ask Bob", "020 7031 3000", A_BRITISH_MOBILE]
    contacts = [
        a_contact(str(5100 + n), name=f"Customer {n}", mobile=mobiles[n % len(mobiles)]) for n in range(3 * MANY)
    ]
    with basics.engine.begin() as db:
        cache_customers(
            db, home, [Observed(each, NOW) for each in contacts], fallback=PhoneFallback.NONE, now=clock.present(db)
        )
    bills = [an_invoice(str(9100 + n), customer_id=each.contact_id) for n, each in enumerate(contacts)]
    tell_invoices(basics.engine, home, *bills)
    plan_all(basics.engine, home, now=DUE_AT)
    with basics.engine.begin() as db:
        wish = Wish("5100", note="Ada, by phone", answer=A_LONDON_PHONE)
        confirm(db, home, [wish], fallback=PhoneFallback.NONE, now=clock.present(db))
    change(
        basics.engine,
        "INSERT INTO booksync.do_not_call (user_id, phone) SELECT :user_id, '+4420703' || (13000 + n)"
        " FROM generate_series(1, :many) AS n",
        user_id=home.user_id,
        many=MANY,
    )


def _fail(engine: Engine, home: Connection) -> None:
    """Dead letters of two groups, webhook events, and rejected and waiting rows."""
    run_id = a_run(engine, home)
    kept(engine, a_death(home, run_id))
    end(engine, run_id, "failed")
    for number in range(3):
        kept(engine, a_message(str(number)))
    tell_invoices(engine, home, an_invoice("8201", customer_id="7777"))
    change(
        engine,
        "INSERT INTO booksync.webhook_events (connection_id, entity, record_id, number, kind)"
        " SELECT :id, 'contact', '5001', n, 'changed' FROM generate_series(1, 12) AS n",
        id=home.connection_id,
    )


def _delete(engine: Engine, connection: Connection) -> None:
    """Records that are held back from being marked deleted; one is dismissed."""
    tell(engine, connection, "1", "2", "3")
    for kind, record_id in ((CUSTOMER, "1"), (INVOICE, "2"), (INVOICE, "3")):
        lose(engine, connection, kind, record_id)
    dismiss(engine, connection, INVOICE, "3")


def _end(engine: Engine, home: Connection) -> None:
    """Connections that are closed, parked, paused and disconnected."""
    a_connection(engine, user_id=home.user_id, is_open=False)
    for changes in (
        "status = 'parked', parked_reason = 'The grant was revoked.', parked_at = now()",
        "status = 'paused', paused_at = now(), paused_reason = 'audit'",
        "status = 'disconnected', disconnected_at = now()",
    ):
        ended = a_connection(engine, is_open=False)
        change(engine, f"UPDATE booksync.zoho_connections SET {changes} WHERE id = :id", id=ended.connection_id)


def _note(basics: Basics, home: Connection) -> None:
    """Actions, rules of its own, and the findings of a verification."""
    for action in (Action.SYNC, Action.PAUSE, Action.RESUME) * 40:
        with recorded(basics, "olga", action, connection_id=home.connection_id, note="as agreed"):
            pass
    with basics.engine.begin() as db:
        reminder_policies.save(db, home.connection_id, ReminderPolicy(contacts_a_week=2), now=clock.present(db))
    counted = {kind: {"count": 1, "ids": ["1"]} for kind in ("missing", "surplus", "different", "not_compared")}
    found = {"name": "invoices", "zoho": 4, "cached": 4, "not_synced_yet": 0} | counted
    change(
        basics.engine,
        "INSERT INTO booksync.verifications (connection_id, action_id, findings, found_at)"
        " VALUES (:id, gen_random_uuid(), CAST(:findings AS jsonb), now())",
        id=home.connection_id,
        findings=json.dumps({"drift": 3, "persons_compared": True, "entities": [found]}),
    )
