"""Promises of `/webhooks/zoho/{connection}`: events are stored before the response, and strangers learn nothing."""

import asyncio
import base64
import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from db.engine import new_engine
from db.migrations.schemas import VERSION_TABLE
from db.secrets import Place, SecretName
from domain.webhooks import EventKind
from sandbox.servers.ports import free_port
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change, row, rows
from tests.integration.environment import environment_of_a_process
from tests.integration.webhooks.hooks import post
from tests.process_logs import logs_of_a_process
from tests.webhooks import signature, signed_form, signed_json
from workers.boot.resources import Resources, open_resources
from workers.queue import new_broker
from workers.redis_access import new_redis_client
from workers.web.request_bodies import MAX_BODY_BYTES
from workers.webhooks.bodies import MOST_EVENTS, take_apart

SECRET = "0123456789abcdef0123456789abcdef01234567"
CONTACT = {
    "contact": {"contact_id": "5001", "last_modified_time": "2026-03-02T09:30:00+0000", "email": "ada@x.example"}
}

KINDS = {"POST": EventKind.CHANGED, "PUT": EventKind.CHANGED, "DELETE": EventKind.DELETED}

#: Requests in the forms that Zoho's placeholders and relays produce: query, content type, body.
UNTIDY = [
    # A line break, a quote, a backslash and an empty number, pasted into JSON.
    ("", "application/json", b'{"contact": {"contact_name": "Ada\nByron", "contact_id": "5001"}}'),
    ("", "application/json", b'{"contact": {"contact_name": "Ada "B" Byron", "contact_id": "5001"}}'),
    ("", "application/json", b'{"contact": {"contact_name": "Ada\\", "contact_id": "5001"}}'),
    ("", "application/json", b'{"contact": {"outstanding":, "contact_id": "5001"}}'),
    ("", "application/x-www-form-urlencoded", b'{"contact": {"contact_name": "A "B" C", "contact_id": 5001}}'),
    # A customer's name that adds keys to the JSON.
    ("", "application/json", b'{"contact": {"contact_id": "5001", "contact_name": "x","contact_id":"666"}}'),
    # A byte-order mark, arrays, wrappers.
    ("", "application/json", b'\xef\xbb\xbf{"contact": {"contact_id": "5001"}}'),
    ("", "application/json", b'[{"contact": {"contact_id": "5001"}}]'),
    ("", "application/json", b'{"data": {"contact": {"contact_id": "5001"}}}'),
    ("", "application/json", b'{"payload": {"contact_id": "5001"}}'),
    ("", "application/json", b'{"body": "{\\"contact\\": {\\"contact_id\\": \\"5001\\"}}"}'),
    # Ids in the address only.
    ("?contact_id=5001", "application/json", b""),
    ("?contact_id=5001", "", b"{}"),
    # A payment names its customer and its invoices.
    ("", "application/json", b'{"payment": {"payment_id": "9", "customer_id": "5001", "invoices": []}}'),
    # A multipart form.
    (
        "",
        "multipart/form-data; boundary=frontier",
        b'--frontier\r\nContent-Disposition: form-data; name="contact_id"\r\n\r\n5001\r\n--frontier--\r\n',
    ),
]


@pytest.fixture
def resources(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Resources]:
    with (
        environment_of_a_process(monkeypatch, database_url=database_url, redis_url=redis_url),
        open_resources("booksync tests") as opened,
    ):
        yield opened


@pytest.fixture
def connection_id(resources: Resources) -> uuid.UUID:
    connection = a_connection(resources.engine)
    encrypted = resources.vault.encrypt(SECRET, Place(SecretName.WEBHOOK_SECRET, connection.connection_id))
    change(
        resources.engine, "UPDATE booksync.zoho_connections SET webhook_secret_encrypted = :secret", secret=encrypted
    )
    return connection.connection_id


@pytest.fixture
def path(connection_id: uuid.UUID) -> str:
    return f"/webhooks/zoho/{connection_id}"


def events(resources: Resources) -> list[dict[str, Any]]:
    return [dict(each) for each in rows(resources.engine, "SELECT * FROM booksync.webhook_events ORDER BY id")]


def messages(resources: Resources) -> int:
    return int(resources.redis.hlen("dramatiq:interactive.msgs"))


class TestWhatIsAccepted:
    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
    def test_a_json_body_is_stored_and_sends_a_message(self, resources: Resources, path: str, method: str) -> None:
        answer = post(resources, path, *signed_json(SECRET, CONTACT), method=method)
        assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
        (event,) = events(resources)
        assert (event["entity"], event["record_id"], event["kind"]) == ("contact", "5001", KINDS[method])
        assert event["modified_at"].isoformat() == "2026-03-02T09:30:00+00:00"
        assert event["outcome"] is None
        assert messages(resources) == 1

    @pytest.mark.parametrize(
        "fields",
        [
            {"invoice_id": "8001", "last_modified_time": "2026-03-02T09:30:00+0000", "customer_id": "5001"},
            {"JSONString": json.dumps({"invoice": {"invoice_id": "8001"}})},
            {"invoice": json.dumps({"invoice_id": "8001"})},
        ],
    )
    def test_a_form_is_stored_also_with_json_in_it(
        self, resources: Resources, path: str, fields: dict[str, str]
    ) -> None:
        assert post(resources, path, *signed_form(SECRET, fields)).status_code == 202
        (event,) = events(resources)
        assert (event["entity"], event["record_id"]) == ("invoice", "8001")

    @pytest.mark.parametrize(("query", "content_type", "body"), UNTIDY)
    def test_an_id_in_an_untidy_request_is_an_event(
        self, resources: Resources, path: str, query: str, content_type: str, body: bytes
    ) -> None:
        headers = {"Content-Type": content_type, "X-Booksync-Secret": SECRET}
        assert post(resources, path + query, body, headers).status_code == 202
        assert ("contact", "5001") in [(event["entity"], event["record_id"]) for event in events(resources)]

    def test_a_payment_is_an_event_for_each_invoice(self, resources: Resources, path: str) -> None:
        document = {"payment": {"payment_id": "9", "invoices": [{"invoice_id": "8001"}, {"invoice_id": "8002"}]}}
        assert post(resources, path, *signed_json(SECRET, document)).status_code == 202
        found = [(event["entity"], event["record_id"], event["outcome"]) for event in events(resources)]
        assert found == [("invoice", "8001", None), ("invoice", "8002", None)]

    def test_the_signature_covers_the_fields_of_a_multipart_form(self, resources: Resources, path: str) -> None:
        body = b'--b\r\nContent-Disposition: form-data; name="contact_id"\r\n\r\n5001\r\n--b--\r\n'
        headers = {
            "Content-Type": "multipart/form-data; boundary=b",
            "X-Zoho-Webhook-Signature": signature(SECRET, b"", {"contact_id": "5001"}),
        }
        assert post(resources, path, body, headers).status_code == 202
        assert [event["record_id"] for event in events(resources)] == ["5001"]

    def test_ids_above_the_limit_are_left_to_the_next_run_and_logged(self, resources: Resources, path: str) -> None:
        document = [{"contact": {"contact_id": str(number)}} for number in range(1, MOST_EVENTS + 8)]
        with logs_of_a_process() as logs:
            assert post(resources, path, *signed_json(SECRET, document)).status_code == 202
        assert len(events(resources)) == MOST_EVENTS
        (line,) = [line for line in logs.lines if line.get("action") == "webhook.left_out"]
        assert line["left_out"] == 7

    def test_json_with_the_content_type_of_a_form_is_accepted(self, resources: Resources, path: str) -> None:
        body, headers = signed_json(SECRET, CONTACT)
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        assert post(resources, path, body, headers).status_code == 202

    def test_the_signature_may_be_base64(self, resources: Resources, path: str) -> None:
        body, headers = signed_json(SECRET, CONTACT)
        as_bytes = bytes.fromhex(headers["X-Zoho-Webhook-Signature"])
        headers["X-Zoho-Webhook-Signature"] = base64.b64encode(as_bytes).decode()
        assert post(resources, path, body, headers).status_code == 202

    def test_the_signature_covers_the_query_parameters(self, resources: Resources, path: str) -> None:
        body, headers = signed_json(SECRET, CONTACT, event="contact deleted", a="1")
        assert post(resources, f"{path}?event=contact+deleted&a=1", body, headers).status_code == 202
        assert post(resources, f"{path}?event=contact+created&a=1", body, headers).status_code == 401
        assert [event["kind"] for event in events(resources)] == [EventKind.DELETED]

    def test_the_secret_in_a_header_replaces_the_signature(self, resources: Resources, path: str) -> None:
        headers = {"Content-Type": "application/json", "X-Booksync-Secret": SECRET}
        assert post(resources, path, json.dumps(CONTACT).encode(), headers).status_code == 202

    def test_a_vendor_is_stored_as_a_vendor(self, resources: Resources, path: str) -> None:
        post(resources, path, *signed_json(SECRET, {"contact": CONTACT["contact"] | {"contact_type": "vendor"}}))
        assert [event["kind"] for event in events(resources)] == [EventKind.VENDOR]

    def test_events_of_uncached_entities_are_stored_and_ignored(self, resources: Resources, path: str) -> None:
        for document in ({"estimate": {"estimate_id": "9"}}, {"Ada Byron": {"x": 1}}, {"something": "else"}):
            assert post(resources, path, *signed_json(SECRET, document)).status_code == 202
        found = [(event["entity"], event["record_id"], event["outcome"]) for event in events(resources)]
        assert found == [("estimate", "9", "ignored"), ("other", "", "ignored"), ("other", "", "ignored")]
        assert messages(resources) == 0

    def test_a_webhook_is_stored_on_the_schema_of_a_later_release(self, resources: Resources, path: str) -> None:
        change(resources.engine, f"UPDATE {VERSION_TABLE} SET version_num = '0099_from_a_later_release'")
        assert post(resources, path, *signed_json(SECRET, CONTACT)).status_code == 202
        assert (len(events(resources)), messages(resources)) == (1, 1)

    def test_events_of_a_waiting_record_send_no_further_message(self, resources: Resources, path: str) -> None:
        for _ in range(5):
            post(resources, path, *signed_json(SECRET, CONTACT))
        assert (len(events(resources)), messages(resources)) == (5, 1)
        assert row(resources.engine, "SELECT received, handled FROM booksync.refreshes") == {
            "received": 5,
            "handled": 0,
        }


class TestWhoIsTurnedAway:
    @pytest.mark.parametrize(
        ("address", "headers"),
        [
            ("{connection}", {}),
            ("{connection}", {"X-Zoho-Webhook-Signature": "0" * 64}),
            ("{connection}", {"X-Zoho-Webhook-Signature": "ä"}),
            ("{connection}", {"X-Booksync-Secret": ""}),
            ("{connection}", {"X-Booksync-Secret": SECRET[:-1]}),
            # One connection's secret is not valid for another connection.
            ("00000000-0000-4000-8000-000000000001", {"X-Booksync-Secret": SECRET}),
            ("no-uuid", {"X-Booksync-Secret": SECRET}),
            ("%00", {"X-Booksync-Secret": SECRET}),
        ],
    )
    def test_all_strangers_get_the_same_response(
        self, resources: Resources, connection_id: uuid.UUID, address: str, headers: dict[str, str]
    ) -> None:
        encoded = {name: value.encode() for name, value in headers.items()}
        path = f"/webhooks/zoho/{address.format(connection=connection_id)}"
        answer = post(resources, path, json.dumps(CONTACT).encode(), encoded)  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()) == (401, {"detail": "The signature is not valid."})
        assert events(resources) == []

    def test_an_unreadable_secret_is_reported_to_the_operator_only(self, resources: Resources, path: str) -> None:
        change(resources.engine, "UPDATE booksync.zoho_connections SET webhook_secret_encrypted = 'gAAAA'")
        with logs_of_a_process() as logs:
            assert post(resources, path, *signed_json(SECRET, CONTACT)).status_code == 401
        assert "webhook.secret_unreadable" in [line.get("action") for line in logs.lines]

    def test_an_unreadable_former_secret_refuses_no_webhook_with_the_current_one(
        self, resources: Resources, path: str
    ) -> None:
        change(
            resources.engine,
            "UPDATE booksync.zoho_connections"
            " SET webhook_secret_previous_encrypted = 'gAAAA', webhook_secret_rotated_at = now()",
        )
        assert post(resources, path, *signed_json(SECRET, CONTACT)).status_code == 202
        assert post(resources, path, *signed_json("another secret", CONTACT)).status_code == 401

    def test_a_secret_bound_to_another_connection_authenticates_nothing(self, resources: Resources, path: str) -> None:
        vault, other = resources.vault, Place(SecretName.WEBHOOK_SECRET, uuid.uuid4())
        copied = vault.rotate(vault.encrypt(SECRET, other), other, bind=True)
        change(
            resources.engine, "UPDATE booksync.zoho_connections SET webhook_secret_encrypted = :secret", secret=copied
        )
        with logs_of_a_process() as logs:
            assert post(resources, path, *signed_json(SECRET, CONTACT)).status_code == 401
        (line,) = [line for line in logs.lines if line.get("action") == "webhook.secret_unreadable"]
        assert f"was written for {other}" in str(line["error"])

    def test_a_large_body_gets_413_with_and_without_a_content_length(self, resources: Resources, path: str) -> None:
        async def chunks() -> Any:
            for _ in range(MAX_BODY_BYTES // 1000 + 1):
                yield b"x" * 1000

        signed = {"X-Zoho-Webhook-Signature": "0" * 64}
        assert post(resources, path, chunks(), signed).status_code == 413
        assert post(resources, path, b"x" * (MAX_BODY_BYTES + 1), {}).status_code == 413

    def test_a_body_is_parsed_outside_the_event_loop(
        self, resources: Resources, path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def parse(*request: Any, **named: Any) -> Any:
            with pytest.raises(RuntimeError, match="no running event loop"):
                asyncio.get_running_loop()
            return take_apart(*request, **named)

        monkeypatch.setattr("workers.web.webhooks.take_apart", parse)
        assert post(resources, path, *signed_json(SECRET, CONTACT)).status_code == 202

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"no JSON",
            b"{",
            b"[]",
            b"null",
            b'"text"',
            b"{}",
            b"\xff\xfe",
            b'{"contact": {}}',
            b"[" * 100_000,
            b'{"contact": {"contact_id": "../1"}}',
            b'{"contact": {"contact_id": true}}',
            b'{"JSONString": "{"}',
        ],
    )
    def test_an_unreadable_body_gets_400(self, resources: Resources, path: str, body: bytes) -> None:
        headers = {"Content-Type": "application/json", "X-Zoho-Webhook-Signature": signature(SECRET, body)}
        assert post(resources, path, body, headers).status_code == 400
        assert events(resources) == []

    def test_a_broken_body_without_a_secret_gets_401(self, resources: Resources, path: str) -> None:
        assert post(resources, path, b"{", {}).status_code == 401

    def test_get_is_not_allowed(self, resources: Resources, path: str) -> None:
        assert post(resources, path, b"", {}, method="GET").status_code == 405


class TestWithoutServers:
    def test_without_postgres_a_webhook_gets_503_with_retry_after(self, resources: Resources, path: str) -> None:
        nowhere = new_engine(f"postgresql://127.0.0.1:{free_port()}/none", application_name="tests")
        answer = post(replace(resources, engine=nowhere), path, *signed_json(SECRET, CONTACT))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")

    def test_without_redis_a_webhook_is_stored(self, resources: Resources, path: str) -> None:
        nobody = new_redis_client(f"redis://127.0.0.1:{free_port()}/0", patient=False)
        answer = post(replace(resources, broker=new_broker(nobody)), path, *signed_json(SECRET, CONTACT))
        assert (answer.status_code, len(events(resources))) == (202, 1)


def test_no_content_of_a_body_is_logged_or_stored(resources: Resources, path: str, database_url: str) -> None:
    with logs_of_a_process() as logs:
        for document in (CONTACT, {"Ada Byron": {"x": "ada@x.example"}}, {"contact": {"email": "ada@x.example"}}):
            post(resources, path, *signed_json(SECRET, document))
    name = re.compile(r"\bada\b", re.IGNORECASE)  # a whole word, because an id may contain these letters
    assert not name.search(logs.text)
    assert SECRET not in logs.text
    assert not name.search(str(events(resources)))
