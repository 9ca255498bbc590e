"""Browsers that visit the console of one running web process."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from tests.integration.environment import environment_of_a_process
from tests.process_logs import logs_of_a_process
from workers.web.app import app
from workers.web.state import PEER

CONSOLE_PASSWORD = "correct horse"
PASSWORD = "a long enough password"  #: an operator's

SESSION = "booksync_session"  #: the name of the session's cookie
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@dataclass
class ConsoleBrowser:
    """A browser with its own cookies that follows no redirect by itself."""

    runner: asyncio.Runner
    address: str = "192.0.2.1"
    peer: str | None = None  #: the address of the last proxy, if X-Forwarded-For has changed `address`
    base_url: str = "http://booksync.test"
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.runner.run(self.request("GET", path, headers=headers))

    def post(self, path: str, headers: dict[str, str] | None = None, **form: str) -> httpx.Response:
        return self.runner.run(self.request("POST", path, form, headers or {}))

    def sign_in(self, name: str, password: str, **headers: str) -> httpx.Response:
        """Open the sign-in page, and send its form."""
        token = self.token("/sign-in")
        return self.post("/sign-in", headers, csrf_token=token, name=name, password=password)

    def token(self, path: str) -> str:
        """The token of the form on a page."""
        return token_in(self.get(path))

    def is_signed_in(self) -> bool:
        response = self.get("/")
        assert response.status_code in {200, 303}, response.text
        return response.status_code == 200

    async def request(
        self, method: str, path: str, form: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        transport = httpx.ASGITransport(self._connected, client=(self.address, 50_000))
        async with httpx.AsyncClient(transport=transport, base_url=self.base_url, cookies=self.cookies) as client:
            response = await client.request(method, path, data=form, headers=HTML | (headers or {}))
            self.cookies = client.cookies
            return response

    async def _connected(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application with the connection's own address, as the web process records it."""
        await app({**scope, "state": {PEER: self.peer or self.address}}, receive, send)


def token_in(response: httpx.Response) -> str:
    (token,) = set(re.findall(r'name="csrf_token" value="([^"]+)"', response.text))
    return str(token)


@contextmanager
def running_console(monkeypatch: pytest.MonkeyPatch, **servers: str) -> Iterator[asyncio.Runner]:
    """Runs the web process; its environment is `servers`, further variables among them, and what was set before."""
    with environment_of_a_process(monkeypatch, **servers), logs_of_a_process(), asyncio.Runner() as runner:
        lifespan = app.router.lifespan_context(app)
        runner.run(lifespan.__aenter__())
        try:
            yield runner
        finally:
            runner.run(lifespan.__aexit__(None, None, None))


async def _all(requests: Sequence[tuple[ConsoleBrowser, str, dict[str, str]]]) -> list[int]:
    responses = await asyncio.gather(*(browser.request("POST", path, form) for browser, path, form in requests))
    return [response.status_code for response in responses]


def post_at_once(
    runner: asyncio.Runner, path: str, forms: Sequence[tuple[ConsoleBrowser, dict[str, str]]]
) -> list[int]:
    """Send forms of several browsers at the same time; returns the status codes."""
    return runner.run(_all([(browser, path, form) for browser, form in forms]))
