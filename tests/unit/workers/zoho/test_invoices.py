"""The invoices client."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import httpx

from domain.lists import ListRequest, Sort
from tests.unit.workers.zoho.fakes import (
    DATE,
    SERVER_TIME,
    FakeZoho,
    a_page,
    a_reply,
    a_transport,
    an_invoice_row,
)
from workers.zoho.invoices import ZohoInvoicesClient


def a_client(zoho: FakeZoho) -> ZohoInvoicesClient:
    return ZohoInvoicesClient(a_transport(zoho), zone=ZoneInfo("Europe/Berlin"))


def test_a_page_of_invoices() -> None:
    zoho = FakeZoho(a_page("invoices", an_invoice_row(), an_invoice_row(), "?", more=False))

    page = a_client(zoho).get_invoices(ListRequest(datetime(2026, 9, 1, tzinfo=UTC), Sort.NEWEST_CHANGE_FIRST, page=4))

    assert zoho.requests[0].url.path == "/books/v3/invoices"
    assert zoho.query["last_modified_time"] == "2026-09-01T02:00:00+0200"
    assert (zoho.query["sort_order"], zoho.query["page"]) == ("D", "4")
    assert (len(page.rows), len(page.rejected), page.has_more, page.server_time) == (2, 1, False, SERVER_TIME)


def test_an_invoice_by_id() -> None:
    zoho = FakeZoho(a_reply(code=0, invoice=an_invoice_row()), a_reply(404, code=1002))

    invoice = a_client(zoho).get_invoice_by_id("982000000567114")

    assert invoice is not None
    assert invoice.customer_id == "460000000026049"
    assert a_client(zoho).get_invoice_by_id("982000000567114") is None


def test_amount_is_read_exactly() -> None:
    body = json.dumps({"code": 0, "invoice": an_invoice_row(total="AMOUNT")}).replace('"AMOUNT"', "100000000000000.10")
    zoho = FakeZoho(httpx.Response(200, content=body, headers={"Date": DATE}))

    invoice = a_client(zoho).get_invoice_by_id("982000000567114")

    assert invoice is not None
    assert str(invoice.total) == "100000000000000.10"
    assert invoice.total == Decimal("100000000000000.1")


def test_time_without_an_offset_is_in_the_organisations_time_zone() -> None:
    row = an_invoice_row(last_modified_time="2025-11-19T15:06:24")
    zoho = FakeZoho(a_page("invoices", row), a_reply(code=0, invoice=row))
    client = a_client(zoho)

    listed = client.get_invoices(ListRequest(None, Sort.OLDEST_CHANGE_FIRST)).rows[0]
    asked = client.get_invoice_by_id("982000000567114")

    assert listed.modified_at == datetime(2025, 11, 19, 14, 6, 24, tzinfo=UTC)
    assert asked == replace(listed, has_details=True)
