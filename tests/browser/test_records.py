"""An accountant finds an invoice by its number, and reads why its customer is not reminded, also on a phone."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy import Engine

from db.connections import Connection
from db.engine import new_engine
from domain.contacts import ContactDetails
from tests.browser.visits import Visit, Way
from tests.builders import a_contact, a_person, an_invoice
from tests.end_to_end.installation import Installation
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.reminding import claim, plan_all, tell_and_plan, tell_contact, tell_invoices

pytestmark = pytest.mark.slow

PASSWORD = "a long enough password"


@pytest.fixture(scope="module")
def engine(installation: Installation) -> Iterator[Engine]:
    engine = new_engine(installation.environment["DATABASE_URL"], application_name="booksync tests")
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def connection(engine: Engine) -> Connection:
    """A connection with a customer that was called, and one whose number is not a number."""
    connection = a_connection(engine)
    called = a_contact(
        name="Analytical Engines",
        persons=(
            a_person("7001", mobile="020 7031 3000", phone="n/a", is_primary=True),
            a_person("7002", first_name="Mary", last_name="Somerville", phone="+44 7912 345678"),
        ),
        details=ContactDetails(country_code="GB", reminders_enabled=True),
    )
    tell_and_plan(engine, connection, an_invoice(), contact=called)
    assert claim(engine)
    for number in range(60):
        name = f"Rathbone & Long-Winded Bookbinders of Threadneedle Street {number}"
        tell_contact(engine, connection, a_contact(f"60{number:02}", name=name, company_name="", mobile="ask Bob"))
        tell_invoices(
            engine, connection, an_invoice(f"90{number:02}", customer_id=f"60{number:02}", number=f"R-{number}")
        )
    plan_all(engine, connection)
    return connection


@pytest.fixture(scope="module")
def ana(installation: Installation) -> str:
    """The name of an accountant."""
    added = installation.run(
        "operators", "add", "ana", "--role", "accountant", "--json", BOOKSYNC_OPERATOR_PASSWORD=PASSWORD
    )
    assert added.code == 0, added.stderr
    return "ana"


@pytest.fixture
def visit(
    installation: Installation, connection: Connection, ana: str, new_visit: Callable[..., Visit], way: Way
) -> Visit:
    """The window of the accountant, who is signed in."""
    assert connection
    visit = new_visit(way)
    visit.sign_in(installation.environment["PUBLIC_URL"], ana, PASSWORD)
    return visit


def test_an_accountant_finds_an_invoice_and_reads_why_it_was_not_reminded(visit: Visit) -> None:
    page = visit.page
    visit.follow("Invoices")
    visit.reads("Invoices")
    search(visit, "r-7")
    visit.reads("Invoice", of="R-7")
    expect(page.locator(".answer")).to_contain_text("The customer's phone number cannot be dialled.")
    assert "R-7" not in page.url
    visit.follow("Rathbone")
    visit.reads("Customer", of="Rathbone")
    expect(page.get_by_role("region", name="Phone numbers")).to_contain_text("not a number")
    visit.follow("Invoices")
    visit.follow("invalid phone 60")
    expect(page.get_by_role("link", name="R-")).to_have_count(50)
    visit.follow("More rows")
    expect(page.get_by_role("link", name="R-")).to_have_count(10)
    with page.expect_download() as download:
        visit.press("Download all as CSV")
    # Chromium reports a download as a page that it did not load.
    visit.problems = [each for each in visit.problems if "invoices/download net::ERR_ABORTED" not in each]
    assert len(Path(download.value.path()).read_text("utf-8-sig").splitlines()) == 61

    search(visit, "engines")
    visit.reads("Customer", of="Engines")
    visit.fits("customer who was called")
    visit.follow("INV-8001")
    visit.reads("Invoice", of="INV-8001")
    expect(page.get_by_text("No outcome is reported.")).to_be_visible()
    visit.fits("invoice that was called about")


def search(visit: Visit, text: str) -> None:
    """Search for the text."""
    visit.write("Invoice number, customer's name", text)
    visit.press("Search")
