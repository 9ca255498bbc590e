"""Promises of handover/posting.py: due reminders reach the receiver once, signed, and with retries."""

import base64
import hashlib
import hmac

import httpx
import pytest
from sqlalchemy import Engine
from standardwebhooks import Webhook

from db.connections import Connection
from tests.integration.db.look import change
from tests.integration.posting.inbox import SECRET, Inbox, contact, make_time_pass
from workers.handover.posting import post_due
from workers.handover.receiver import Receiver


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
def test_a_library_of_standard_webhooks_verifies_a_post(engine: Engine, inbox: Inbox, receiver: Receiver) -> None:
    post_due(engine, receiver)
    headers, body = inbox.got[0]
    verified = Webhook(f"whsec_{base64.b64encode(SECRET.encode()).decode()}").verify(body.decode(), dict(headers))
    assert verified["handover_id"] == headers["webhook-id"] == str(contact(engine)["id"])


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
def test_reminders_claimed_by_another_sender_are_not_posted(engine: Engine, inbox: Inbox, receiver: Receiver) -> None:
    change(engine, "SELECT * FROM booksync.claim_due_reminders()")
    assert post_due(engine, receiver) == 0
    assert inbox.got == []
