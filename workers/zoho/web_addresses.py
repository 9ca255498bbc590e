"""Addresses of records in Zoho Books' own web application, for links that people follow.

Zoho documents no such addresses. They are the ones that a browser shows: `https://books.zoho.eu/app/ORGANIZATION#/…`,
with the data centre's name in the host, as in the host of the accounts server.
"""

from typing import Final
from urllib.parse import quote

#: As for the accounts servers, only Canada's host does not follow the pattern.
_WEB_ORIGINS: Final = {"ca": "https://books.zohocloud.ca"}


def invoice_address(data_center: str, organization_id: str, zoho_invoice_id: str) -> str:
    """The address of an invoice's page in Zoho Books."""
    return f"{_organization(data_center, organization_id)}#/invoices/{quote(zoho_invoice_id, safe='')}"


def contact_address(data_center: str, organization_id: str, zoho_customer_id: str) -> str:
    """The address of a customer's page in Zoho Books."""
    return f"{_organization(data_center, organization_id)}#/contacts/{quote(zoho_customer_id, safe='')}"


def _organization(data_center: str, organization_id: str) -> str:
    origin = _WEB_ORIGINS.get(data_center, f"https://books.zoho.{data_center}")
    return f"{origin}/app/{quote(organization_id, safe='')}"
