"""A simulated Zoho that changes while booksync reads it.

It is new for each example, with its own clock, and with events that happen after calls.
"""

import socket
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from threading import Thread
from time import time
from urllib.parse import parse_qsl, urlencode

import uvicorn
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from sandbox.zoho.app import BOOKS_PREFIX, zoho_app
from sandbox.zoho.books import Books
from sandbox.zoho.clock import ManualClock
from sandbox.zoho.data import made_up_books
from sandbox.zoho.in_process import NO_LIMITS
from sandbox.zoho.oauth import Tokens
from sandbox.zoho.protocol import TransportInScope
from sandbox.zoho.simulator import Simulator
from tests.integration.chain.happenings import Change, Event, Passing, Records, Trouble

#: The maximum rows of a page, whatever the request, so that a few dozen records fill many pages.
ROWS_A_PAGE = 10

CONTACTS, INVOICES = 28, 40


@dataclass(frozen=True, slots=True)
class Due:
    """An event, and the number of calls after the previous event at which it is due; 0: at the same moment."""

    calls_later: int
    event: Event


@dataclass
class RestlessZoho:
    """One organisation behind a real address. Due events happen in the server, right after a call's response."""

    url: str = ""
    simulator: Simulator = field(init=False)
    clock: ManualClock = field(init=False)
    _app: Starlette = field(init=False)
    _due: deque[Due] = field(default_factory=deque)
    _calls: int = 0

    def __post_init__(self) -> None:
        self.begin_anew()

    @property
    def books(self) -> Books:
        (books,) = self.simulator.organizations.values()
        return books

    @property
    def organization_id(self) -> str:
        return self.books.organization.organization_id

    def begin_anew(self) -> None:
        """Restores the initial small business, without events."""
        self.clock = ManualClock(float(int(time())))
        books = made_up_books(seed=1, number=0, contacts=CONTACTS, invoices=INVOICES, now=int(self.clock.wall()))
        organizations = {books.organization.organization_id: books}
        self.simulator = Simulator(organizations, Tokens(self.url), NO_LIMITS, self.clock, rng=Random(1))
        self._app = zoho_app(self.simulator)
        self._due.clear()

    def expect(self, due: Iterable[Due]) -> None:
        """Schedules events from the next call on."""
        self._due.extend(due)
        self._calls = 0

    def rest(self) -> None:
        """Ends all events and faults, and makes every row visible that lists showed late."""
        self._due.clear()
        self.simulator.faults.clear()
        self.clock.advance(120)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_call = scope["type"] == "http" and scope["path"].startswith(BOOKS_PREFIX)
        await self._app(_with_short_pages(scope) if is_call else scope, receive, send)
        if is_call:
            self._calls += 1
            while self._due and self._due[0].calls_later <= self._calls:
                self._happens(self._due.popleft().event)
                self._calls = 0

    def _happens(self, event: Event) -> None:
        simulator, records = self.simulator, Records.of(self.books)
        match event:
            case Passing(seconds):
                self.clock.advance(seconds)
            case Trouble():
                simulator.switch_on(event.request(records, self.organization_id))
            case Change():
                simulator.mutate(self.organization_id, event.mutations(records))


def _with_short_pages(scope: Scope) -> Scope:
    query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    if "per_page" in query:
        query["per_page"] = str(min(int(query["per_page"]), ROWS_A_PAGE))
    return {**scope, "query_string": urlencode(query).encode()}


@contextmanager
def restless_zoho() -> Iterator[RestlessZoho]:
    """Serves from a thread until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        restless = RestlessZoho(f"http://127.0.0.1:{listener.getsockname()[1]}")
        config = uvicorn.Config(
            restless,
            http=TransportInScope,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            date_header=False,
            server_header=False,
        )
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield restless
        finally:
            server.should_exit = True
            thread.join()
