"""Zoho's contacts: a page of the list, one by id, and the list of all contact persons (TR-1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import partial

from domain.contacts import Contact
from domain.lists import ListRequest, Page, SetAside
from workers.zoho.errors import BadRequest, BulkPersonsRefused, MissingScope, NotFound, Refused
from workers.zoho.lists import list_params, page_params, read_page
from workers.zoho.record_calls import get_record
from workers.zoho.records import PersonOfContact, contact_from_detail, contact_from_row, person_from_bulk_row
from workers.zoho.transport import ZohoTransport


@dataclass(frozen=True, slots=True)
class PersonsPage:
    """A page of the list of all contact persons. One contact's persons may lie on different pages."""

    rows: Sequence[PersonOfContact]
    set_aside: Sequence[SetAside]
    has_more: bool
    server_time: datetime


class ZohoContactsClient:
    """The contacts of the transport's organisation; `zone` is that organisation's time zone."""

    def __init__(self, transport: ZohoTransport, *, zone: tzinfo) -> None:
        self._transport = transport
        self._zone = zone

    def get_contacts(self, request: ListRequest) -> Page[Contact]:
        """One page of /contacts, as Zoho gives it: vendors, repetitions and rows outside the request included.

        Vendors are not filtered out by `contact_type`: Zoho ignores in silence what it does not support, so each row's
        own word has to be looked at anyway.

        Raises:
            BudgetWait, ZohoError: see `ZohoTransport.get`.
            UnusableAnswer: see `workers.zoho.lists.read_page`.
        """
        answer = self._transport.get("/contacts", list_params(request, self._zone))
        return read_page(answer, "contacts", partial(contact_from_row, zone=self._zone))

    def get_contact_by_id(self, contact_id: str) -> Contact | None:
        """One contact with its persons and details, one call; None where Zoho has it no longer.

        Raises:
            BudgetWait, ZohoError: see `ZohoTransport.get`.
            UnusableAnswer, RecordUnreadable: see `workers.zoho.record_calls.get_record`.
        """
        read = partial(contact_from_detail, zone=self._zone)
        return get_record(self._transport, "/contacts", contact_id, "contact", read)

    def get_contact_persons(self, page: int) -> PersonsPage:
        """One page, from 1, of every contact person that the organisation has (API section 1, 2).

        Refused with code 57, the token is renewed once, as everywhere: nothing tells that from an expired token.

        Raises:
            BulkPersonsRefused: this organisation has no such list. A refused token or organisation is none of this, for
                it concerns every call.
            BudgetWait, ZohoError: see `ZohoTransport.get`.
        """
        try:
            answer = self._transport.get("/contacts/contactpersons", page_params(page))
        except (MissingScope, NotFound, BadRequest, Refused) as error:
            raise BulkPersonsRefused(error.call, status=error.status, code=error.code) from None
        if "contact_persons" not in answer.body:
            # Zoho means something else by this address here, and will tomorrow.
            raise BulkPersonsRefused(answer.call, detail="no contact_persons in it")
        read = read_page(answer, "contact_persons", person_from_bulk_row)
        return PersonsPage(read.rows, read.set_aside, read.has_more, read.server_time)
