"""The console's page of doubtful numbers: an accountant confirms a number with the keyboard alone, also on a phone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from db.engine import new_engine
from tests.browser.visits import Visit
from tests.builders import A_LONDON_PHONE, a_contact
from tests.end_to_end.installation import Installation
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.reminding import tell_contact

PASSWORD = "a long enough password"


@pytest.fixture
def numbers(installation: Installation) -> str:
    """The address of the page, with a fax number of a customer; ana is an accountant."""
    added = installation.run("operators", "add", "ana", "--role", "accountant", BOOKSYNC_OPERATOR_PASSWORD=PASSWORD)
    assert added.code == 0, added.stderr
    engine = new_engine(installation.environment["DATABASE_URL"], application_name="tests")
    connection = a_connection(engine)
    tell_contact(engine, connection, a_contact(mobile="Fax +44 20 7031 3000"))
    engine.dispose()
    return f"{installation.environment['PUBLIC_URL']}/calls/numbers"


def sign_in(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("ana")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("banner")).to_contain_text("ana, accountant")


def test_the_keyboard_is_enough_to_confirm_a_number_on_a_phone(numbers: str, new_visit: Callable[[], Visit]) -> None:
    visit = new_visit()
    page = visit.page
    page.set_viewport_size({"width": 320, "height": 600})
    sign_in(page, numbers)
    page.goto(numbers)
    visit.reads("Doubtful numbers")
    row = page.get_by_role("row", name="Analytical Engines")
    expect(row).to_contain_text("The text calls it a fax number.")

    visit.tab_to(row.locator("summary", has_text="Confirm"))
    page.keyboard.press("Enter")
    visit.tab_to(row.get_by_label("Who confirms it"))
    page.keyboard.type("Ada, by phone")
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_contain_text(f"Analytical Engines: {A_LONDON_PHONE} is confirmed.")
    visit.reads("Doubtful numbers")
    expect(page.get_by_text("No number needs a check here.")).to_be_visible()
