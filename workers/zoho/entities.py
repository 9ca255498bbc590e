"""What Zoho calls each entity, and how its list rows and details are read (API section 1)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from domain.entities import CUSTOMER, INVOICE, Entity
from domain.lists import Listed, ListRequest, Page, RawPage, Rejected
from workers.zoho.errors import NotFound, UnusableResponse
from workers.zoho.lists import list_params, read_page
from workers.zoho.record_calls import get_record
from workers.zoho.records import contact_from_detail, contact_from_row, invoice_from_detail, invoice_from_row
from workers.zoho.responses import json_object
from workers.zoho.transport import Response, ZohoTransport

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
                `workers.zoho.lists.read_page`.
        """
        try:
            response = transport.get(self.path, list_params(request, zone))
        except NotFound as error:
            if error.code is not None:
                raise
            raise UnusableResponse(error.call, status=error.status) from None
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

    def record(self, transport: ZohoTransport, record_id: str, zone: tzinfo) -> RecordT | None:
        """One record of the entity with its details, in one call; None if Zoho has deleted it.

        Raises:
            BudgetWait, ZohoError: see `ZohoTransport.get`.
            UnusableResponse, RecordUnreadable: see `workers.zoho.record_calls.get_record`.
        """
        read: Callable[[object], RecordT | Rejected] = partial(self.from_detail, zone=zone)
        return get_record(transport, self.path, record_id, self.detail_key, read)


CONTACTS = ZohoRecords("/contacts", "contacts", "contact", contact_from_row, contact_from_detail)
INVOICES = ZohoRecords("/invoices", "invoices", "invoice", invoice_from_row, invoice_from_detail)

_records: dict[Entity, ZohoRecords[Any]] = {CUSTOMER: CONTACTS, INVOICE: INVOICES}


def records_of(entity: Entity) -> ZohoRecords[Any]:
    return _records[entity]


def register(entity: Entity, records: ZohoRecords[Any]) -> None:
    """Register the list of a further entity."""
    _records[entity] = records
