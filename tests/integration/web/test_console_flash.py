"""The sentence about an action: the next page shows it once, to the browser that did the action."""

import asyncio
import html
import time

import pytest
from fastapi import Request

from domain.operators import Role
from tests.integration.web.connection_pages import Database, act, connected, flash_in, followed
from tests.integration.web.console_browser import PASSWORD, ConsoleBrowser, token_in
from workers.boot.basics import Basics
from workers.services.operators import save_operator
from workers.web.app import app
from workers.web.console.flash import _SEALED as SEALED
from workers.web.console.flash import Flash, redirect

COOKIE = "booksync_flash"


@pytest.fixture
def page(runner: asyncio.Runner, database: Database) -> str:
    return connected(database)


def sealed(flash: Flash) -> str:
    return SEALED.seal(app.state.resources.vault, flash)


def test_it_is_shown_once(olga: ConsoleBrowser, page: str) -> None:
    shown = act(olga, page, "rename", name="Books")
    assert flash_in(shown) == "The connection is called Books now."
    assert COOKIE not in olga.cookies
    assert flash_in(olga.get(page)) == ""


def test_success_is_a_status_and_a_refusal_is_an_alert(olga: ConsoleBrowser, page: str) -> None:
    assert '<p class="flash" role="status">' in act(olga, page, "rename", name="Books").text
    refused = act(olga, page, "disconnect", typed="another name")
    assert '<p class="flash bad" role="alert">' in refused.text
    assert "Nothing was changed" in flash_in(refused)


def test_no_other_browser_sees_it(olga: ConsoleBrowser, basics: Basics, runner: asyncio.Runner, page: str) -> None:
    save_operator(basics, "ben", Role.OPERATOR, PASSWORD)
    ben = ConsoleBrowser(runner)
    assert ben.sign_in("ben", PASSWORD).status_code == 303
    token = token_in(olga.get(page))
    response = olga.post(f"{page}/rename", None, csrf_token=token, name="Books")
    assert flash_in(ben.get(page)) == ""
    assert flash_in(olga.get(followed(f"{page}/rename", response))) != ""


def test_its_cookie_hides_the_sentence_from_scripts_and_proxies(olga: ConsoleBrowser, page: str) -> None:
    token = token_in(olga.get(page))
    cookie = olga.post(f"{page}/rename", None, csrf_token=token, name="Rathbone").headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "httponly" in cookie.lower()
    assert "samesite=lax" in cookie.lower()
    assert "Rathbone" not in cookie


def test_names_in_it_stay_text(olga: ConsoleBrowser, page: str) -> None:
    shown = act(olga, page, "rename", name="<script>alert(1)</script>")
    assert html.unescape(flash_in(shown)) == "The connection is called <script>alert(1)</script> now."
    assert "<script>alert(1)" not in shown.text


def test_a_page_without_a_visitor_neither_shows_nor_forgets_it(olga: ConsoleBrowser, page: str) -> None:
    token = token_in(olga.get(page))
    olga.post(f"{page}/rename", None, csrf_token=token, name="Books")
    assert "Books" not in olga.get("/sign-in").text
    assert flash_in(olga.get(page)) == "The connection is called Books now."


@pytest.mark.parametrize("written", ["", "x", "a" * 5000])
def test_a_cookie_that_booksync_did_not_write_shows_nothing(olga: ConsoleBrowser, page: str, written: str) -> None:
    olga.cookies.set(COOKIE, written)
    response = olga.get(page)
    assert response.status_code == 200
    assert flash_in(response) == ""


def test_an_old_one_is_not_shown(olga: ConsoleBrowser, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    with monkeypatch.context() as earlier:
        earlier.setattr(time, "time", lambda: now - 61)
        old = sealed(Flash("Long ago."))
    olga.cookies.set(COOKIE, old)
    assert flash_in(olga.get(page)) == ""
    olga.cookies.set(COOKIE, sealed(Flash("Now.")))
    assert flash_in(olga.get(page)) == "Now."


def test_a_long_one_is_cut_so_that_browsers_keep_the_cookie(runner: asyncio.Runner) -> None:
    request = Request(
        {"type": "http", "app": app, "scheme": "http", "path": "/", "headers": [], "server": ("test", 80)}
    )
    response = redirect(request, "./", Flash("\N{GRINNING FACE}" * 2_000))
    assert len(response.headers["set-cookie"]) <= 4_096
