"""What Zoho calls each entity, and how pages of its list and its details are requested and read (API section 1)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from domain.entities import CUSTOMER, INVOICE, Entity
from domain.lists import PER_PAGE, Listed, ListedT, ListRequest, Page, RawPage, Rejected, Sort
from workers.zoho.errors import NotFound, RecordUnreadable, UnusableResponse
from workers.zoho.fields import record_id, soft_flag
from workers.zoho.records import (
    contact_from_detail,
    contact_from_row,
    invoice_from_detail,
    invoice_from_row,
    read_rows,
    stamp_checked,
)
from workers.zoho.responses import json_object
from workers.zoho.transport import Response, ZohoTransport

_SORT_ORDERS = {Sort.OLDEST_CHANGE_FIRST: "A", Sort.NEWEST_CHANGE_FIRST: "D"}

RecordT = TypeVar("RecordT", bound=Listed)
ReadT = TypeVar("ReadT", bound=Listed, covariant=True)


class ReadRecord(Protocol[ReadT]):
    """A function that reads a record from a JSON object; a time without an offset is in the given zone."""

    def __call__(self, record: object, /, *, zone: tzinfo | None = None) -> ReadT | Rejected: ...


@dataclass(frozen=True, slots=True)
class ZohoRecords(Generic[RecordT]):
    """How to read the list and the details of one entity from Zoho."""

    path: str  #: the path of the list; details are at path/ID
    list_key: str  #: the key of the rows in the list's response
    detail_key: str  #: the key of the record in a detail response
    from_row: ReadRecord[RecordT]
    from_detail: ReadRecord[RecordT]

    def page(self, transport: ZohoTransport, request: ListRequest, zone: tzinfo) -> Page[RecordT]:
        """One page of the entity's list as Zoho returns it, including repeated rows and rows outside the request.

        Raises:
            BudgetWait, ZohoError: see `ZohoTransport.get`.
            UnusableResponse: a 404 without a code of Zoho's, as a gateway sends it; and see
                `read_page`.
        """
        response = _get(transport, self.path, list_params(request, zone))
        return self._read(response, zone)

    def staged_page(self, raw: RawPage, zone: tzinfo) -> Page[RecordT]:
        """A page that a step has fetched and staged, read again from its bytes.

        Raises:
            UnusableResponse: see `page`.
        """
        call = f"GET {self.path}"
        body = json_object(raw.content)
        if body is None:
            raise UnusableResponse(call, detail="a staged page without JSON")
        return self._read(Response(call, body, raw.server_time, raw.received_at, raw.content), zone)

    def _read(self, response: Response, zone: tzinfo) -> Page[RecordT]:
        return read_page(response, self.list_key, partial(self.from_row, zone=zone))

    def record(self, transport: ZohoTransport, identity: str, zone: tzinfo) -> RecordT | None:
        """One record of the entity with its details, in one call; None if Zoho itself reports that it has none.

        An id that no record can have returns None without a call.

        Raises:
            BudgetWait, ZohoError: see `ZohoTransport.get`.
            UnusableResponse: the response has no record or another one, or is a 404 without a code of Zoho's.
            RecordUnreadable: the record exists, but cannot be understood.
        """
        if record_id(identity) != identity:
            return None
        try:
            response = _get(transport, f"{self.path}/{identity}", is_one_record=True)
        except NotFound:
            return None
        record = response.body.get(self.detail_key)
        if not isinstance(record, dict):
            raise UnusableResponse(response.call, detail=f"no {self.detail_key} in the response")
        read: Callable[[object], RecordT | Rejected] = partial(self.from_detail, zone=zone)
        outcome = stamp_checked(read, response.received_at)(record)
        if isinstance(outcome, Rejected):
            raise RecordUnreadable(response.call, detail=outcome.reason)
        if outcome.record_id != identity:
            raise UnusableResponse(response.call, detail=f"another {self.detail_key} in the response")
        return outcome


def _get(
    transport: ZohoTransport, path: str, params: Mapping[str, str] | None = None, *, is_one_record: bool = False
) -> Response:
    """GET the path.

    Raises:
        UnusableResponse: a 404 without a code of Zoho's, as a gateway sends it. By such a 404 no record may be deleted.
        BudgetWait, ZohoError: see `ZohoTransport.get`.
    """
    try:
        return transport.get(path, params, is_one_record=is_one_record)
    except NotFound as error:
        if error.code is None:
            raise UnusableResponse(error.call, status=error.status) from None
        raise


CONTACTS = ZohoRecords("/contacts", "contacts", "contact", contact_from_row, contact_from_detail)
INVOICES = ZohoRecords("/invoices", "invoices", "invoice", invoice_from_row, invoice_from_detail)

_records: dict[Entity, ZohoRecords[Any]] = {CUSTOMER: CONTACTS, INVOICE: INVOICES}


def records_of(entity: Entity) -> ZohoRecords[Any]:
    return _records[entity]


def register(entity: Entity, records: ZohoRecords[Any]) -> None:
    """Register the list of a further entity."""
    _records[entity] = records


def list_params(request: ListRequest, zone: tzinfo) -> dict[str, str]:
    """The query parameters of one page, with records of every status; times are in the organisation's `zone`."""
    params = {
        "filter_by": "Status.All",
        "sort_column": "last_modified_time",
        "sort_order": _SORT_ORDERS[request.sort],
        **page_params(request.page, request.per_page),
    }
    if request.modified_since is not None:
        params["last_modified_time"] = zoho_time(request.modified_since, zone)
    return params


def page_params(page: int, per_page: int = PER_PAGE) -> dict[str, str]:
    """The query parameters for page number and page length. Without a length Zoho's default depends on the list."""
    return {"page": str(page), "per_page": str(per_page)}


def zoho_time(at: datetime, zone: tzinfo) -> str:
    """A time as `YYYY-MM-DDTHH:MM:SS±HHMM`, the only form that Zoho accepts.

    Fractions of a second are cut off. A filter with the result then begins earlier, not later, and misses no change.
    """
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    # The offset is rounded to minutes: before time zones existed, local offsets had seconds, which this form cannot
    # express.
    whole_minutes = timezone(timedelta(minutes=offset // timedelta(minutes=1)))
    text = at.astimezone(whole_minutes).isoformat(timespec="seconds")
    return text[:-3] + text[-2:]  # The colon in the offset is removed, because Zoho returns HTTP 400 for it.


def read_page(response: Response, key: str, read: Callable[[object], ListedT | Rejected]) -> Page[ListedT]:
    """Read the page from the response of a list.

    Raises:
        UnusableResponse: the response has no list under `key`, or does not report whether more pages follow. If such a
            page were read as the last one, all records on later pages would seem to be deleted.
    """
    rows = response.body.get(key)
    if not isinstance(rows, list):
        raise UnusableResponse(response.call, detail=f"no list of {key}")
    more = _has_more(response.body)
    if more is None:
        raise UnusableResponse(response.call, detail="no page_context.has_more_page")
    understood, rejected = read_rows(rows, stamp_checked(read, response.received_at))
    raw = RawPage(response.content, response.server_time, response.received_at)
    return Page(understood, rejected, has_more=more, server_time=response.server_time, raw=raw)


def _has_more(body: Mapping[str, object]) -> bool | None:
    context = body.get("page_context")
    return soft_flag(context.get("has_more_page")) if isinstance(context, dict) else None
