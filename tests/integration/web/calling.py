"""Builders for the tests of the console's pages about calls, and counts of the statements that a page sends."""

import datetime as dt
import html
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine

from db.connections import Connection
from domain.contacts import Contact
from domain.invoices import Invoice
from domain.operators import Role
from tests.builders import A_LONDON_PHONE
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.reminding import plan_all, tell_contact, tell_invoices
from tests.integration.statements import recorded_statements
from tests.integration.web.console_browser import PASSWORD, ConsoleBrowser
from workers.boot.basics import Basics
from workers.services.operators import save_operator
from workers.web.app import app

#: A well-formed id of nothing.
UNKNOWN_ID = "9d2c1f0e-5b7a-4c3d-8e6f-0a1b2c3d4e5f"

#: Names that break a page which does not escape them.
HOSTILE_NAMES = ["<script>alert(1)</script>", '"><b onmouseover=alert(1)>', "\u202eskooB", "N" * 500]

#: Phone texts that a person should check: a fax number, no number, and a number without its country's prefix.
FAX = "Fax +44 20 7031 3000"
REFUSED = "ask Bob"
NATIONAL = "020 7031 3000"

#: Ten in the morning of a day, counted from today.
_PLAN = """
    INSERT INTO reminders (user_id, invoice_id, customer_id, step, phone, day, scheduled_at, closes_at)
    SELECT user_id, id, customer_id, %(step)s, %(phone)s, day, day + time '10:00', day + time '18:00'
      FROM invoices_cache, LATERAL (SELECT (now() AT TIME ZONE 'Europe/London')::date + %(days)s AS day) AS planned
     WHERE zoho_invoice_id = %(invoice_id)s
"""


def signed_in(basics: Basics, browser: ConsoleBrowser, role: Role) -> ConsoleBrowser:
    """The browser after the sign-in of an operator with this role."""
    save_operator(basics, f"the {role}".replace(" ", "-"), role, PASSWORD)
    assert browser.sign_in(f"the-{role}", PASSWORD).status_code == 303
    return browser


def a_connection_with(engine: Engine, *told: Contact | Invoice, **options: Any) -> Connection:
    """A connection with these contacts and invoices, planned."""
    connection = a_connection(engine, **options)
    for each in told:
        if isinstance(each, Contact):
            tell_contact(engine, connection, each)
        else:
            tell_invoices(engine, connection, each)
    plan_all(engine, connection)
    return connection


def plan(
    database: psycopg.Connection, days: int, *, invoice_id: str = "8001", phone: str = A_LONDON_PHONE, step: int = 0
) -> None:
    """Plan a reminder of an invoice that many days from today."""
    database.execute(_PLAN, {"days": days, "invoice_id": invoice_id, "phone": phone, "step": step})


def in_days(database: psycopg.Connection, days: int) -> dt.date:
    found = database.execute("SELECT (now() AT TIME ZONE 'Europe/London')::date + %s", [days]).fetchone()
    assert found is not None
    day: dt.date = found[0]
    return day


def actions(database: psycopg.Connection) -> list[tuple[str, ...]]:
    """(operator, action, state, subject, note, reason) of all actions, the first one first."""
    return database.execute(
        "SELECT operator, action, state, subject, note, reason FROM booksync.operator_actions "
        "WHERE action <> 'sign-in' ORDER BY began_at"
    ).fetchall()


def texts_of(page: str) -> str:
    """The page's HTML with its entities resolved, and white space as one blank."""
    return " ".join(html.unescape(page).split())


def sent_statements() -> AbstractContextManager[Sequence[str]]:
    """The statements that the web process sends within the block."""
    return recorded_statements(app.state.resources.engine)


def are_not_found(browser: ConsoleBrowser, subtests: pytest.Subtests, path: str, *queries: str) -> None:
    """Check that the page with each of these malformed queries is a 404 page."""
    for query in (*queries, "connection=x", f"connection={UNKNOWN_ID}"):
        with subtests.test(query):
            response = browser.get(f"{path}?{query}")
            assert response.status_code == 404
            assert "Not found" in response.text


def stays_text(browser: ConsoleBrowser, path: str, text: str) -> None:
    """Check that the page shows a hostile text as a text."""
    page = browser.get(path).text
    assert "<script>alert" not in page
    assert "<b onmouseover" not in page
    assert " ".join(text.split()) in texts_of(page)
