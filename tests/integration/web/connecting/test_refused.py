"""A link, a state, a choice or a consent that is not the user's own connects nothing, and the page says why."""

import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from sandbox.zoho.control import SandboxControl
from tests.integration.web.connecting.connect_browser import Browser, connections, consent

COOKIE = "booksync_connect"


class TestWhatIsRefused:
    def test_a_refused_consent_connects_nothing(
        self, browser: Browser, new_link: Callable[..., str], database_url: str
    ) -> None:
        page = browser.get(consent(browser, new_link(), decision="reject"))
        assert page.status_code == 400
        assert "not allowed to share" in page.text
        assert "Try again" in page.text
        assert connections(database_url) == []

    def test_a_code_that_zoho_refuses_is_explained_to_the_user(
        self, browser: Browser, new_link: Callable[..., str]
    ) -> None:
        page = browser.get(consent(browser, new_link()).replace("code=1000", "code=2000"))
        assert page.status_code == 400
        assert "valid for a minute" in page.text
        assert "Try again" in page.text
        assert "booksync connect" not in page.text

    def test_a_state_of_another_browser_is_refused(
        self, browser: Browser, new_link: Callable[..., str], zoho: SandboxControl
    ) -> None:
        back = consent(browser, new_link())
        stranger = Browser()
        consent(stranger, new_link())
        assert stranger.get(back).status_code == 400
        assert Browser().get(back).status_code == 400
        assert zoho.stats().token_exchanges == 0

    def test_a_state_is_used_once(self, browser: Browser, new_link: Callable[..., str]) -> None:
        back = consent(browser, new_link())
        before = replace(browser, cookies=httpx.Cookies(browser.cookies))
        assert browser.get(back).status_code == 303
        assert before.get(back).status_code == 400

    def test_an_older_way_back_leaves_the_choice_open(self, browser: Browser, new_link: Callable[..., str]) -> None:
        back = consent(browser, new_link())
        page = browser.get(back).headers["location"]
        assert browser.get(back).status_code == 400
        assert browser.get(page).status_code == 200

    def test_the_choice_of_another_page_is_refused(
        self, browser: Browser, new_link: Callable[..., str], database_url: str, zoho: SandboxControl
    ) -> None:
        browser.get(consent(browser, new_link()))
        forged = browser.post("/connect/organizations", state="forged", organization=zoho.organization_id)
        assert forged.status_code == 400
        assert connections(database_url) == []

    def test_an_organisation_of_another_login_is_not_connected(
        self, browser: Browser, new_link: Callable[..., str], database_url: str
    ) -> None:
        returned = browser.get(consent(browser, new_link()))
        page = browser.get(returned.headers["location"]).text
        state = re.findall(r'name="state" value="([^"]+)"', page)[0]
        assert browser.post("/connect/organizations", state=state, organization="999").status_code == 400
        assert connections(database_url) == []

    @pytest.mark.parametrize(
        "change", [lambda link: link[:-5], lambda link: link.split("?")[0], lambda link: link.replace("=", "=x")]
    )
    def test_an_altered_link_is_refused(
        self, browser: Browser, new_link: Callable[..., str], change: Callable[[str], str]
    ) -> None:
        assert browser.get(change(new_link())).status_code == 410

    def test_an_unknown_location_is_refused(
        self, browser: Browser, new_link: Callable[..., str], zoho: SandboxControl
    ) -> None:
        back = consent(browser, new_link()).replace("location=us", "location=evil.example")
        assert browser.get(back).status_code == 502
        assert zoho.stats().token_exchanges == 0


def test_without_redis_the_page_says_so(
    browser: Browser, new_link: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from workers.boot.settings import settings

    link = new_link()
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    settings.cache_clear()
    sealed = parse_qs(urlsplit(link).query)["link"][0]
    page = browser.post("/connect", link=sealed, data_center="com")
    assert page.status_code in {409, 503}
    assert COOKIE not in browser.cookies
    assert "Try again" in page.text
