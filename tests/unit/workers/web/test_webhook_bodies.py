"""Promises of workers/web/webhook_bodies.py: liberal in what it reads, and nothing but ids and times comes out."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.webhooks import Event, EventKind
from workers.web.webhook_bodies import UnreadableBodyError, read_events, take_apart

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

CONTACT = {"contact_id": "5001", "contact_name": "Ada", "last_modified_time": "2026-03-02T15:00:00+0530"}
INVOICE = {"invoice_id": "8001", "customer_id": "5001"}
NO_IDS: tuple[object, ...] = (None, "", "../1", True, 1.5, [], "a" * 70)
AT_HALF_PAST_NINE = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def read(body: bytes, content_type: str = JSON, query: str = "") -> list[tuple[str, str, EventKind]]:
    events = read_events(take_apart(query, content_type, body))
    return [(event.entity, event.record_id, event.kind) for event in events]


def the_event(document: Any) -> Event:
    (event,) = read_events(take_apart("", JSON, json.dumps(document).encode()))
    return event


@pytest.mark.parametrize(
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
    ],
)
def test_a_contact_is_found_in_any_kind_of_body(body: str, content_type: str) -> None:
    assert read(body.encode(), content_type) == [("contact", "5001", EventKind.CHANGED)]


def test_its_time_is_read_with_its_offset() -> None:
    assert the_event({"contact": CONTACT}).modified_at == AT_HALF_PAST_NINE


@pytest.mark.parametrize("time", ["", None, "02 Mar 2026 03:00 PM", 5, "2026-13-02T15:00:00+0530", ["x"]])
def test_a_time_that_is_none_is_unknown(time: object) -> None:
    assert the_event({"contact": CONTACT | {"last_modified_time": time}}).modified_at is None


def test_an_invoice_is_known_by_its_own_id_and_not_by_a_contacts() -> None:
    assert read(json.dumps(INVOICE | {"contact_id": "5001"}).encode()) == [("invoice", "8001", EventKind.CHANGED)]


def test_a_body_may_tell_of_two() -> None:
    document = {"invoice": INVOICE, "contact": CONTACT}
    assert [record for _, record, _ in read(json.dumps(document).encode())] == ["5001", "8001"]


@pytest.mark.parametrize(
    ("query", "more", "kind"),
    [
        ("event=deleted", {}, EventKind.DELETED),
        ("", {"event_type": "Contact_Deleted"}, EventKind.DELETED),
        ("", {"action": "delete"}, EventKind.DELETED),
        ("event=updated", {"event_type": 7}, EventKind.CHANGED),
        ("note=deleted", {}, EventKind.CHANGED),
    ],
)
def test_a_deletion_is_told_by_the_address_or_the_body(query: str, more: dict[str, Any], kind: EventKind) -> None:
    assert read(json.dumps({"contact": CONTACT} | more).encode(), query=query) == [("contact", "5001", kind)]


def test_a_vendor_is_one_unless_deleted() -> None:
    vendor = {"contact": CONTACT | {"contact_type": " Vendor "}}
    assert the_event(vendor).kind is EventKind.VENDOR
    assert the_event(vendor | {"event": "deleted"}).kind is EventKind.DELETED


@pytest.mark.parametrize(
    ("document", "entity", "record_id"),
    [
        ({"estimate": {"estimate_id": "9"}}, "estimate", "9"),
        ({"customer_payment": {"payment_id": "9"}}, "customer_payment", ""),
        # What is no name of Zoho's is not written down.
        ({"Ada Byron": {"Ada Byron_id": "9"}}, "other", ""),
        ({"estimate": "9"}, "other", ""),
    ],
)
def test_other_things_are_named_where_they_have_a_name(document: Any, entity: str, record_id: str) -> None:
    event = the_event(document)
    assert (event.entity, event.record_id) == (entity, record_id)


@pytest.mark.parametrize(
    "body",
    [b"", b" ", b"no JSON", b"{", b"[]", b'[{"contact": {}}]', b"null", b"7", b"{}", b"\xff=\xfe", b'{"contact": {}}']
    + [b'{"contact": null}', b'{"contact": [1]}']
    + [json.dumps({"contact": {"contact_id": value}}).encode() for value in NO_IDS]
    + [b'{"JSONString": "{"}', b"JSONString=%7B", b"contact_id="],
)
def test_what_tells_nothing_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableBodyError):
        read(body)


def test_a_form_of_many_parts_is_refused_rather_than_passed_over() -> None:
    with pytest.raises(UnreadableBodyError):
        read(b'--x\r\nContent-Disposition: form-data; name="JSONString"', "multipart/form-data; boundary=x")


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
    content_type=st.sampled_from([JSON, FORM, ""]),
)
def test_no_body_is_too_strange(body: bytes, content_type: str) -> None:
    try:
        events = read(body, content_type)
    except UnreadableBodyError:
        return
    assert events
