"""Forms with texts that cannot be stored, or that no page sends: every action of the console refuses them in words."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

import workers.web
from db.connections import Connection
from tests.console_pages import requirement_of, routes
from tests.integration.web.console_browser import HTML, PASSWORD, ConsoleBrowser, token_in
from workers.boot.basics import Basics
from workers.web.request_bodies import MAX_BODY_BYTES

_TEMPLATES = Path(workers.web.__file__).parent / "templates" / "console"

#: The names of all fields of the console's forms.
FIELDS = sorted(
    {
        name
        for template in _TEMPLATES.rglob("*.html")
        for name in re.findall(r'(?:<input|<select|<button|<textarea)[^>]* name="(\w+)"', template.read_text())
    }
    - {"csrf_token"}
)

#: Bodies that cannot be read as texts that Postgres stores, by the status of the response.
UNREADABLE = {
    "NUL": (b"%00", 400),
    "a lone surrogate": (b"%ED%A0%80", 400),
    "an escape that is not UTF-8": (b"%ff%fe", 400),
    "a byte that is not UTF-8": (b"\xff", 400),
    "more than 1 MB": (b"x" * MAX_BODY_BYTES, 413),
    "a long field": (b"x" * 60_000, 413),
}

#: Texts that can be stored, and that no page expects.
ODD = {
    "a long text": "x" * 49_000,
    "control characters": "\x01\x1b[2J\x7f\r\n",
    "not a character": "\ufffe\uffff\U0010ffff",
    "a direction mark": "\u202eeman\u2066",
    "a large number": "9" * 400,
    "digits of no number": "\u00b2\u0967\u2460",
    "a date that is none": "0000-00-00T99:99:99+99:99",
    "a nested list": "[" * 5_000,
    "an expression of SQL": "'; DROP TABLE users; --",
    "an endless zone": "../../etc/passwd",
}


def _paths(connection: Connection) -> Iterator[str]:
    """The addresses of all actions and searches of the console, for this connection."""
    for route in routes():
        if "POST" in (route.methods or ()) and requirement_of(route) is not None:
            yield re.sub(r"\{\w*id\}", str(connection.connection_id), route.path)


def _post(browser: ConsoleBrowser, runner: asyncio.Runner, path: str, body: bytes) -> httpx.Response:
    async def sent() -> httpx.Response:
        transport = httpx.ASGITransport(browser._connected, client=(browser.address, 50_000))
        headers = HTML | {"Content-Type": "application/x-www-form-urlencoded"}
        async with httpx.AsyncClient(transport=transport, base_url=browser.base_url, cookies=browser.cookies) as client:
            return await client.post(path, content=body, headers=headers)

    return runner.run(sent())


def test_the_fields_of_all_forms_are_found() -> None:
    assert {"note", "number", "search", "rules", "record", "name"} <= set(FIELDS)


@pytest.mark.slow
def test_a_form_that_cannot_be_read_is_refused_with_a_page_that_says_why(
    olga: ConsoleBrowser,
    runner: asyncio.Runner,
    connection: Connection,
    database: psycopg.Connection,
    subtests: pytest.Subtests,
) -> None:
    token = olga.token("/calls/do-not-call").encode()
    paths = list(_paths(connection))
    assert len(paths) > 20
    for path in paths:
        for name, (text, status) in UNREADABLE.items():
            with subtests.test(f"{path} {name}"):
                response = _post(olga, runner, path, b"csrf_token=" + token + b"&note=" + text)
                assert response.status_code == status
                assert "Nothing was changed." in response.text
    assert database.execute("SELECT count(*) FROM booksync.operator_actions WHERE action <> 'sign-in'").fetchone() == (
        0,
    )


@pytest.mark.parametrize("path", ["/sign-in", "/connect"])
def test_a_page_without_a_sign_in_refuses_such_a_form_too(
    browser: ConsoleBrowser, runner: asyncio.Runner, subtests: pytest.Subtests, path: str
) -> None:
    for name, (text, status) in UNREADABLE.items():
        with subtests.test(name):
            assert _post(browser, runner, path, b"name=" + text).status_code == status


def _token(browser: ConsoleBrowser) -> str:
    """The token of the session, or of another one if an action has ended it."""
    page = browser.get("/calls/do-not-call")
    if page.status_code == 200:
        return token_in(page)
    assert browser.sign_in("olga", PASSWORD).status_code == 303
    return browser.token("/calls/do-not-call")


@pytest.mark.slow
def test_no_text_in_a_field_ends_in_a_failure(
    olga: ConsoleBrowser, basics: Basics, connection: Connection, subtests: pytest.Subtests
) -> None:
    assert basics is not None
    for path in _paths(connection):
        for name, text in ODD.items():
            with subtests.test(f"{path} {name}"):
                form = dict.fromkeys(FIELDS, text)
                if name == "a long text":
                    form = {"note": text, "search": text, "name": text, "words": text, "reason": text, "number": text}
                assert olga.post(path, None, csrf_token=_token(olga), **form).status_code < 500
