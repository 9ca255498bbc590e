"""The pages on which a user connects: each refusal says what to do next, and the keyboard is enough."""

import uuid
from collections.abc import Callable
from urllib.parse import parse_qs

import psycopg
import pytest
from playwright.sync_api import expect

from tests.browser.visits import Visit, link_for
from tests.end_to_end.installation import Installation

pytestmark = pytest.mark.slow


@pytest.fixture
def user_id() -> str:
    return str(uuid.uuid4())


@pytest.fixture
def link(installation: Installation, user_id: str) -> str:
    return link_for(installation, user_id)


@pytest.mark.drill
def test_after_a_refused_consent_the_user_can_try_again(link: str, new_visit: Callable[[], Visit]) -> None:
    visit = new_visit()
    visit.page.goto(link)
    visit.press("Continue to Zoho")
    visit.press("Reject")
    visit.reads("Not connected")
    expect(visit.page.get_by_role("alert")).to_contain_text("Zoho was not allowed to share the data")
    visit.page.get_by_role("link", name="Try again").click()
    visit.reads("Connect Zoho Books")
    visit.press("Continue to Zoho")
    visit.press("Accept")
    visit.choose("Coastal Fabrics")
    visit.reads("Connected")


@pytest.mark.drill
def test_without_a_choice_the_page_asks_again(link: str, new_visit: Callable[[], Visit]) -> None:
    visit = new_visit()
    visit.consent(link)
    visit.press("Connect")
    visit.reads("Choose organisations")
    expect(visit.page.get_by_role("alert")).to_contain_text("No organisation was chosen")
    visit.choose("Coastal Fabrics")
    visit.reads("Connected")


def test_the_way_back_from_zoho_works_once_and_in_one_browser(link: str, new_visit: Callable[[], Visit]) -> None:
    visit, stranger = new_visit(), new_visit()
    visit.page.goto(link)
    visit.press("Continue to Zoho")
    with visit.page.expect_request("**/oauth/callback?**") as returned:
        visit.press("Accept")
    visit.reads("Choose organisations")
    for late in (visit, stranger):
        late.page.goto(returned.value.url)
        late.reads("This page is no longer valid")
        expect(late.page.get_by_role("alert")).to_contain_text("was used before, or was opened in another browser")
    visit.page.go_back()
    visit.choose("Coastal Fabrics")
    visit.reads("Connected")


@pytest.mark.drill
def test_a_login_that_another_browser_has_begun_is_refused(
    installation: Installation, link: str, user_id: str, new_visit: Callable[[], Visit]
) -> None:
    visit, stranger = new_visit(), new_visit()
    visit.page.goto(link)
    visit.press("Continue to Zoho")
    stranger.page.goto(visit.page.url)
    stranger.press("Accept")
    stranger.reads("This page is no longer valid")
    assert connections(installation, user_id) == []


def test_the_keyboard_is_enough_to_connect_and_to_go_back_to_the_host_application(
    installation: Installation, user_id: str, return_url: str, new_visit: Callable[[], Visit]
) -> None:
    visit = new_visit()
    page = visit.page
    page.set_viewport_size({"width": 390, "height": 700})
    page.goto(link_for(installation, user_id, "--return-url", return_url))
    visit.reads("Connect Zoho Books")
    for button in ("Continue to Zoho", "Accept"):
        visit.tab_to(page.get_by_role("button", name=button))
        page.keyboard.press("Enter")
    visit.reads("Choose organisations")
    for name in ("Coastal Fabrics", "Hana Patel"):
        visit.tab_to(page.get_by_role("checkbox", name=name))
        page.keyboard.press("Space")
    visit.tab_to(page.get_by_role("button", name="Connect"))
    page.keyboard.press("Enter")
    visit.reads("Settings of the host application")
    address, _, query = page.url.partition("?")
    assert address == return_url
    (connected,) = parse_qs(query)["connected"]
    assert sorted(connected.split(",")) == connections(installation, user_id)
    assert len(connections(installation, user_id)) == 2


def connections(installation: Installation, user_id: str) -> list[str]:
    """The ids of the user's connections, in order."""
    with psycopg.connect(installation.environment["DATABASE_URL"]) as database:
        sql = "SELECT id::text FROM booksync.zoho_connections WHERE user_id::text = %s ORDER BY 1"
        return [str(connection_id) for (connection_id,) in database.execute(sql, [user_id])]
