"""The sign-in page: keyboard or mouse is enough, without JavaScript too; a phone shows the whole page."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.visits import Visit, Way
from tests.drilled import drilled_except
from tests.end_to_end.installation import Installation

pytestmark = pytest.mark.slow

PASSWORD = "a long enough password"


@pytest.fixture
def console(installation: Installation) -> str:
    """The address of a console in which ana is an accountant."""
    added = installation.run(
        "operators", "add", "ana", "--role", "accountant", "--json", BOOKSYNC_OPERATOR_PASSWORD=PASSWORD
    )
    assert added.code == 0, added.stderr
    return installation.environment["PUBLIC_URL"]


@pytest.mark.parametrize("scheme", drilled_except(("light",), ["light", "dark"]))
def test_the_keyboard_is_enough_to_sign_in_and_out_on_a_phone(
    console: str, new_visit: Callable[..., Visit], scheme: str
) -> None:
    visit = new_visit(Way.KEYBOARD)
    page = visit.page
    page.set_viewport_size({"width": 320, "height": 600})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(console)
    visit.reads("Sign in to booksync")
    expect(page.get_by_label("Name")).to_be_focused()

    page.keyboard.type("Ana")
    page.keyboard.press("Tab")
    page.keyboard.type("a wrong password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    visit.reads("Sign in to booksync")

    page.keyboard.type("Ana")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    visit.reads("booksync")
    expect(page.get_by_role("banner")).to_contain_text("ana, accountant")

    out = page.get_by_role("button", name="Sign out")
    visit.tab_to(out)
    outline = out.evaluate("element => getComputedStyle(element).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    visit.reads("Sign in to booksync")
    page.goto(console)
    visit.reads("Sign in to booksync")


def test_an_operator_signs_in_and_out_without_javascript(console: str, new_visit: Callable[..., Visit]) -> None:
    visit = new_visit(Way.NO_SCRIPT)
    visit.sign_in(console, "ana", PASSWORD)
    visit.reads("booksync")
    visit.press("Sign out")
    visit.reads("Sign in to booksync")
