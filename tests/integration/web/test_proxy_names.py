"""A trusted proxy signs operators in by a header; no other address can, and the session follows the header."""

import asyncio
import time

import httpx
import pytest
import time_machine

from domain.operators import Role
from tests.integration.web.console_browser import CONSOLE_PASSWORD, PASSWORD, SESSION, ConsoleBrowser, token_in
from workers.boot.basics import Basics
from workers.services.operators import disable_operator, save_operator
from workers.web.console.sessions import IDLE_SECONDS

HEADER = "X-Auth-Request-User"
PROXY = "10.8.0.7"


@pytest.fixture(autouse=True)
def proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSOLE_AUTH_HEADER", HEADER)
    monkeypatch.setenv("CONSOLE_AUTH_PROXIES", "10.8.0.0/29,::1")


@pytest.fixture
def proxied(runner: asyncio.Runner, basics: Basics) -> ConsoleBrowser:
    """A browser behind the proxy; ana is an accountant and ben a viewer."""
    save_operator(basics, "ana", Role.ACCOUNTANT, PASSWORD)
    save_operator(basics, "ben", Role.VIEWER, PASSWORD)
    return ConsoleBrowser(runner, peer=PROXY)


def page_of(browser: ConsoleBrowser, name: str, path: str = "/") -> httpx.Response:
    return browser.get(path, **{HEADER: name})


class TestTheHeader:
    @pytest.mark.parametrize("name", ["ana", " ANA "])
    def test_signs_in_with_the_role_of_the_operators_row(self, proxied: ConsoleBrowser, name: str) -> None:
        page = page_of(proxied, name)
        assert page.status_code == 200
        assert "ana, accountant" in page.text
        assert "Sign out" not in page.text  # The proxy would sign in again at once.
        assert page_of(proxied, name, "/sign-in").headers["location"] == "./"

    @pytest.mark.parametrize("peer", ["10.8.0.1", "::ffff:10.8.0.1", "::1"])
    def test_counts_from_each_listed_address(self, proxied: ConsoleBrowser, peer: str) -> None:
        proxied.peer = peer
        assert page_of(proxied, "ana").status_code == 200

    @pytest.mark.parametrize("peer", ["10.8.0.8", "203.0.113.5", "::2", "::ffff:10.9.0.1", "", "socket"])
    def test_is_ignored_from_any_other_address_and_that_is_logged(
        self, proxied: ConsoleBrowser, peer: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("workers.web.console.proxy_names._ignored._quiet_until", 0)
        proxied.peer = peer or "unknown"
        proxied.address = PROXY  # as X-Forwarded-For may say
        response = page_of(proxied, "ana")
        assert (response.status_code, response.headers["location"]) == (303, "./sign-in")
        assert "console.header_ignored" in caplog.text
        assert "ana" not in caplog.text.replace("console.", "")

    @pytest.mark.parametrize("name", ["carl", "operator", "ana,ben", "ana ben", "<script>alert(1)</script>", "x" * 500])
    def test_of_no_operator_is_refused(self, proxied: ConsoleBrowser, name: str) -> None:
        response = page_of(proxied, name)
        assert response.status_code == 403
        assert "You are no operator of this console" in response.text
        assert name[:20] not in response.text or name in {"operator"}
        assert f"{SESSION}=" not in response.headers.get("set-cookie", "").replace(f'{SESSION}=""', "")

    def test_of_a_disabled_operator_is_refused_at_once(self, proxied: ConsoleBrowser, basics: Basics) -> None:
        assert page_of(proxied, "ana").status_code == 200
        disable_operator(basics, "ana")
        assert page_of(proxied, "ana").status_code == 403

    def test_twice_is_refused(self, proxied: ConsoleBrowser, runner: asyncio.Runner) -> None:
        async def twice() -> int:
            transport = httpx.ASGITransport(proxied._connected)
            async with httpx.AsyncClient(transport=transport, base_url="http://booksync.test") as client:
                return (await client.get("/", headers=[(HEADER, "ana"), (HEADER.lower(), "ben")])).status_code

        assert runner.run(twice()) == 403

    @pytest.mark.parametrize("name", ["", "  "])
    def test_without_a_name_does_not_sign_in(self, proxied: ConsoleBrowser, name: str) -> None:
        assert page_of(proxied, name).headers["location"] == "./sign-in"

    def test_precedes_basic_authentication(self, proxied: ConsoleBrowser) -> None:
        page = proxied.get("/", Authorization="Basic eDp5", **{HEADER: "ana"})
        assert "ana, accountant" in page.text


class TestTheSession:
    def test_goes_on_from_page_to_page(self, proxied: ConsoleBrowser) -> None:
        first = token_in(page_of(proxied, "ana"))
        assert token_in(page_of(proxied, "ana")) == first

    def test_ends_with_another_name(self, proxied: ConsoleBrowser) -> None:
        first = page_of(proxied, "ana")
        second = page_of(proxied, "ben")
        assert "ben, viewer" in second.text
        assert token_in(first) != token_in(second)

    def test_ends_without_the_header(self, proxied: ConsoleBrowser) -> None:
        page_of(proxied, "ana")
        assert proxied.get("/").headers["location"] == "./sign-in"
        assert SESSION not in proxied.cookies

    def test_is_worth_nothing_at_another_address(self, proxied: ConsoleBrowser) -> None:
        page_of(proxied, "ana")
        proxied.peer = "203.0.113.5"
        assert page_of(proxied, "ana").status_code == 303

    def test_of_a_password_does_not_outrank_the_header(self, proxied: ConsoleBrowser) -> None:
        proxied.sign_in("", CONSOLE_PASSWORD)
        assert "<span>operator</span>" in proxied.get("/").text
        assert "ben, viewer" in page_of(proxied, "ben").text

    def test_has_the_new_role_at_once(self, proxied: ConsoleBrowser, basics: Basics) -> None:
        page_of(proxied, "ana")
        save_operator(basics, "ana", Role.VIEWER, None)
        assert "ana, viewer" in page_of(proxied, "ana").text

    def test_that_is_over_begins_again_but_not_for_a_page_that_reloads_itself(self, proxied: ConsoleBrowser) -> None:
        page_of(proxied, "ana")
        with time_machine.travel(time.time() + IDLE_SECONDS, tick=False):
            assert page_of(proxied, "ana", "/?reloaded=1").headers["location"] == "./sign-in"
            assert "ana, accountant" in page_of(proxied, "ana").text


class TestForms:
    def test_need_the_token_of_the_session(self, proxied: ConsoleBrowser, runner: asyncio.Runner) -> None:
        token = token_in(page_of(proxied, "ana"))
        other = ConsoleBrowser(runner, peer=PROXY)
        page_of(other, "ana")
        headers = {HEADER: "ana"}
        assert other.post("/sign-out", headers, csrf_token=token).status_code == 403
        assert proxied.post("/sign-out", headers).status_code == 403
        assert (
            proxied.post("/sign-out", headers | {"Origin": "https://attacker.test"}, csrf_token=token).status_code
            == 403
        )
        assert proxied.post("/sign-out", {HEADER: "ben"}, csrf_token=token).status_code == 403
        assert ConsoleBrowser(runner, peer=PROXY).post("/sign-out", headers, csrf_token=token).status_code == 403

    def test_are_accepted_with_it(self, proxied: ConsoleBrowser) -> None:
        token = token_in(page_of(proxied, "ana"))
        assert proxied.post("/sign-out", {HEADER: "ana"}, csrf_token=token).status_code == 303
