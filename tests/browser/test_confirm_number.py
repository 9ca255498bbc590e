"""The console's page of doubtful numbers: an accountant confirms a number on a phone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from db.engine import new_engine
from tests.browser.screenshots import keep
from tests.browser.visits import Visit, Way
from tests.builders import A_LONDON_PHONE, a_contact
from tests.end_to_end.installation import Installation
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.reminding import tell_contact

pytestmark = pytest.mark.slow

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


@pytest.mark.drill
def test_an_accountant_confirms_a_number_on_a_phone(numbers: str, new_visit: Callable[..., Visit], way: Way) -> None:
    visit = new_visit(way)
    page = visit.page
    page.set_viewport_size({"width": 320, "height": 600})
    visit.sign_in(numbers, "ana", PASSWORD)
    page.goto(numbers)
    visit.reads("Doubtful numbers")
    row = page.get_by_role("row", name="Analytical Engines")
    expect(row).to_contain_text("The text calls it a fax number.")

    visit.use(row.locator("summary", has_text="Confirm"))
    keep(page, f"confirm a number {way}")
    visit.write("Who confirms it", "Ada, by phone", within=row)
    visit.press("Confirm the number", within=row)

    visit.hears(f"Analytical Engines: {A_LONDON_PHONE} is confirmed.")
    visit.reads("Doubtful numbers")
    expect(page.get_by_text("No number needs a check here.")).to_be_visible()
