"""Zoho's invoices: a page of the list, and one by id."""

from datetime import tzinfo
from functools import partial

from domain.invoices import Invoice
from domain.lists import ListRequest, Page
from workers.zoho.lists import list_params, read_page
from workers.zoho.record_calls import get_record
from workers.zoho.records import invoice_from_detail, invoice_from_row
from workers.zoho.transport import ZohoTransport


class ZohoInvoicesClient:
    """The invoices of the transport's organisation; `zone` is that organisation's time zone."""

    def __init__(self, transport: ZohoTransport, *, zone: tzinfo) -> None:
        self._transport = transport
        self._zone = zone

    def get_invoices(self, request: ListRequest) -> Page[Invoice]:
        """One page of /invoices as Zoho returns it, including repetitions and rows outside the request.

        Raises:
            BudgetWait, ZohoError: see `ZohoTransport.get`.
            UnusableResponse: see `workers.zoho.lists.read_page`.
        """
        response = self._transport.get("/invoices", list_params(request, self._zone))
        return read_page(response, "invoices", partial(invoice_from_row, zone=self._zone))

    def get_invoice_by_id(self, invoice_id: str) -> Invoice | None:
        """One invoice, in one call; None if Zoho has deleted it.

        Raises:
            BudgetWait, ZohoError: see `ZohoTransport.get`.
            UnusableResponse, RecordUnreadable: see `workers.zoho.record_calls.get_record`.
        """
        read = partial(invoice_from_detail, zone=self._zone)
        return get_record(self._transport, "/invoices", invoice_id, "invoice", read)
