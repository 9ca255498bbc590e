"""A sign-in link begins one console session, once, and is of no use to anyone later."""

import asyncio
import time
from urllib.parse import urlsplit

import pytest
import time_machine
from cryptography.fernet import Fernet
from pydantic import SecretStr

from domain.operators import Role
from tests.integration.web.console_browser import CONSOLE_PASSWORD, PASSWORD, SESSION, ConsoleBrowser
from workers.boot.basics import Basics
from workers.secrets.vault import Vault
from workers.services.operators import disable_operator, save_operator
from workers.services.sign_in_links import LINK_SECONDS, sign_in_link


@pytest.fixture(autouse=True)
def public_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_URL", "http://booksync.test")


@pytest.fixture
def basics(basics: Basics) -> Basics:
    """The basics of an installation in which ana is an accountant."""
    save_operator(basics, "ana", Role.ACCOUNTANT, PASSWORD)
    return basics


def path_for(basics: Basics, name: str = "ana", key: str | None = None) -> str:
    """The path and query of a new link."""
    vault = Vault(basics.settings.encryption_keys if key is None else [SecretStr(key)])
    parts = urlsplit(sign_in_link(basics, vault, name))
    return f"{parts.path}?{parts.query}"


def is_refused(browser: ConsoleBrowser, path: str) -> bool:
    response = browser.get(path)
    if response.status_code == 403:
        assert "The link is not valid" in response.text
        assert 'name="password"' in response.text
        assert SESSION not in response.headers.get("set-cookie", "")
    return response.status_code == 403 and not browser.is_signed_in()


def test_a_link_signs_in_and_the_first_page_greets_the_newcomer(browser: ConsoleBrowser, basics: Basics) -> None:
    response = browser.get(path_for(basics))
    assert (response.status_code, response.headers["location"]) == (303, "./?welcome=1")
    page = browser.get("/?welcome=1").text
    assert "ana, accountant" in page
    assert "Welcome to booksync" in page
    assert 'href="./invoices"' in page
    assert "Welcome to booksync" not in browser.get("/").text


def test_the_operator_of_the_console_password_can_have_a_link(browser: ConsoleBrowser, basics: Basics) -> None:
    assert browser.get(path_for(basics, "operator")).status_code == 303
    assert "<span>operator</span>" in browser.get("/").text


def test_a_link_works_once(runner: asyncio.Runner, basics: Basics) -> None:
    path = path_for(basics)
    first = ConsoleBrowser(runner)
    assert first.get(path).status_code == 303
    assert is_refused(ConsoleBrowser(runner), path)
    assert first.is_signed_in()


def test_of_many_uses_at_once_one_signs_in(runner: asyncio.Runner, basics: Basics) -> None:
    path = path_for(basics)

    async def all_at_once() -> list[int]:
        browsers = [ConsoleBrowser(runner) for _ in range(8)]
        return [each.status_code for each in await asyncio.gather(*(each.request("GET", path) for each in browsers))]

    assert sorted(runner.run(all_at_once())) == [303] + [403] * 7


def test_a_used_link_is_remembered_as_long_as_it_could_be_used(
    browser: ConsoleBrowser, runner: asyncio.Runner, basics: Basics
) -> None:
    path = path_for(basics)
    browser.get(path)
    browser.post("/sign-out", csrf_token=browser.token("/"))
    assert is_refused(ConsoleBrowser(runner), path)


def test_an_old_link_is_refused(browser: ConsoleBrowser, basics: Basics) -> None:
    path = path_for(basics)
    with time_machine.travel(time.time() + LINK_SECONDS + 2, tick=False):
        assert is_refused(browser, path)


@pytest.mark.parametrize("change", ["password", "role", "disabled"])
def test_a_link_ends_with_a_change_of_its_operator(browser: ConsoleBrowser, basics: Basics, change: str) -> None:
    path = path_for(basics)
    if change == "disabled":
        disable_operator(basics, "ana")
    elif change == "role":
        save_operator(basics, "ana", Role.VIEWER, None)
    else:
        save_operator(basics, "ana", Role.ACCOUNTANT, "another password")
    assert is_refused(browser, path)


def test_a_link_of_other_keys_or_altered_or_of_another_purpose_is_refused(
    browser: ConsoleBrowser, runner: asyncio.Runner, basics: Basics
) -> None:
    other = ConsoleBrowser(runner)
    other.sign_in("", CONSOLE_PASSWORD)
    path = path_for(basics)
    for refused in (
        path_for(basics, key=Fernet.generate_key().decode()),
        f"{path[:-3]}AAA",
        f"/sign-in?link={other.cookies[SESSION]}",
        "/sign-in?link=",
        "/sign-in?link=%00",
        f"/sign-in?link={'x' * 5000}",
        "/sign-in?link=%F0%9F%98%80",
    ):
        assert is_refused(browser, refused), refused
    assert browser.get(path).status_code == 303


def test_a_link_replaces_a_planted_session(ana: ConsoleBrowser, runner: asyncio.Runner, basics: Basics) -> None:
    planted = ana.cookies[SESSION]
    victim = ConsoleBrowser(runner)
    victim.cookies.set(SESSION, planted, "booksync.test")
    assert victim.get(path_for(basics)).status_code == 303
    assert victim.cookies.get(SESSION, domain="booksync.test") != planted


def test_a_link_is_in_no_log_and_no_page(
    browser: ConsoleBrowser, basics: Basics, caplog: pytest.LogCaptureFixture
) -> None:
    path = path_for(basics)
    responses = [browser.get(path), browser.get("/?welcome=1"), browser.get(path)]
    secret = path.partition("=")[2][:40]
    assert not any(secret in response.text + str(response.headers) for response in responses)
    assert secret not in str([(record.getMessage(), record.args) for record in caplog.records])
