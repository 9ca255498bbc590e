"""Promises of zoho/web_addresses.py: a link leads to the organisation's data centre, and holds ids only."""

from urllib.parse import urlsplit

import pytest

from workers.zoho.data_centers import DATA_CENTERS
from workers.zoho.web_addresses import contact_address, invoice_address


@pytest.mark.parametrize(
    ("data_center", "host"),
    [
        ("com", "books.zoho.com"),
        ("eu", "books.zoho.eu"),
        ("com.au", "books.zoho.com.au"),
        ("ca", "books.zohocloud.ca"),
    ],
)
def test_a_link_leads_to_the_data_centre(data_center: str, host: str) -> None:
    assert invoice_address(data_center, "10234695", "8001") == f"https://{host}/app/10234695#/invoices/8001"
    assert contact_address(data_center, "10234695", "5001") == f"https://{host}/app/10234695#/contacts/5001"


@pytest.mark.parametrize("data_center", DATA_CENTERS)
def test_an_id_cannot_change_the_host(data_center: str) -> None:
    address = urlsplit(invoice_address(data_center, "@evil.example/", "8001?x#y"))
    assert (address.hostname or "").startswith("books.zoho")
    assert address.fragment == "/invoices/8001%3Fx%23y"
