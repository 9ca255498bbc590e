"""One record by its id: present, deleted, or unavailable at the moment. The three must never be confused."""

from datetime import UTC

import httpx
import pytest

from domain.invoices import Invoice
from tests.tables import table
from tests.unit.workers.zoho.fakes import FakeZoho, a_reply, a_transport, an_invoice_row
from workers.zoho.entities import ZohoRecords
from workers.zoho.errors import RecordUnreadable, UnusableResponse, ZohoError, ZohoUnavailable
from workers.zoho.records import invoice_from_row

#: Invoices whose details are as short as their list rows.
INVOICES = ZohoRecords("/invoices", "invoices", "invoice", invoice_from_row, invoice_from_row)


def the_invoice(zoho: FakeZoho, identity: str = "982000000567114") -> Invoice | None:
    return INVOICES.record(a_transport(zoho), identity, UTC)


def test_record_is_requested_by_its_path() -> None:
    zoho = FakeZoho(a_reply(code=0, invoice=an_invoice_row()))

    invoice = the_invoice(zoho)

    assert invoice is not None
    assert invoice.number == "INV-0001"
    assert zoho.requests[0].url.path == "/books/v3/invoices/982000000567114"


@pytest.mark.parametrize(("status", "code"), [(404, 1002), (404, 5), (400, 1002), (404, 2006)])
def test_only_zohos_own_error_means_deleted(status: int, code: int) -> None:
    assert the_invoice(FakeZoho(a_reply(status, code=code))) is None


@table(
    ("reply", "kind"),
    [
        # A gateway's 404 deletes nothing.
        (httpx.Response(404, content=b"<html>Not here</html>"), UnusableResponse),
        (httpx.Response(404), UnusableResponse),
        (a_reply(404), UnusableResponse),
        (a_reply(404, code=404), UnusableResponse),
        (a_reply(404, code=0), UnusableResponse),
        # A good response with no record, or with another record.
        (a_reply(code=0), UnusableResponse),
        (a_reply(code=0, invoice=[]), UnusableResponse),
        (a_reply(code=0, invoice=an_invoice_row(invoice_id="1")), UnusableResponse),
        # Present, but unreadable.
        (a_reply(code=0, invoice=an_invoice_row(total="much")), RecordUnreadable),
        (a_reply(503), ZohoUnavailable),
    ],
)
def test_every_other_error_is_raised_and_does_not_mean_deleted(reply: httpx.Response, kind: type[ZohoError]) -> None:
    with pytest.raises(kind) as failed:
        the_invoice(FakeZoho(reply))

    assert type(failed.value) is kind
    assert "much" not in str(failed.value)


@pytest.mark.parametrize("identity", ["", "contactpersons", "1/../2", "..", "1?organization_id=2", " 1", "1\n"])
def test_impossible_record_id_costs_no_call(identity: str) -> None:
    zoho = FakeZoho()

    assert the_invoice(zoho, identity) is None
    assert zoho.requests == []
