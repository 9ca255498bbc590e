"""Finds the console's pages: its routes, and the addresses to which a page links."""

from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from fastapi.routing import APIRoute
from starlette.routing import Match

from workers.web.app import app
from workers.web.console.access import Requirement
from workers.web.console.frame import PAGES

#: The first pages of a visit; the further ones are found by their links.
FIRST_PATHS = tuple(f"/{address}" for address, _ in PAGES)


def routes() -> Iterator[APIRoute]:
    """Every route of the web process."""
    yield from _routes_in(app.router.routes)


def _routes_in(found: Iterable[object]) -> Iterator[APIRoute]:
    for each in found:
        if isinstance(each, APIRoute):
            yield each
        elif (included := getattr(each, "original_router", None)) is not None:
            yield from _routes_in(included.routes)


def requirement_of(route: APIRoute) -> Requirement | None:
    """The role that the route needs; None for a public one."""
    for dependency in route.dependant.dependencies:
        if isinstance(dependency.call, Requirement):
            return dependency.call
    return None


def route_of(method: str, path: str) -> APIRoute | None:
    """The route that responds to the request."""
    scope = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
    return next((route for route in routes() if route.matches(scope)[0] is Match.FULL), None)


class PageParser(HTMLParser):
    """The addresses of a page's links, and the addresses of its POST forms."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a" and given.get("href"):
            self.links.append(given["href"] or "")
        if tag == "form" and (given.get("method") or "").lower() == "post":
            self.forms.append(given.get("action") or "")


def forms_of(html: str, path: str) -> list[str]:
    """The paths to which the page's forms are sent."""
    return [urlsplit(urljoin(path, address)).path for address in _parsed(html).forms]


class Tour:
    """The paths that a visit of the whole console still has to open, a few of each route.

    A page of the navigation that has no route yet is left out.
    """

    def __init__(self, *, most_of_a_route: int = 2) -> None:
        """`most_of_a_route` is the number of pages that are opened of one route with the same parameters."""
        self._most = most_of_a_route
        self._opened: dict[str, int] = {}
        self._known: set[str] = set()
        self._to_open: list[str] = []
        for path in FIRST_PATHS:
            self._add(path)

    def __iter__(self) -> Iterator[str]:
        while self._to_open:
            yield self._to_open.pop(0)

    def add_links_of(self, html: str, path: str) -> None:
        """Add the pages to which this page links."""
        for link in _parsed(html).links:
            parts = urlsplit(urljoin(path, link))
            if not parts.scheme and not parts.netloc:
                self._add(parts.path + (f"?{parts.query}" if parts.query else ""))

    def _add(self, path: str) -> None:
        address = urlsplit(path)
        route = route_of("GET", address.path)
        if path in self._known or route is None or _is_endless(route.path):
            return
        self._known.add(path)
        parameters = "&".join(sorted(pair.partition("=")[0] for pair in address.query.split("&")))
        kind = f"{route.path}?{parameters}"
        self._opened[kind] = self._opened.get(kind, 0) + 1
        if self._opened[kind] <= self._most:
            self._to_open.append(path)


def _is_endless(path: str) -> bool:
    """Whether the route is outside the console's pages."""
    return path in {"/healthz", "/readyz", "/metrics"}


def _parsed(html: str) -> PageParser:
    parser = PageParser()
    parser.feed(html)
    return parser
