"""The overview of the console on a phone: a start page welcomes, and connections are found by keyboard alone."""

from collections.abc import Callable

import psycopg
import pytest
from playwright.sync_api import expect

from tests.browser.visits import Visit
from tests.drilled import drilled_except
from tests.end_to_end.installation import Installation
from tests.integration.web.overview_rows import add_connection, add_runs

pytestmark = pytest.mark.slow

PASSWORD = "a long enough password"

_NAME = "A name of one word: " + "Fabrics" * 20


@pytest.mark.parametrize("scheme", drilled_except(("dark",), ["light", "dark"]))
def test_a_phone_shows_the_start_page_and_then_finds_a_connection(
    installation: Installation, new_visit: Callable[[], Visit], scheme: str
) -> None:
    added = installation.run(
        "operators", "add", "vic", "--role", "viewer", "--json", BOOKSYNC_OPERATOR_PASSWORD=PASSWORD
    )
    assert added.code == 0, added.stderr
    console = installation.environment["PUBLIC_URL"]
    visit = new_visit()
    page = visit.page
    page.set_viewport_size({"width": 320, "height": 600})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(f"{console}/sign-in")
    page.get_by_label("Name").fill("vic")
    page.get_by_label("Password").fill(PASSWORD)
    visit.press("Sign in")
    visit.reads("booksync")
    expect(page.get_by_text("No connection exists yet")).to_be_visible()

    with psycopg.connect(installation.environment["DATABASE_URL"], autocommit=True) as database:
        try:
            add_runs(database, add_connection(database, _NAME, "1", status="parked"), *["failed", "succeeded"] * 12)
            add_connection(database, "Harbour", "2")
            page.reload()
            visit.reads("booksync")
            expect(page.get_by_text("1 of 2 connections needs you")).to_be_visible()
            expect(page.get_by_role("img", name="Last 20 runs: 10 failed, 10 succeeded")).to_be_visible()

            visit.tab_to(page.get_by_label("Name or organisation"))
            page.keyboard.type("harbour")
            page.keyboard.press("Enter")
            expect(page.get_by_role("heading", level=3, name="Harbour")).to_be_visible()
            expect(page.get_by_role("heading", level=3, name=_NAME)).not_to_be_visible()
            visit.reads("booksync")
        finally:
            for table in ("sync_metadata", "booksync.sync_runs", "booksync.zoho_connections"):
                database.execute(f"DELETE FROM {table}")
