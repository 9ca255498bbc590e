"""A connection's pages in a browser: connected from the console, synced, paused, changed, tried and verified."""

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visits import Visit
from tests.end_to_end.installation import SCHEDULER, WORKER, Installation

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
    new.page.goto(console)
    new.page.get_by_label("Name").fill("olga")
    new.page.get_by_label("Password").fill(PASSWORD)
    new.press("Sign in")
    expect(new.page.get_by_role("banner")).to_contain_text("olga")
    return new


def confirm(page: Page, label: str, does: str, **fields: str) -> None:
    """Open the form of an action, fill its fields, and confirm it."""
    page.get_by_text(f"{label}…", exact=True).click()
    action = page.locator("details[open]")
    for name, value in fields.items():
        action.get_by_label(name).fill(value)
    action.get_by_role("button", name=does).click()


def is_narrow_enough(page: Page, folder: Path, name: str) -> None:
    """Check that a phone shows the whole page, and keep pictures."""
    for width, scheme in ((1200, "light"), (1200, "dark"), (320, "light"), (320, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True, caret="initial")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (page.url, width)
    page.set_viewport_size({"width": 1200, "height": 900})
    page.emulate_media(color_scheme="light")


@pytest.mark.timeout(600)
def test_a_connection_from_its_link_to_its_end(visit: Visit, console: str, tmp_path: Path) -> None:
    page = visit.page
    page.goto(f"{console}/connections/new")
    visit.reads("Connect Zoho Books")
    is_narrow_enough(page, tmp_path, "connect")
    page.get_by_label("User").fill(str(uuid.uuid4()))
    visit.press("Make a link")
    visit.reads("Link to connect")
    is_narrow_enough(page, tmp_path, "link")
    page.get_by_role("link", name="Open the link in this browser").click()
    visit.press("Continue to Zoho")
    visit.press("Accept")
    visit.choose("Coastal Fabrics")

    page.goto(console)
    page.get_by_role("link", name="Coastal Fabrics").first.click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("Coastal Fabrics")
    expect(page.locator("#run-history table")).to_contain_text("succeeded")
    page.reload()
    is_narrow_enough(page, tmp_path, "connection")

    visit.press("Sync now")
    expect(page.get_by_role("status")).to_contain_text("has started")
    confirm(page, "Pause", "Pause", Reason="year-end audit")
    expect(page.locator("#state")).to_contain_text("year-end audit")
    visit.press("Resume")
    expect(page.get_by_role("status")).to_contain_text("works again")

    page.get_by_role("link", name="Reminder rules").click()
    visit.reads("Reminder rules")
    is_narrow_enough(page, tmp_path, "policy")
    page.get_by_label("Steps", exact=False).first.fill("2, 9")
    visit.press("Preview the change")
    visit.reads("Preview of the rules")
    is_narrow_enough(page, tmp_path, "policy-preview")
    visit.press("Apply the rules")
    expect(page.get_by_role("status")).to_contain_text("The rules are changed")

    page.get_by_role("link", name="Preview the calls").click()
    visit.reads("Preview of the calls")
    is_narrow_enough(page, tmp_path, "handover")
    confirm(page, "Open", "Open the handover")
    expect(page.get_by_role("status")).to_contain_text("Handover is open")

    confirm(page, "Show the secret", "Show")
    visit.reads("Webhook secret")
    is_narrow_enough(page, tmp_path, "secret")
    page.get_by_role("link", name="Back to the connection").click()

    confirm(page, "Verify", "Compare the cache with Zoho")
    expect(page.locator("#verification")).to_contain_text("The cache equals Zoho")
    is_narrow_enough(page, tmp_path, "connection-after")

    page.get_by_text("Disconnect…", exact=True).click()
    page.locator("details[open]").get_by_role("textbox").first.fill("coastal fabrics & sons")
    page.locator("details[open]").get_by_role("button", name="Disconnect").click()
    expect(page.get_by_role("status")).to_contain_text("is disconnected")
