"""An operator's work from the pages of the console: with the mouse, without JavaScript, and with the keyboard alone."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from sandbox.zoho.commands import DeleteContact
from sandbox.zoho.control import SandboxControl
from sandbox.zoho.fault_requests import FaultName
from tests.browser.furnishing import run
from tests.browser.office import Office
from tests.browser.visits import Way

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

_LIVE_RUN = re.compile(
    r"full run, phase (?P<phase>[\w ]+), step \d+.*; (?P<calls>[\d,]+) calls, (?P<rows>[\d,]+) rows", re.DOTALL
)


def test_a_run_is_watched_until_it_is_done(office: Office) -> None:
    office.books.bulk_import(contacts=500, invoices_per_contact=1)
    office.opens_connection()
    visit, page = office.visit, office.visit.page
    history = page.locator("#run-history")
    # Without JavaScript the page shows a new state in each interval, so that the run has to last longer.
    with slow_books(office.books, seconds=1.5 if visit.way is Way.NO_SCRIPT else 0.3):
        visit.press("Full sync")
        visit.hears("has started")
        if visit.way is not Way.NO_SCRIPT:
            page.evaluate("window.isTheSamePage = true")
        readings: list[dict[str, str]] = []

        def is_over() -> bool:
            if page.locator("#state .panel").count() == 0:
                return True
            found = _LIVE_RUN.search(page.locator("#state").inner_text())
            if found and (not readings or found.groupdict() != readings[-1]):
                readings.append(found.groupdict())
                if len(readings) == 3:
                    visit.fits("run under way")
            return False

        office.until(is_over)
    assert len({reading["phase"] for reading in readings}) >= 2, readings
    # A page that loads itself shows one state in each interval, maybe none between the first row and the last.
    for name in ("calls",) if visit.way is Way.NO_SCRIPT else ("calls", "rows"):
        counts = [int(reading[name].replace(",", "")) for reading in readings]
        assert all(before <= after for before, after in pairwise(counts)), readings
        assert counts[-1] > counts[0], readings
    newest = history.get_by_role("row").nth(1)
    for word in ("full", "succeeded", "done"):
        expect(newest).to_contain_text(word)
    if visit.way is Way.NO_SCRIPT:
        assert page.url.endswith("&reloaded=1")
    else:
        assert page.evaluate("window.isTheSamePage")
    office.sees_action("full sync", "done")


def test_an_operator_dismisses_a_deletion_and_applies_the_others(office: Office) -> None:
    visit, page, books = office.visit, office.visit.page, office.books
    ids = books.bulk_import(contacts=40, invoices_per_contact=1)["contact_ids"]
    run(office.installation, "sync", office.connection_id, "--wait")
    books.mutate(*(DeleteContact(contact_id=int(each), with_invoices=True) for each in ids))
    office.opens_connection()
    visit.press("Full sync")
    expect(page.locator("#state .panel")).to_be_visible()
    office.until(lambda: page.locator("#state .panel").count() == 0)
    expect(page.locator("#cached")).to_contain_text("40 customers and 40 invoices are held back")
    visit.follow("Decide about them")
    visit.reads("Deletions")
    kept = page.get_by_role("checkbox", name="customer").first
    record = str(kept.get_attribute("value")).removeprefix("customer.")
    visit.fits("held deletions")
    visit.use(kept, key="Space")
    choice = page.get_by_role("group", name="The chosen records")
    visit.write("Note", "it is there", within=choice)
    visit.press("Dismiss: keep them", within=choice)
    visit.hears("1 customer is kept.")
    office.sees_action("dismiss deletions", "done", "1 record", "it is there")

    visit.follow("Deletions")
    visit.follow(name_of_connection(office), within=page.get_by_role("region", name="Connections"))
    visit.confirm("Apply all 79", "Apply", Note="they closed their shops")
    visit.hears("39 customers and 40 invoices are marked deleted.")
    expect(page.get_by_role("main")).to_contain_text("No record of this connection waits for a decision.")
    office.sees_action("apply deletions", "done", "79 records", "they closed their shops")
    assert sorted(live_among(office, ids)) == [record]


@pytest.mark.drill
def test_an_operator_changes_the_rules_with_their_preview(office: Office) -> None:
    visit, page = office.visit, office.visit.page
    office.opens_connection()
    visit.follow("Reminder rules")
    visit.reads("Reminder rules")
    first_day = {Way.MOUSE: 2, Way.NO_SCRIPT: 3, Way.KEYBOARD: 4}[visit.way]
    visit.write("Steps", f"{first_day}, nine")
    visit.press("Preview the change")
    expect(page.get_by_role("alert")).to_contain_text("Nothing was changed.")
    visit.write("Steps", f"{first_day}, 9")
    visit.press("Preview the change")
    visit.reads("Preview of the rules")
    changed = page.get_by_role("region", name="Changed rules").get_by_role("row").nth(1)
    expect(changed).to_contain_text("steps")
    expect(changed).to_contain_text(f"{first_day}, 9")
    visit.press("Change further")
    visit.reads("Reminder rules")
    expect(page.get_by_label("Steps").first).to_have_value(f"{first_day}, 9")
    visit.press("Preview the change")
    visit.write("Note", "agreed with the office")
    visit.press("Apply the rules")
    visit.hears("The rules are changed.")
    office.sees_action("change", "done", "agreed with the office")


@pytest.mark.drill
def test_an_operator_pauses_and_resumes_a_connection(office: Office) -> None:
    visit, page = office.visit, office.visit.page
    office.opens_connection()
    visit.confirm("Pause", "Pause", Reason="the year's end")
    visit.hears("The connection is paused.")
    expect(page.locator("#state")).to_contain_text("the year's end")
    expect(page.get_by_role("button", name="Sync now")).to_have_count(0)
    visit.fits("paused connection")
    office.sees_action("pause", "done", "the year's end")
    visit.follow(name_of_connection(office))
    visit.follow(name_of_connection(office))
    visit.press("Resume")
    visit.hears("works again")
    expect(page.locator("#state")).to_contain_text("Active")
    office.sees_action("resume", "done")


@pytest.mark.drill
def test_the_button_that_stops_a_verification_goes_with_it(office: Office) -> None:
    visit, page = office.visit, office.visit.page
    office.opens_connection()
    stop = page.get_by_role("button", name="Stop the verification")
    expect(stop).to_have_count(0)
    with slow_books(office.books, seconds=0.5):
        visit.confirm("Verify", "Compare the cache with Zoho")
        visit.hears("It goes on in the background.")
        expect(stop).to_be_visible()
    office.until(lambda: page.locator("#verification table").count() == 1)
    expect(stop).not_to_be_visible()
    office.sees_action("verify", "done")


@contextmanager
def slow_books(books: SandboxControl, *, seconds: float) -> Iterator[None]:
    """Let each response of Zoho take longer."""
    fault = books.fault(FaultName.LATENCY, seconds=seconds)
    try:
        yield
    finally:
        books.clear_faults(fault)


def name_of_connection(office: Office) -> str:
    ((name,),) = office.look(
        "SELECT organization_name FROM booksync.zoho_connections WHERE id = %(id)s", id=office.connection_id
    )
    return str(name)


def live_among(office: Office, contact_ids: list[str]) -> list[str]:
    """Those of the customers that are cached and not marked deleted."""
    found = office.look(
        "SELECT zoho_customer_id FROM booksync.customers_cache"
        " WHERE zoho_customer_id = ANY (%(ids)s) AND status <> 'deleted'",
        ids=contact_ids,
    )
    return [str(each) for (each,) in found]
