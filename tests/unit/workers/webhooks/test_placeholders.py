"""Bodies that Zoho builds from unescaped placeholders: no customer's name hides an id."""

import json

from hypothesis import example, given
from hypothesis import strategies as st

from domain.webhooks import EventKind
from tests.tables import table
from workers.webhooks.bodies import MOST_EVENTS, read_events, take_apart

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

#: Bodies as an administrator writes them in Zoho's rule, with their possible content types.
TEMPLATES = [
    ('{"contact": {"contact_id": "ID", "contact_name": "NAME", "company_name": "NAME"}}', JSON),
    ('{"contact": {"contact_name": "NAME", "contact_id": "ID", "notes": "NAME"}}', JSON),
    ('{"contact": {"contact_name": "NAME", "outstanding":, "contact_id": ID}}', JSON),
    ('{"event": "updated", "data": {"contact_name": "NAME", "contact_id": "ID", "company_name": "NAME"}}', JSON),
    ('{"contact_name": "NAME", "contact_id": "ID"}', "text/plain"),
    ('[{"contact_name": "NAME", "contact_id": "ID"}]', JSON),
    ('{"contact_name": "NAME", "contact_id": "ID"}', FORM),
    ('JSONString={"contact_name": "NAME", "contact_id": "ID"}', FORM),
    ("contact_name=NAME&contact_id=ID&company_name=NAME", FORM),
    ("contact_name=NAME&contact_id=ID", "text/plain"),
    ("contact_id=ID\ncontact_name=NAME", "text/plain"),
    ("name: NAME\ncontact_id: ID\nphone: NAME", "text/plain"),
]
#: Names that break the surrounding text, or add keys and objects.
HOSTILE = [
    'Ada "the Countess" Byron',
    "Ada\nByron\r\n",
    "Ada\\",
    'Ada\\"',
    "Ada\ttab\x00nul\u2028",
    "Ädä & Söhne {GmbH}",
    '","contact_id":"666',
    '","contact_id":"666","x":"',
    '","invoice_id":"666',
    '","customer_id":"666',
    '","payment_id":"666',
    '"}, "estimate": {"estimate_id": "7',
    '"}, "contact": {"contact_id": "666',
    '", "contact_id": "666"}, "z": {"q": "',
    '"}}',
    '{"contact_id": "666"}',
    "&contact_id=666",
    "&contact_id=666&event=deleted",
    "%26contact_id%3D666",
    "a=b;contact_id=666",
    "ID: contact_id: 666",
    "[" * 60,
    '","event":"deleted',
    '","last_modified_time":"2020-01-01T00:00:00+0000',
]

names = st.sampled_from(HOSTILE) | st.text(max_size=60) | st.lists(st.sampled_from(HOSTILE), max_size=3).map("".join)
record_ids = st.integers(min_value=10**6, max_value=10**18).map(str)


def contacts_taken(template: str, content_type: str, record_id: str, name: str) -> list[str]:
    body = template.replace("ID", record_id).replace("NAME", name).encode("utf-8", "replace")
    events = read_events(take_apart("", content_type, body)).events
    return [event.record_id for event in events if event.entity == "contact"]


@table(("template", "content_type"), TEMPLATES)
def test_true_id_is_read_with_any_customer_name(template: str, content_type: str) -> None:
    record_id = "460000000026049"
    hidden = [name for name in HOSTILE if record_id not in contacts_taken(template, content_type, record_id, name)]
    assert hidden == []


@given(template=st.sampled_from(TEMPLATES), record_id=record_ids, name=names)
@example(template=TEMPLATES[0], record_id="460000000026049", name='"' * 7)
def test_true_id_is_read_with_random_names(template: tuple[str, str], record_id: str, name: str) -> None:
    assert record_id in contacts_taken(*template, record_id, name)


def test_true_invoice_id_is_read_in_addition_to_an_id_in_the_customers_name() -> None:
    body = '{"invoice": {"customer_name": "x","invoice_id":"666", "invoice_id": "8001", "total":, "balance":}}'
    events = read_events(take_apart("", JSON, body.encode())).events
    assert {event.record_id for event in events} == {"666", "8001"}


def test_a_name_full_of_ids_costs_a_bounded_number_of_calls() -> None:
    name = "".join(f'","contact_id":"{number}' for number in range(1, 1_000))
    body = f'{{"contact": {{"contact_id": "5001", "contact_name": "{name}"}}}}'
    reading = read_events(take_apart("", JSON, body.encode()))
    assert len(reading.events) == MOST_EVENTS
    assert reading.left_out == 1_000 - MOST_EVENTS
    assert "5001" in {event.record_id for event in reading.events}


def test_valid_json_is_not_searched_for_ids_in_customers_texts() -> None:
    document = {"contact": {"contact_id": "5001", "notes": '{"contact_id": "666"} contact_id: 667'}}
    (event,) = read_events(take_apart("", JSON, json.dumps(document).encode())).events
    assert event.record_id == "5001"


def test_time_in_a_name_does_not_make_an_event_old() -> None:
    body = (
        '{"contact": {"contact_id": "5001", "contact_name": "x","last_modified_time":"2020-01-01T00:00:00+0000", '
        '"last_modified_time": "2026-03-02T09:30:00+0000"}}'
    )
    (event,) = read_events(take_apart("", JSON, body.encode())).events
    assert event.modified_at is None


def test_a_deletion_is_read_from_broken_text() -> None:
    body = '{"event": "contact_deleted", "contact": {"contact_id": "5001", "contact_name": "A "B" C"}}'
    (event,) = read_events(take_apart("", JSON, body.encode())).events
    assert event.kind is EventKind.DELETED
