"""Zoho's invoices: a page of the list, and one invoice by id."""

from datetime import tzinfo

from domain.invoices import Invoice
from domain.lists import ListRequest, Page
from workers.zoho.entities import INVOICES
from workers.zoho.transport import ZohoTransport


class ZohoInvoicesClient:
    """The client for the invoices of one organisation; `zone` is the organisation's time zone."""

    def __init__(self, transport: ZohoTransport, *, zone: tzinfo) -> None:
        self._transport = transport
        self._zone = zone

    def get_invoices(self, request: ListRequest) -> Page[Invoice]:
        """One page of /invoices as Zoho returns it, including repeated rows and rows outside the request.

        Raises:
            BudgetWait, ZohoError: see `ZohoTransport.get`.
            UnusableResponse: see `workers.zoho.entities.read_page`.
        """
        return INVOICES.page(self._transport, request, self._zone)

    def get_invoice_by_id(self, invoice_id: str) -> Invoice | None:
        """One invoice by its id, in one call; None if Zoho has deleted it.

        Raises:
            BudgetWait, ZohoError: see `ZohoTransport.get`.
            UnusableResponse, RecordUnreadable: see `ZohoRecords.record`.
        """
        return INVOICES.record(self._transport, invoice_id, self._zone)
