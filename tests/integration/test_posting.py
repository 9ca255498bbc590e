"""Promises of handover/posting.py: due reminders reach the receiver once, signed, with retries, and not too late."""

import datetime as dt
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from db import reminder_policies
from db.connections import Connection
from db.engine import new_engine
from domain.calling_window import CallingWindow
from domain.reminder_policy import ReminderPolicy
from tests.builders import A_LONDON_PHONE, a_contact, an_invoice
from tests.integration.clock import zone_at_noon
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import Row, change, row
from tests.integration.db.reminding import NOW, SWITCH_ON, asked, plan_all, tell_contact, tell_invoices
from tests.integration.environment import environment_of_a_process
from workers.boot.resources import open_resources
from workers.handover.posting import post_due, posting
from workers.handover.receiver import Receiver, new_receiver_client

SECRET = "a secret of enough letters"


@dataclass
class Inbox:
    """A receiver that stores its requests, and returns the given status codes."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    got: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)
    has_mail: threading.Event = field(default_factory=threading.Event)

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]


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


def contact(engine: Engine) -> Row:
    return row(engine, "SELECT * FROM booksync.handovers")


def make_time_pass(engine: Engine) -> None:
    change(engine, "UPDATE booksync.handovers SET post_at = now() WHERE post_at IS NOT NULL")


def test_due_reminders_are_posted_once_and_completely(
    engine: Engine, due: Connection, inbox: Inbox, receiver: Receiver
) -> None:
    assert post_due(engine, receiver) == 1
    assert post_due(engine, receiver) == 0
    (body,) = inbox.bodies()
    kept = contact(engine)
    assert (body["contact_id"], body["phone"], body["day"]) == (str(kept["id"]), kept["phone"], "2026-04-01")
    assert body["connection_id"] == str(due.connection_id)
    assert [reminder["zoho_invoice_id"] for reminder in body["reminders"]] in (["1", "2"], ["2", "1"])
    assert {(reminder["step"], reminder["balance"]) for reminder in body["reminders"]} == {(0, "120.00")}
    assert (kept["post_at"], kept["post_attempts"], kept["post_problem"]) == (None, 1, None)
    assert kept["posted_at"] is not None


@pytest.mark.usefixtures("due")
def test_the_receiver_can_verify_the_signature(engine: Engine, inbox: Inbox, receiver: Receiver) -> None:
    post_due(engine, receiver)
    headers, body = inbox.got[0]
    signed = headers["X-Booksync-Timestamp"].encode() + b"." + body
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert headers["X-Booksync-Signature"] == f"sha256={expected}"
    assert headers["Idempotency-Key"] == str(contact(engine)["id"])


@pytest.mark.usefixtures("due")
def test_during_a_rotation_a_post_has_a_signature_by_each_secret(engine: Engine, inbox: Inbox) -> None:
    with httpx.Client(timeout=5) as client:
        post_due(engine, Receiver(client, inbox.url, ("the newest of two secrets", SECRET)))
    headers, body = inbox.got[0]
    signed = headers["X-Booksync-Timestamp"].encode() + b"." + body
    expected = [
        f"sha256={hmac.new(secret, signed, hashlib.sha256).hexdigest()}"
        for secret in (b"the newest of two secrets", SECRET.encode())
    ]
    assert headers["X-Booksync-Signature"].split(",") == expected


@pytest.mark.usefixtures("due")
@pytest.mark.parametrize("status", [302, 400, 404, 500, 503])
def test_a_refused_post_is_repeated_with_the_same_idempotency_key(
    engine: Engine, inbox: Inbox, receiver: Receiver, status: int
) -> None:
    inbox.answers = [status]
    post_due(engine, receiver)
    refused = contact(engine)
    assert (refused["post_problem"], refused["posted_at"]) == (f"HTTP {status}", None)
    assert post_due(engine, receiver) == 0, "the retry waits"
    make_time_pass(engine)
    post_due(engine, receiver)
    first, second = inbox.got
    assert first[0]["Idempotency-Key"] == second[0]["Idempotency-Key"]
    assert first[1] == second[1]
    assert contact(engine)["posted_at"] is not None


@pytest.mark.usefixtures("due")
def test_a_post_to_an_unreachable_receiver_is_repeated(engine: Engine, inbox: Inbox, receiver: Receiver) -> None:
    with httpx.Client() as client:
        post_due(engine, Receiver(client, "http://127.0.0.1:1/due?token=in-the-address", (SECRET,)))
    assert contact(engine)["post_problem"] == "ConnectError", "the address is not stored"
    make_time_pass(engine)
    post_due(engine, receiver)
    assert len(inbox.got) == 1


def test_an_invoice_paid_before_the_retry_is_not_posted_again(
    engine: Engine, due: Connection, inbox: Inbox, receiver: Receiver
) -> None:
    inbox.answers = [500, 500]
    post_due(engine, receiver)
    now = dt.datetime.now(dt.UTC)
    tell_invoices(engine, due, an_invoice("1", status="paid", balance="0", modified_at=now), now=now)
    make_time_pass(engine)
    post_due(engine, receiver)
    assert [reminder["zoho_invoice_id"] for reminder in inbox.bodies()[1]["reminders"]] == ["2"]
    tell_invoices(engine, due, an_invoice("2", status="void", modified_at=now), now=now)
    make_time_pass(engine)
    post_due(engine, receiver)
    assert len(inbox.got) == 2
    withdrawn = contact(engine)
    assert (withdrawn["post_at"], withdrawn["post_problem"]) == (None, "withdrawn: nothing of it is owed any more")


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
    assert (withdrawn["post_at"], withdrawn["post_problem"]) == (None, "withdrawn: nothing of it is owed any more")


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
    assert contact(engine)["post_problem"] == "given up: the calling window has closed"


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
            "given up: the calling window has closed",
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


@pytest.mark.usefixtures("due")
def test_a_process_killed_between_claim_and_post_loses_no_handover(
    engine: Engine, inbox: Inbox, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Receiver, "post", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            post_due(engine, receiver)
    assert post_due(engine, receiver) == 0, "the handover's lease has not expired"
    make_time_pass(engine)
    post_due(engine, receiver)
    assert len(inbox.got) == 1


@pytest.mark.usefixtures("due")
def test_the_scheduler_posts_in_a_thread_of_its_own(
    database_url: str, redis_url: str, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMINDER_WEBHOOK_URL", inbox.url)
    monkeypatch.setenv("REMINDER_WEBHOOK_SECRET", SECRET)
    with (
        environment_of_a_process(monkeypatch, database_url=database_url, redis_url=redis_url),
        open_resources("booksync tests") as resources,
        posting(resources),
    ):
        assert inbox.has_mail.wait(timeout=20)
    assert len(inbox.got) == 1


@pytest.mark.usefixtures("due")
def test_the_posting_thread_survives_any_error(
    database_url: str, redis_url: str, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMINDER_WEBHOOK_URL", inbox.url)
    monkeypatch.setenv("REMINDER_WEBHOOK_SECRET", SECRET)
    monkeypatch.setattr("workers.handover.posting._TICK_SECONDS", 0.01)
    troubles = [ValueError("min() of nothing"), httpx.InvalidURL("https://[token")]

    def troubled(engine: Engine, receiver: Receiver) -> int:
        if troubles:
            raise troubles.pop()
        return post_due(engine, receiver)

    monkeypatch.setattr("workers.handover.posting.post_due", troubled)
    with (
        environment_of_a_process(monkeypatch, database_url=database_url, redis_url=redis_url),
        open_resources("booksync tests") as resources,
        posting(resources),
    ):
        assert inbox.has_mail.wait(timeout=20)


@pytest.mark.usefixtures("due")
def test_without_an_address_no_reminder_is_claimed(
    engine: Engine, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        environment_of_a_process(monkeypatch, database_url=database_url, redis_url=redis_url),
        open_resources("booksync tests") as resources,
        posting(resources),
    ):
        assert "reminders" not in {thread.name for thread in threading.enumerate()}
    assert row(engine, "SELECT count(*) AS contacts FROM booksync.handovers")["contacts"] == 0


@pytest.mark.usefixtures("due")
def test_reminders_claimed_by_another_sender_are_not_posted(engine: Engine, inbox: Inbox, receiver: Receiver) -> None:
    change(engine, "SELECT * FROM booksync.claim_due_reminders()")
    assert post_due(engine, receiver) == 0
    assert inbox.got == []
