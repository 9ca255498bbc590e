"""Zoho's contacts: pages of the list, one contact by id, and the bulk list of all contact persons (TR-1).

Of this client, runs use the list of persons alone. They read contacts as they read every entity: the lists through
`workers.zoho.list_reader`, which follows a walk from page to page, and single records through `workers.zoho.entities`.
"""

from datetime import tzinfo
from typing import TypeAlias

from domain.contacts import Contact
from domain.lists import PER_PAGE, ListRequest, Page, Sort
from workers.zoho.entities import CONTACTS, page_params, read_page
from workers.zoho.errors import BadRequest, BulkPersonsRefused, MissingScope, NotFound, Refused, UnusableResponse
from workers.zoho.records import PersonOfContact, person_from_bulk_row
from workers.zoho.transport import ZohoTransport

#: A page of the list of all contact persons. The persons of one contact may be on different pages.
PersonsPage: TypeAlias = Page[PersonOfContact]


class ZohoContactsClient:
    """The client for the contacts of one organisation; `zone` is the organisation's time zone."""

    def __init__(self, transport: ZohoTransport, *, zone: tzinfo) -> None:
        self._transport = transport
        self._zone = zone

    def get_contacts(self, request: ListRequest) -> Page[Contact]:
        """One page of /contacts as Zoho returns it, with vendors, repeated rows and rows that were not requested.

        The request does not filter out vendors by `contact_type`, because Zoho silently ignores parameters that it does
        not support. So callers must check the type of each row.

        Raises:
            BudgetWait, ZohoError: see `ZohoTransport.get`.
            UnusableResponse: see `workers.zoho.entities.read_page`.
        """
        return CONTACTS.page(self._transport, request, self._zone)

    def get_contact_by_id(self, contact_id: str) -> Contact | None:
        """One contact with its persons and details, in one call; None if Zoho has deleted it.

        Raises:
            BudgetWait, ZohoError: see `ZohoTransport.get`.
            UnusableResponse, RecordUnreadable: see `ZohoRecords.record`.
        """
        return CONTACTS.record(self._transport, contact_id, self._zone)

    def get_contact_persons(self, request: ListRequest | int) -> PersonsPage:
        """One page of all contact persons of the organisation (API section 2: requests).

        If `request` is a page number, the page has the usual length. The list supports neither filters nor another
        order, so only page and length of the request are used.

        After code 57 the token is refreshed once, as for every call, because an expired token has the same code.

        Raises:
            BulkPersonsRefused: this organisation has no such list. A refused token or organisation raises its own
                error, because it concerns every call. Without the list, each contact needs a detail call, so a refusal
                without a code of Zoho's must come twice.
            UnusableResponse: a later page is refused without a code of Zoho's, although the organisation has the list;
                and see `workers.zoho.entities.read_page`.
            BadRequest: a page of an unusual length is refused.
            BudgetWait, ZohoError: see `ZohoTransport.get`.
        """
        if isinstance(request, int):
            request = ListRequest(None, Sort.OLDEST_CHANGE_FIRST, request)
        try:
            return self._persons(request)
        except BulkPersonsRefused as refused:
            if refused.code is not None:
                raise
            if request.page > 1:
                raise UnusableResponse(refused.call, status=refused.status) from None
            return self._persons(request)

    def _persons(self, request: ListRequest) -> PersonsPage:
        try:
            response = self._transport.get("/contacts/contactpersons", page_params(request.page, request.per_page))
        except (MissingScope, NotFound, BadRequest, Refused) as error:
            if isinstance(error, BadRequest) and request.per_page != PER_PAGE:
                raise
            raise BulkPersonsRefused(error.call, status=error.status, code=error.code) from None
        if "contact_persons" not in response.body:
            # A response without the key means that this address belongs to another resource.
            raise BulkPersonsRefused(response.call, detail="no contact_persons in it")
        return read_page(response, "contact_persons", person_from_bulk_row)
