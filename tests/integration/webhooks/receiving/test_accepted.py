"""Promises of `/webhooks/zoho/{connection}`: events are stored before the response, in any form Zoho sends."""

import base64
import json
from dataclasses import replace

import pytest

from db.engine import new_engine
from db.migrations.schemas import VERSION_TABLE
from domain.webhooks import EventKind
from sandbox.servers.ports import free_port
from tests.integration.db.look import change, row
from tests.integration.webhooks.hooks import post
from tests.integration.webhooks.receiving.stored import CONTACT, SECRET, events, messages
from tests.process_logs import logs_of_a_process
from tests.webhooks import signature, signed_form, signed_json
from workers.boot.resources import Resources
from workers.queue import new_broker
from workers.redis_access import new_redis_client
from workers.webhooks.bodies import MOST_EVENTS

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


class TestWithoutServers:
    def test_without_postgres_a_webhook_gets_503_with_retry_after(self, resources: Resources, path: str) -> None:
        nowhere = new_engine(f"postgresql://127.0.0.1:{free_port()}/none", application_name="tests")
        answer = post(replace(resources, engine=nowhere), path, *signed_json(SECRET, CONTACT))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")

    def test_without_redis_a_webhook_is_stored(self, resources: Resources, path: str) -> None:
        nobody = new_redis_client(f"redis://127.0.0.1:{free_port()}/0", patient=False)
        answer = post(replace(resources, broker=new_broker(nobody)), path, *signed_json(SECRET, CONTACT))
        assert (answer.status_code, len(events(resources))) == (202, 1)
