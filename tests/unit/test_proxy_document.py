"""docs/proxy.md lists the bounds of the web process."""

from pathlib import Path

from domain.operators import SHORTEST_PASSWORD
from workers.web import connections, request_bodies
from workers.web.console import password_check

DOCUMENT = (Path(__file__).parents[2] / "docs" / "proxy.md").read_text(encoding="utf-8")


def test_document_lists_the_bounds_of_bodies() -> None:
    assert f"| {request_bodies.MAX_BODY_BYTES:,} bytes, by `Content-Length` first" in DOCUMENT
    assert f"| the time of a body | {request_bodies.BODY_SECONDS:.0f} seconds |" in DOCUMENT
    assert f"| {request_bodies.MOST_UNFINISHED_BYTES:,} bytes | 503 |" in DOCUMENT


def test_document_lists_the_bounds_of_connections() -> None:
    seconds = connections.CHECK_SECONDS
    assert f"| {seconds:.0f} to {2 * seconds:.0f} seconds | the connection is closed |" in DOCUMENT
    assert f"| {connections.MOST_WAITING}; one more closes the oldest |" in DOCUMENT


def test_document_lists_the_bounds_of_passwords() -> None:
    assert f"`CONSOLE_PASSWORD` has {SHORTEST_PASSWORD} characters or more" in DOCUMENT
    assert "by 1 second, to the next ones of the same address by 2\nand 3 seconds" in DOCUMENT
    assert (password_check.DELAY_SECONDS, password_check.LONGEST_DELAY_SECONDS) == (1, 3)
    assert "Eight wrong passwords are delayed at the same time" in DOCUMENT
    assert password_check.MOST_DELAYED == 8
