"""A connection whose page operators open, and the counting of a page's queries."""

import html
import re
import uuid
from typing import Any

import httpx
import psycopg

from db.secrets import Place, SecretName
from tests.integration.web.console_browser import ConsoleBrowser, token_in
from tests.integration.web.web_process import connect
from workers.web.app import app

SECRET = "a-webhook-secret-of-a-test"

Database = psycopg.Connection[Any]


def connected(database: Database) -> str:
    """Insert a connection with a run, an event and a customer; return the address of its page."""
    connect(database)
    row = database.execute("SELECT id FROM booksync.zoho_connections").fetchone()
    assert row is not None
    vault, connection_id = app.state.resources.vault, uuid.UUID(str(row[0]))
    sealed = vault.encrypt(SECRET, Place(SecretName.WEBHOOK_SECRET, connection_id))
    # The refresh token stays unreadable, so that no test sends it to Zoho.
    database.execute(
        "UPDATE booksync.zoho_connections SET webhook_secret_encrypted = %s, parked_reason = NULL", [sealed]
    )
    database.execute("INSERT INTO booksync.key_canary (ciphertext) VALUES (%s)", [sealed])
    return f"/connections/{connection_id}"


def act(browser: ConsoleBrowser, page: str, action: str, **form: str) -> httpx.Response:
    """Send a form of a page, and return the page that follows it."""
    token = token_in(browser.get(page))
    response = browser.post(f"{page}/{action}", None, csrf_token=token, **form)
    assert response.status_code == 303, response.text
    return browser.get(followed(f"{page}/{action}", response))


def followed(address: str, response: httpx.Response) -> str:
    """The address to which a response leads the browser that has sent a form to `address`."""
    return httpx.URL(f"http://booksync.test{address}").join(response.headers["location"]).path


def fields_of(page: str) -> dict[str, str]:
    """The fields of a page's forms as a browser sends them unchanged."""
    fields = {}
    for tag in re.findall(r"<input [^>]*>", page):
        attributes = dict(re.findall(r'([a-z]+)="([^"]*)"', tag))
        if attributes.get("type") != "checkbox" or re.search(r"\bchecked\b", tag):
            fields[attributes["name"]] = html.unescape(attributes.get("value", ""))
    for name, value in re.findall(r'<textarea [^>]*name="([^"]*)"[^>]*>\n?([^<]*)</textarea>', page):
        fields[name] = html.unescape(value)
    return fields


def flash_in(response: httpx.Response) -> str:
    """The sentence about the last action; "" without one."""
    found = re.search(r'<p class="flash[^"]*" role="\w+">([^<]*)</p>', response.text)
    return found[1] if found else ""


def actions(database: Database) -> list[tuple[Any, ...]]:
    """The recorded actions, the first one first: operator, action, state."""
    return database.execute(
        "SELECT operator, action, state FROM booksync.operator_actions "
        "WHERE action NOT IN ('sign-in', 'first sync') ORDER BY began_at"
    ).fetchall()


def invoice(database: Database, number: str, *, days_overdue: int = 1, outcome: str = "scheduled") -> None:
    """Insert an overdue invoice of the connection's customer."""
    database.execute(
        "INSERT INTO invoices_cache (user_id, connection_id, customer_id, zoho_invoice_id, zoho_customer_id, status,"
        " invoice_number, date, due_date, balance, total, currency_code, plan_outcome)"
        " SELECT user_id, connection_id, id, %s, '5001', 'overdue', %s, current_date - 40, current_date - %s::int, 10,"
        " 10, 'EUR', %s FROM booksync.customers_cache",
        [number, number, days_overdue, outcome],
    )
