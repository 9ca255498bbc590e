"""The fuzz targets: each takes bytes, and raises only when a promise is broken."""

import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from domain.contacts import Contact
from domain.customers import customer_from
from domain.home import Home
from domain.invoices import Invoice
from domain.lists import Rejected
from domain.phones.judging import judge
from tests.unit.workers.zoho.fakes import a_contact_detail, a_contact_row, a_person_row, an_invoice_row
from workers.webhooks.bodies import UnreadableBodyError, read_events, take_apart
from workers.zoho.entities import read_page
from workers.zoho.errors import UnusableResponse
from workers.zoho.records import (
    PersonOfContact,
    contact_from_detail,
    contact_from_row,
    invoice_from_detail,
    invoice_from_row,
    person_from_bulk_row,
)
from workers.zoho.responses import read_result, refusal
from workers.zoho.transport import Response
from workers.zoho.wire import WireResponse

_NOW = datetime(2026, 12, 1, tzinfo=UTC)
_HOME = Home("GB", "Europe/London")

Read = Callable[[object], Any]


@dataclass(frozen=True)
class Target:
    """A parser, and the seeds of its inputs."""

    name: str
    seeds: Sequence[bytes]
    run: Callable[[bytes], None]


def _list_target(key: str, read: Read, row: dict[str, Any]) -> Target:
    """A page of three rows with one mutated row: the other rows must be read unchanged."""
    before, after = ({**row, id_key: number} for id_key, number in ((_id_key(key), "71001"), (_id_key(key), "71003")))

    def run(changed: bytes) -> None:
        page = _page(key, json.dumps(before).encode(), changed, json.dumps(after).encode())
        rows = _rows_of(page, key, read)
        if not _is_one_value(changed):
            return
        assert rows is not None, "one row made the page unusable"
        assert read(before) in rows, "the row before it is lost"
        assert read(after) in rows, "the row after it is lost"

    return Target(f"list of {key}", [json.dumps(row).encode()], run)


def _id_key(key: str) -> str:
    return {"contacts": "contact_id", "invoices": "invoice_id", "contact_persons": "contact_person_id"}[key]


def _page(key: str, *rows: bytes) -> bytes:
    return b'{"code": 0, "%s": [%s], "page_context": {"has_more_page": false}}' % (key.encode(), b", ".join(rows))


def _rows_of(content: bytes, key: str, read: Read) -> Sequence[Any] | None:
    """The rows that a run would write; None for an unusable page, which costs an attempt but no row."""
    body = _body(content)
    if body is None:
        return None
    try:
        page: Any = read_page(Response("GET /list", body, _NOW, _NOW), key, read)
    except UnusableResponse:
        return None
    for record in page.rows:
        _use(record)
    return list(page.rows)


def _body(content: bytes) -> Any:
    answer = read_result(WireResponse(200, {}, content))
    return answer.body if refusal(answer, "GET /list") is None else None


def _is_one_value(changed: bytes) -> bool:
    """Whether the bytes are one JSON value (with any numbers and texts), so that the page around it stays valid."""
    try:
        text = changed.decode("utf-8", "replace")
        _, end = json.JSONDecoder(strict=False, parse_float=str, parse_int=str).raw_decode(text)
    except (ValueError, RecursionError):
        return False
    return not text[end:].strip(" \t\r\n")


def _use(record: object) -> None:
    """Use the record like a run uses every readable record."""
    match record:
        case Contact():
            assert len(customer_from(record, home=_HOME).sync_hash) == 64
        case Invoice():
            assert len(record.sync_hash()) == 64
        case PersonOfContact() | Rejected():
            pass


def _detail_target(key: str, read: Read, record: dict[str, Any]) -> Target:
    def run(changed: bytes) -> None:
        body = _body(b'{"code": 0, "%s": %s}' % (key.encode(), changed))
        if body is not None:
            _use(read(body.get(key)))

    return Target(f"detail of {key}", [json.dumps(record).encode()], run)


def _webhook_target(content_type: str, seed: bytes) -> Target:
    def run(changed: bytes) -> None:
        for query in ("", changed[:80].decode("latin-1")):
            with contextlib.suppress(UnreadableBodyError):
                read_events(take_apart(query, content_type, changed))

    return Target(f"webhook {content_type.partition(';')[0]}", [seed], run)


def _judge_phone(changed: bytes) -> None:
    text = changed.decode("utf-8", "replace")
    for region in ("GB", "US", None):
        verdict = judge(text, region)
        assert (verdict.e164 is None) is (verdict.problem is not None)


_MULTIPART = (
    b'--x\r\nContent-Disposition: form-data; name="JSONString"\r\n\r\n{"contact": {"contact_id": "7018"}}\r\n--x--\r\n'
)

TARGETS = (
    _list_target("contacts", contact_from_row, a_contact_row(contact_id="71002")),
    _list_target("invoices", invoice_from_row, an_invoice_row(invoice_id="71002")),
    _list_target("contact_persons", person_from_bulk_row, a_person_row(contact_person_id="71002", contact_id="7018")),
    _detail_target("contact", contact_from_detail, a_contact_detail()),
    _detail_target("invoice", invoice_from_detail, an_invoice_row()),
    _webhook_target("application/json", json.dumps({"contact": a_contact_detail()}).encode()),
    _webhook_target("application/x-www-form-urlencoded", b"JSONString=%7B%22invoice_id%22%3A%2217%22%7D&a=b"),
    _webhook_target("multipart/form-data; boundary=x", _MULTIPART),
    _webhook_target("text/plain", b"contact_id=7018&name=${CONTACT.NAME}\r\nphone=+44"),
    Target(
        "phone text",
        [b"+44 20 7031 3000", b"(415) 555-0126 ext. 7", b"Tel.: 0171/1234567 oder 0172-98765", b"1-800-FLOWERS"],
        _judge_phone,
    ),
)
