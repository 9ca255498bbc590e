"""A receiver, and reminders that are due now."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import Engine

from db import reminder_policies
from db.connections import Connection
from db.engine import new_engine
from domain.reminders.calling_window import CallingWindow
from domain.reminders.policy import ReminderPolicy
from tests.builders import a_contact, an_invoice
from tests.integration.clock import zone_at_noon
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change
from tests.integration.db.reminding import NOW, SWITCH_ON, asked, plan_all, tell_contact, tell_invoices
from tests.integration.posting.inbox import SECRET, Inbox
from workers.handover.receiver import Receiver, new_receiver_client


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    inbox = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            inbox.got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(inbox.answers.pop(0) if inbox.answers else 204)
            self.end_headers()
            inbox.has_mail.set()

        def log_message(self, *_: object) -> None:
            """Logs nothing, to keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        inbox.url = f"http://127.0.0.1:{server.server_port}/due?token=in-the-address"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield inbox
        server.shutdown()
        thread.join()


@pytest.fixture
def receiver(inbox: Inbox) -> Iterator[Receiver]:
    with new_receiver_client() as client:
        yield Receiver(client, inbox.url, (SECRET,))


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = new_engine(database_url, application_name="booksync tests")
    yield engine
    engine.dispose()


@pytest.fixture
def due(engine: Engine) -> Connection:
    """Reminders of two invoices of one customer that are due now, in a zone at noon on a day for calls."""
    connection = a_connection(engine)
    every_day = ReminderPolicy(window=CallingWindow(weekdays=frozenset(range(7))), skip_holidays=False)
    with engine.begin() as db:
        reminder_policies.save(db, connection.connection_id, every_day, now=NOW)
    tell_contact(engine, connection, a_contact(details=SWITCH_ON))
    tell_invoices(engine, connection, asked(an_invoice("1")), asked(an_invoice("2")))
    plan_all(engine, connection)
    change(engine, "UPDATE booksync.customers_cache SET time_zones = ARRAY[:zone]", zone=zone_at_noon())
    change(engine, "DELETE FROM reminders WHERE step <> 0")
    change(
        engine,
        "UPDATE reminders SET scheduled_at = now() - interval '1 minute', closes_at = now() + interval '1 hour'",
    )
    change(engine, "UPDATE invoices_cache SET plan_at = now() + interval '1 hour'")
    change(engine, "UPDATE sync_metadata SET last_invoice_sync_at = now()")
    return connection
