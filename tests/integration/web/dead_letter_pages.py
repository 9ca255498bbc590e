"""Dead letters that operators decide about in the console, and what the pages and the database say afterwards."""

import time
from typing import Any

from sqlalchemy import Engine

from tests.integration.db.dead_letter_builders import a_message, kept
from tests.integration.db.look import rows
from tests.integration.web.console_browser import ConsoleBrowser


def messages(engine: Engine, count: int) -> list[int]:
    """Dead letters of one group, each of another message."""
    return [kept(engine, a_message(str(number))) for number in range(count)]


def send(browser: ConsoleBrowser, path: str, **form: str) -> Any:
    """Send one of the page's forms, with the token of its session."""
    return browser.post(path, None, csrf_token=browser.token("/dead-letters"), **form)


def shown_with(browser: ConsoleBrowser, address: str, words: str) -> str:
    """The page, once it has the words."""
    until = time.monotonic() + 20
    while words not in (shown := browser.get(address).text):
        assert time.monotonic() < until, shown
    return shown


def actions(engine: Engine) -> list[tuple[Any, ...]]:
    found = rows(
        engine,
        "SELECT operator, action, state, subject, note, result FROM booksync.operator_actions "
        "WHERE action <> 'sign-in' ORDER BY began_at, id",
    )
    return [tuple(each.values()) for each in found]


def statuses(engine: Engine) -> list[str]:
    return [each["status"] for each in rows(engine, "SELECT status FROM booksync.dead_letters ORDER BY id")]
