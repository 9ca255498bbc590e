"""A connection's pages in a browser: connected from the console, synced, paused, changed, tried and verified."""

import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.visits import Visit
from tests.end_to_end.installation import SCHEDULER, WORKER, Installation

pytestmark = pytest.mark.slow

PASSWORD = "a long enough password"


@pytest.fixture
def console(installation: Installation) -> str:
    """The address of a console in which olga is an operator, of an installation with a worker and a scheduler."""
    added = installation.run(
        "operators", "add", "olga", "--role", "operator", "--json", BOOKSYNC_OPERATOR_PASSWORD=PASSWORD
    )
    assert added.code == 0, added.stderr
    installation.start(*WORKER)
    installation.start(*SCHEDULER)
    return installation.environment["PUBLIC_URL"]


@pytest.fixture
def visit(console: str, new_visit: Callable[[], Visit]) -> Visit:
    """A browser in which olga is signed in."""
    new = new_visit()
    new.sign_in(console, "olga", PASSWORD)
    return new


@pytest.mark.timeout(600)
def test_a_connection_from_its_link_to_its_end(visit: Visit, console: str) -> None:
    page = visit.page
    page.goto(f"{console}/connections/new")
    visit.reads("Connect Zoho Books")
    visit.fits("connect")
    page.get_by_label("User").fill(str(uuid.uuid4()))
    visit.press("Make a link")
    visit.reads("Link to connect")
    visit.fits("link")
    page.get_by_role("link", name="Open the link in this browser").click()
    visit.accept()
    visit.choose("Coastal Fabrics")
    visit.reads("Connected")
    visit.fits("connected")

    visit.follow("Back to the console")
    page.get_by_role("link", name="Coastal Fabrics").first.click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("Coastal Fabrics")
    expect(page.locator("#run-history table")).to_contain_text("succeeded")
    page.reload()
    visit.fits("connection")

    visit.press("Sync now")
    visit.hears("has started")
    visit.confirm("Pause", "Pause", Reason="year-end audit")
    expect(page.locator("#state")).to_contain_text("year-end audit")
    visit.press("Resume")
    visit.hears("works again")

    page.get_by_role("link", name="Reminder rules").click()
    visit.reads("Reminder rules")
    visit.fits("policy")
    page.get_by_label("Steps", exact=False).first.fill("2, 9")
    visit.press("Preview the change")
    visit.reads("Preview of the rules")
    visit.fits("policy-preview")
    visit.press("Apply the rules")
    visit.hears("The rules are changed")

    page.get_by_role("link", name="Preview the calls").click()
    visit.reads("Preview of the calls")
    visit.fits("handover")
    visit.confirm("Open", "Open the handover")
    visit.hears("Handover is open")

    visit.confirm("Show the secret", "Show")
    visit.reads("Webhook secret")
    visit.fits("secret")
    page.get_by_role("link", name="Back to the connection").click()

    visit.confirm("Verify", "Compare the cache with Zoho")
    expect(page.locator("#verification")).to_contain_text("The cache equals Zoho")
    visit.fits("connection-after")

    page.get_by_text("Disconnect…", exact=True).click()
    page.locator("details[open]").get_by_role("textbox").first.fill("coastal fabrics & sons")
    page.locator("details[open]").get_by_role("button", name="Disconnect").click()
    visit.hears("is disconnected")
