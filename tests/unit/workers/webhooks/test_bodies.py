"""Promises of webhooks/bodies.py: many body formats are read, and only ids and times are returned."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.webhooks import Event, EventKind
from tests.tables import table
from workers.webhooks.bodies import MOST_EVENTS, UnreadableBodyError, read_events, take_apart

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

CONTACT = {"contact_id": "5001", "contact_name": "Ada", "last_modified_time": "2026-03-02T15:00:00+0530"}
INVOICE = {"invoice_id": "8001", "customer_id": "5001"}
NO_IDS: tuple[object, ...] = (None, "", "../1", True, 1.5, [], "a" * 70)
AT_HALF_PAST_NINE = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


MULTIPART = "multipart/form-data; boundary=frontier"


def read(
    body: bytes, content_type: str = JSON, query: str = "", method: str = "POST"
) -> list[tuple[str, str, EventKind]]:
    reading = read_events(take_apart(query, content_type, body, method=method))
    return [(event.entity, event.record_id, event.kind) for event in reading.events]


def multipart(fields: dict[str, str]) -> bytes:
    parts = [
        f'--frontier\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    return ("".join(parts) + "--frontier--\r\n").encode()


def the_event(document: Any) -> Event:
    (event,) = read_events(take_apart("", JSON, json.dumps(document).encode())).events
    return event


@table(
    ("body", "content_type"),
    [
        (json.dumps({"contact": CONTACT}), JSON),
        (json.dumps({"contact": CONTACT}), "text/plain; charset=utf-8"),
        (json.dumps({"contact": CONTACT}), ""),
        (json.dumps({"contact": CONTACT}), FORM),
        (json.dumps(CONTACT), JSON),
        (json.dumps({"contact": CONTACT | {"contact_id": 5001}}), JSON),
        (json.dumps({"JSONString": json.dumps({"contact": CONTACT})}), JSON),
        (json.dumps({"JSONString": {"contact": CONTACT}}), JSON),
        (urlencode(CONTACT), FORM),
        (urlencode(CONTACT), f"{FORM.upper()}; charset=utf-8"),
        (urlencode(CONTACT), "text/plain"),
        (urlencode({"JSONString": json.dumps({"contact": CONTACT})}), FORM),
        (urlencode({"contact": json.dumps(CONTACT)}), FORM),
        (urlencode({"payload": json.dumps({"contact": CONTACT})}), FORM),
        (multipart(CONTACT).decode(), MULTIPART),
        (multipart({"JSONString": json.dumps({"contact": CONTACT})}).decode(), MULTIPART),
        # The boundary is lost: the id can still be read.
        (multipart(CONTACT).decode(), "multipart/form-data"),
        *[(json.dumps({wrapper: {"contact": CONTACT}}), JSON) for wrapper in ("data", "payload", "body", "event")],
        *[(json.dumps({wrapper: CONTACT}), JSON) for wrapper in ("data", "payload", "body", "event")],
        *[(json.dumps({wrapper: [{"contact": CONTACT}]}), JSON) for wrapper in ("data", "payload", "body")],
        *[(json.dumps({wrapper: json.dumps(CONTACT)}), JSON) for wrapper in ("data", "payload", "body")],
        (json.dumps([{"contact": CONTACT}]), JSON),
        (json.dumps([CONTACT, CONTACT]), JSON),
        (json.dumps({"contacts": [CONTACT]}), JSON),
        (json.dumps({"contact": {"id": "5001"}}), JSON),
        (json.dumps({"customer_id": "5001"}), JSON),
        (json.dumps({"Contact ID": "5001"}), JSON),
        (json.dumps({"contactId": "5001"}), JSON),
        ("contact_id: 5001", "text/plain"),
        ("contact_id=5001\ncontact_name=Ada", "text/plain"),
        ("<contact><contact_id>5001</contact_id></contact>", "application/xml"),
        ('{"contact": {"contact_id": "5001"}}\n{"contact": {"contact_id": "5001"}}', JSON),
    ],
)
def test_a_contact_is_found_in_any_kind_of_body(body: str, content_type: str) -> None:
    assert read(body.encode(), content_type) == [("contact", "5001", EventKind.CHANGED)]


def test_its_time_is_read_with_its_offset() -> None:
    assert the_event({"contact": CONTACT}).modified_at == AT_HALF_PAST_NINE


@pytest.mark.parametrize("time", ["", None, "02 Mar 2026 03:00 PM", 5, "2026-13-02T15:00:00+0530", ["x"]])
def test_malformed_time_is_unknown(time: object) -> None:
    assert the_event({"contact": CONTACT | {"last_modified_time": time}}).modified_at is None


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_mark_is_not_part_of_the_body(mark: str) -> None:
    body = json.dumps({"contact": CONTACT}).encode(mark)
    assert read(body) == [("contact", "5001", EventKind.CHANGED)]


def test_id_is_read_despite_an_invalid_byte_in_a_name() -> None:
    body = '{"contact": {"contact_name": "Zoë", "contact_id": "5001"}}'.encode("latin-1")
    assert read(body) == [("contact", "5001", EventKind.CHANGED)]


def test_invoice_event_does_not_name_its_customer() -> None:
    assert read(json.dumps({"invoice": INVOICE}).encode()) == [("invoice", "8001", EventKind.CHANGED)]
    assert read(json.dumps(INVOICE).encode()) == [("invoice", "8001", EventKind.CHANGED)]
    assert read(urlencode(INVOICE).encode(), FORM) == [("invoice", "8001", EventKind.CHANGED)]


@pytest.mark.parametrize(
    "document", [{"invoice": INVOICE, "contact": CONTACT}, INVOICE | {"contact_id": "5001"}, [INVOICE, CONTACT]]
)
def test_a_body_may_name_two_records(document: Any) -> None:
    assert [record for _, record, _ in read(json.dumps(document).encode())] == ["5001", "8001"]


def test_time_next_to_an_invoices_id_is_not_the_contacts() -> None:
    stamped = INVOICE | {"contact_id": "5001", "last_modified_time": "2026-03-02T15:00:00+0530"}
    contact, invoice = read_events(take_apart("", JSON, json.dumps(stamped).encode())).events
    assert (contact.modified_at, invoice.modified_at) == (None, AT_HALF_PAST_NINE)


class TestIdsInTheAddress:
    @pytest.mark.parametrize("body", [b"", b"{}", b"null", b"ping", b'{"total":,'])
    def test_an_id_in_the_query_needs_no_body(self, body: bytes) -> None:
        assert read(body, query="contact_id=5001&event=created") == [("contact", "5001", EventKind.CHANGED)]

    def test_bodys_time_counts_when_address_and_body_name_the_record(self) -> None:
        body = json.dumps({"contact": CONTACT}).encode()
        (event,) = read_events(take_apart("contact_id=5001", JSON, body)).events
        assert event.modified_at == AT_HALF_PAST_NINE

    def test_both_ids_count_when_address_and_body_differ(self) -> None:
        body = b'{"contact": {"contact_id": "666"}}'
        assert {record for _, record, _ in read(body, query="contact_id=5001")} == {"666", "5001"}

    def test_the_digest_covers_the_query(self) -> None:
        first, second = (read_events(take_apart(f"contact_id={each}", JSON, b"")).events[0] for each in (1, 2))
        assert first.digest != second.digest


class TestPaymentsAndCreditNotes:
    ROWS = ({"invoice_id": "8001", "amount_applied": 5}, {"invoice_id": "8002", "amount_applied": 6})

    @pytest.mark.parametrize(
        "document",
        [
            {"payment": {"payment_id": "9", "customer_id": "5001", "invoices": ROWS}},
            {"customer_payment": {"payment_id": "9", "customer_id": "5001", "invoices": ROWS}},
            {"data": {"payment_id": "9", "customer_id": "5001", "invoices": ROWS}},
            {"payment_id": "9", "customer_id": "5001", "invoices": ROWS},
            {"creditnote": {"creditnote_id": "9", "customer_id": "5001", "invoices_credited": ROWS}},
        ],
    )
    def test_invoices_and_customer_are_named(self, document: Any) -> None:
        changed = EventKind.CHANGED
        expected = [("contact", "5001", changed), ("invoice", "8001", changed), ("invoice", "8002", changed)]
        assert read(json.dumps(document).encode()) == expected

    def test_broken_text_of_a_payment_names_invoices_and_customer_too(self) -> None:
        body = b'{"payment": {"payment_id": 9, "customer_id": 5001, "amount":, "invoices": [{"invoice_id": 8001}]}}'
        assert [(entity, record) for entity, record, _ in read(body)] == [("contact", "5001"), ("invoice", "8001")]

    def test_a_deleted_payment_deletes_no_invoice(self) -> None:
        document = {"payment": {"payment_id": "9", "customer_id": "5001", "invoices": self.ROWS}}
        for_method = read(json.dumps(document).encode(), method="DELETE")
        by_query = read(json.dumps(document).encode(), query="event=payment_deleted")
        assert {kind for _, _, kind in [*for_method, *by_query]} == {EventKind.CHANGED}

    def test_time_of_a_payment_is_not_the_time_of_its_invoices(self) -> None:
        document = {"payment_id": "9", "invoice_id": "8001", "last_modified_time": "2026-03-02T15:00:00+0530"}
        assert the_event(document).modified_at is None


@pytest.mark.parametrize("query", ["", "contact_id=5001"])
def test_method_delete_means_a_deleted_record(query: str) -> None:
    body = b"" if query else json.dumps({"contact": CONTACT}).encode()
    assert read(body, query=query, method="DELETE") == [("contact", "5001", EventKind.DELETED)]


def test_deletion_in_an_array_belongs_to_its_record() -> None:
    document = [{"event": "deleted", "contact": CONTACT}, {"event": "updated", "invoice": INVOICE}]
    found = read(json.dumps(document).encode())
    assert found == [("contact", "5001", EventKind.DELETED), ("invoice", "8001", EventKind.CHANGED)]


def test_conflicting_times_of_one_record_are_ignored() -> None:
    later = CONTACT | {"last_modified_time": "2026-03-03T15:00:00+0530"}
    assert the_event([CONTACT, later]).modified_at is None
    assert the_event([CONTACT, CONTACT]).modified_at == AT_HALF_PAST_NINE


def test_more_ids_than_one_request_may_name_are_counted_and_left_out() -> None:
    many = [{"contact_id": str(number)} for number in range(1, MOST_EVENTS + 6)]
    reading = read_events(take_apart("", JSON, json.dumps(many).encode()))
    assert (len(reading.events), reading.left_out) == (MOST_EVENTS, 5)


@pytest.mark.parametrize(
    ("query", "more", "kind"),
    [
        ("event=deleted", {}, EventKind.DELETED),
        ("", {"event": "contact.deleted"}, EventKind.DELETED),
        ("", {"event_type": "Contact_Deleted"}, EventKind.DELETED),
        ("", {"action": "delete"}, EventKind.DELETED),
        ("event=updated", {"event_type": 7}, EventKind.CHANGED),
        ("note=deleted", {}, EventKind.CHANGED),
    ],
)
def test_deletion_is_recognised_by_the_address_or_the_body(query: str, more: dict[str, Any], kind: EventKind) -> None:
    assert read(json.dumps({"contact": CONTACT} | more).encode(), query=query) == [("contact", "5001", kind)]


def test_vendor_event_counts_as_vendor_unless_deleted() -> None:
    vendor = {"contact": CONTACT | {"contact_type": " Vendor "}}
    assert the_event(vendor).kind is EventKind.VENDOR
    assert the_event(vendor | {"event": "deleted"}).kind is EventKind.DELETED


@pytest.mark.parametrize(
    ("document", "entity", "record_id"),
    [
        ({"estimate": {"estimate_id": "9"}}, "estimate", "9"),
        ({"customer_payment": {"payment_id": "9"}}, "customer_payment", ""),
        # Only names that Zoho may use are recorded.
        ({"Ada Byron": {"Ada Byron_id": "9"}}, "other", ""),
        ({"estimate": "9"}, "other", ""),
        # An estimate's event changes neither its customer nor an invoice.
        ({"estimate": {"estimate_id": "9", "customer_id": "5001", "invoice_id": ""}}, "estimate", "9"),
        ({"data": {"estimate": {"estimate_id": "9"}}}, "estimate", "9"),
        ({"data": [{"estimate": {"estimate_id": "9"}}]}, "estimate", "9"),
    ],
)
def test_other_events_are_named_by_their_kind(document: Any, entity: str, record_id: str) -> None:
    event = the_event(document)
    assert (event.entity, event.record_id) == (entity, record_id)


@table(
    "body",
    [b"", b" ", b"no JSON", b"{", b"[]", b'[{"contact": {}}]', b"null", b"7", b"{}", b"\xff=\xfe", b'{"contact": {}}']
    + [b'{"contact": null}', b'{"contact": [1]}']
    + [json.dumps({"contact": {"contact_id": value}}).encode() for value in NO_IDS]
    + [b'{"JSONString": "{"}', b"JSONString=%7B", b"contact_id="],
)
def test_body_without_a_record_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableBodyError):
        read(body)


def test_a_multipart_form_without_an_id_is_refused() -> None:
    with pytest.raises(UnreadableBodyError):
        read(b'--x\r\nContent-Disposition: form-data; name="JSONString"', "multipart/form-data; boundary=x")


def test_multipart_form_of_thousands_of_parts_is_not_parsed() -> None:
    form = multipart({f"field_{number}": "x" for number in range(3_000)})
    assert take_apart("", MULTIPART, form).form == ()


def test_a_file_of_a_multipart_form_is_read_as_its_text() -> None:
    head = '--frontier\r\nContent-Disposition: form-data; name="payload"; filename="record.json"\r\n\r\n'
    body = f"{head}{json.dumps(CONTACT)}\r\n--frontier--\r\n".encode()
    assert read(body, MULTIPART) == [("contact", "5001", EventKind.CHANGED)]


def test_the_same_body_has_the_same_digest() -> None:
    assert the_event({"contact": CONTACT}).digest == the_event({"contact": CONTACT}).digest
    assert the_event({"contact": CONTACT}).digest != the_event({"contact": CONTACT | {"contact_name": "Eve"}}).digest


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["contact", "contact_id"]), inner),
    max_leaves=12,
)


@given(
    body=_JSON.map(lambda document: json.dumps(document).encode()) | st.binary(),
    content_type=st.sampled_from([JSON, FORM, "", MULTIPART]),
    query=st.text(max_size=20),
)
def test_no_body_raises_an_unexpected_error(body: bytes, content_type: str, query: str) -> None:
    try:
        events = read(body, content_type, query)
    except UnreadableBodyError:
        return
    assert events
