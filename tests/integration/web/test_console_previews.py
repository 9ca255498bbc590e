"""Previews of large connections: they are made in the background, while a page waits for them."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from db import open_invoices
from tests.integration.web.connection_pages import Database, connected, fields_of, invoice
from tests.integration.web.console_browser import ConsoleBrowser
from tests.integration.web.dead_letter_pages import shown_with
from workers.services import kept


@pytest.fixture
def page(runner: asyncio.Runner, database: Database) -> str:
    address = connected(database)
    for number in ("7001", "7002", "7003"):
        invoice(database, number)
    return address


@pytest.fixture
def planning(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """No request waits for a preview, each of which goes on after its second invoice when the event is set."""
    may_go = threading.Event()
    really = open_invoices.cases

    def cases(*given: Any) -> Iterator[Any]:
        for number, case in enumerate(really(*given)):
            if number == 2:
                assert may_go.wait(60)
            yield case

    monkeypatch.setattr(kept, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(open_invoices, "cases", cases)
    yield may_go
    may_go.set()
    for thread in threading.enumerate():
        if thread.name == "kept reading":
            thread.join()


def _of_the_opening(_browser: ConsoleBrowser, page: str) -> str:
    return f"{page}/handover?backlog=latest"


def _of_the_rules(browser: ConsoleBrowser, page: str) -> str:
    fields = fields_of(browser.get(f"{page}/policy").text) | {"steps": "2, 9"}
    response = browser.post(f"{page}/policy/preview", None, **fields)
    return f"{page}/policy/{response.headers['location']}"


@pytest.mark.parametrize(
    ("address_of", "result", "button"),
    [
        (_of_the_opening, "From open invoices to calls", "Open the handover"),
        (_of_the_rules, "Numbers that would be called", "Apply the rules"),
    ],
)
def test_a_preview_shows_its_progress_and_then_the_result(
    olga: ConsoleBrowser,
    page: str,
    planning: threading.Event,
    address_of: Callable[[ConsoleBrowser, str], str],
    result: str,
    button: str,
) -> None:
    address = address_of(olga, page)
    shown = shown_with(olga, address, "2 of 3 open invoices")
    assert '<progress max="3" value="2">' in shown
    query = address.partition("?")[2]
    assert f'<noscript><meta http-equiv="refresh" content="5; url=?{query}&amp;reloaded=1"></noscript>' in shown
    assert 'data-live="while-there"' in shown
    assert button not in shown

    planning.set()

    done = shown_with(olga, address, result)
    assert "ago. Results of large connections are kept for ten minutes." in done
    assert button in done
    assert "<noscript>" not in done
    assert "while-there" not in done.partition("<main")[2].partition("</main>")[0]


def test_a_preview_is_made_again_after_a_change_of_the_rules(
    olga: ConsoleBrowser, database: Database, page: str, planning: threading.Event
) -> None:
    planning.set()
    address = _of_the_opening(olga, page)
    shown_with(olga, address, "From open invoices to calls")
    planning.clear()
    assert "From open invoices to calls" in olga.get(address).text
    database.execute(
        "INSERT INTO booksync.reminder_policies (connection_id, rules)"
        " SELECT id, '{\"steps\": [2]}' FROM booksync.zoho_connections"
    )
    assert "The open invoices are being planned" in olga.get(address).text


def test_the_opening_itself_goes_on_in_the_background(
    olga: ConsoleBrowser, database: Database, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.web.console.long_actions.PATIENCE_SECONDS", 0.0)
    response = olga.post(f"{page}/handover", csrf_token=olga.token(page), backlog="latest")
    address = response.headers["location"].removeprefix("../..")
    assert address.startswith("/activity/")
    shown_with(olga, address, "Handover is open. Invoices planned again: 3.")
    assert database.execute("SELECT handover FROM booksync.zoho_connections").fetchone() == ("open",)
