"""Visits to the console's pages of customers and invoices."""

import uuid
from collections.abc import Callable

import httpx
from sqlalchemy import Engine

from tests.integration.db.look import row
from tests.integration.statements import recorded_statements
from tests.integration.web.console_browser import ConsoleBrowser

#: The most SQL queries of a page, the session's included.
MOST_QUERIES = 6


def search(browser: ConsoleBrowser, words: str, path: str = "/invoices") -> httpx.Response:
    return browser.post(path, csrf_token=browser.token(path), search=words)


def id_of(engine: Engine, zoho_invoice_id: str = "8001") -> uuid.UUID:
    found = row(engine, "SELECT id FROM invoices_cache WHERE zoho_invoice_id = :id", id=zoho_invoice_id)
    return uuid.UUID(str(found["id"]))


def opened(browser: ConsoleBrowser, engine: Engine, zoho_invoice_id: str = "8001") -> str:
    """The page of an invoice."""
    response = browser.get(f"/invoices/{id_of(engine, zoho_invoice_id)}")
    assert response.status_code == 200, response.text
    return response.text


def queries_of(visit: Callable[[], httpx.Response]) -> int:
    """The number of SQL queries of a visit, without those that are sent in a pipeline."""
    with recorded_statements() as sent:
        assert visit().status_code == 200
    return len(sent)
