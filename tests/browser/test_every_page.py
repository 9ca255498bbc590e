"""Each page of the console is accessible in light and dark, and fits a phone; also the pages that are added later.

The screenshots of all pages stay in build/screenshots.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import cycle
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.axe import axe_script, violations
from tests.browser.furnishing import PASSWORD, furnish
from tests.browser.screenshots import LOOKS, Look, appearances, too_wide
from tests.console_pages import Tour, route_of
from tests.end_to_end.installation import Installation

#: The tests examine many pages, each at every width and in every scheme.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def console(installation: Installation) -> str:
    """The address of the console of an installation that has something on each page."""
    furnish(installation)
    return installation.environment["PUBLIC_URL"]


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A window in which the pages' policies do not count, because axe-core and screenshots write inline styles."""
    with chromium.new_context(bypass_csp=True) as context:
        yield context.new_page()


def test_the_sign_in_page_is_accessible(console: str, page: Page, subtests: pytest.Subtests) -> None:
    page.goto(console)
    examine(page, "sign-in", axe_script(), subtests)


#: The looks of each page: a phone's in one scheme, which alternates from page to page; in the drill all.
_ON_PHONES = ((LOOKS[0],), (LOOKS[1],))
_IN_ALL = (LOOKS,)


@pytest.mark.parametrize("looks", [_ON_PHONES, pytest.param(_IN_ALL, marks=pytest.mark.drill)], ids=["phone", "all"])
def test_each_page_is_accessible_and_fits_a_phone(
    console: str, page: Page, subtests: pytest.Subtests, looks: Sequence[Sequence[Look]]
) -> None:
    script = axe_script()
    sign_in(console, page)
    examine(page, "welcome", script, subtests)
    tour = Tour(most_of_a_route=1)
    for path, shown in zip(tour, cycle(looks), strict=False):
        response = page.goto(f"{console}{path}")
        assert response is not None
        assert response.status == 200, path
        tour.add_links_of(page.content(), path)
        # What is folded is examined too.
        page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        examine(page, name_of(path), script, subtests, shown)


def sign_in(console: str, page: Page) -> None:
    page.goto(console)
    page.get_by_label("Name").fill("ana")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("banner").wait_for()
    page.goto(f"{console}/?welcome=1")


def examine(page: Page, name: str, script: str, subtests: pytest.Subtests, looks: Sequence[Look] = LOOKS) -> None:
    """Check the page in each of the looks, and keep its screenshots."""
    for shown in appearances(page, name, looks):
        with subtests.test(shown):
            assert too_wide(page) == []
            assert violations(page, script) == []


def name_of(path: str) -> str:
    """The name of a page's screenshots: its route and the names of its query's parameters, without ids."""
    parts = urlsplit(path)
    route = route_of("GET", parts.path)
    assert route is not None
    shown = route.path + "-" + "-".join(pair.partition("=")[0] for pair in parts.query.split("&"))
    return "-".join(re.findall(r"\w+", shown)) or "overview"
