"""The simulator's HTTP server: Starlette routes, and the connection failures that faults cause."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from sandbox.zoho.consent import AUTH_PATH, ConsentPage
from sandbox.zoho.control_routes import Restart, control_routes
from sandbox.zoho.responses import Response
from sandbox.zoho.server_requests import RestartRequest
from sandbox.zoho.simulator import REVOKE_PATH, TOKEN_PATH, Simulator, Visit

BOOKS_PREFIX = "/books/v3"
ENDLESS_CHUNK_BYTES = 65_536
RESET_AT_ONCE = struct.pack("ii", 1, 0)
"""The value of SO_LINGER with a timeout of 0: closing the socket then sends a reset (RST) instead of a FIN."""


def zoho_app(simulator: Simulator, restart: Restart | None = None) -> Starlette:
    return Starlette(
        routes=[
            Mount(BOOKS_PREFIX, app=BooksEndpoint(simulator)),
            Route(AUTH_PATH, ConsentPage(simulator).respond, methods=["GET", "POST"]),
            Route(TOKEN_PATH, TokenEndpoint(simulator)),
            Route(REVOKE_PATH, TokenEndpoint(simulator)),
            Mount("/_sandbox", routes=control_routes(simulator, restart)),
        ]
    )


class RestartableApp:
    """Serves the present simulator over HTTP; `POST /_sandbox/restart` replaces it by what `make` returns."""

    def __init__(self, make: Callable[[RestartRequest], Simulator]) -> None:
        self._make = make
        self._restart(RestartRequest())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def _restart(self, request: RestartRequest) -> None:
        self.simulator = self._make(request)
        self._app = zoho_app(self.simulator, self._restart)


class BooksEndpoint:
    """Serves everything under `/books/v3`. The endpoint is plain ASGI, because it serves hundreds of lists a second."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        simulator = self._simulator
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        path = scope["path"].removeprefix(BOOKS_PREFIX)
        visit = simulator.arrive(path, query, _header(scope, b"authorization"), scope["method"])
        await _attend(simulator, visit, lambda: simulator.response(visit), scope, receive, send)


class TokenEndpoint:
    """Serves `POST /oauth/v2/token` and `…/revoke`; parameters may be in the form, the query or both, as in Zoho."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        simulator = self._simulator
        request = Request(scope, receive)
        visit = simulator.arrive(request.url.path, {}, "")
        body = (await request.body()).decode("latin-1")
        form = {**request.query_params, **dict(parse_qsl(body))}
        await _attend(simulator, visit, lambda: simulator.token_response(visit, form), scope, receive, send)


async def _attend(
    simulator: Simulator, visit: Visit, response: Callable[[], Response], scope: Scope, receive: Receive, send: Send
) -> None:
    """Finish a call with a response, half a response, or a dropped connection."""
    try:
        if visit.delay_seconds:
            await asyncio.sleep(visit.delay_seconds)
        if visit.hang_seconds is not None:
            await _hang(receive, visit.hang_seconds)
        if visit.hang_seconds is not None or visit.reset == "before":
            await _reset(scope, receive)
            return
        given = response()
        if given.is_endless:
            await _send_without_end(receive, send, given, simulator.http_date())
            return
        await _send(send, given, simulator.http_date(), cut_in_half=visit.reset == "middle")
        if visit.reset == "middle":
            scope["state"]["transport"].close()
            await _gone(receive)
    finally:
        simulator.leave(visit)


async def _send(send: Send, response: Response, date: str, *, cut_in_half: bool) -> None:
    await _start(send, response, date, {"Content-Length": str(len(response.body))})
    if cut_in_half:
        await send({"type": "http.response.body", "body": response.body[: len(response.body) // 2], "more_body": True})
        return
    await send({"type": "http.response.body", "body": response.body})


async def _send_without_end(receive: Receive, send: Send, response: Response, date: str) -> None:
    """Send chunks until the client disconnects. uvicorn raises no error then, so the disconnection is watched."""
    await _start(send, response, date, {})
    chunk = response.body * (ENDLESS_CHUNK_BYTES // len(response.body) + 1)
    gone = asyncio.ensure_future(_gone(receive))
    while not gone.done():
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await asyncio.sleep(0)


async def _start(send: Send, response: Response, date: str, framing: Mapping[str, str]) -> None:
    headers = {"Date": date, "Content-Type": response.content_type, **framing, "Server": "ZGS", **response.headers}
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": encoded})


async def _hang(receive: Receive, seconds: float) -> None:
    """Wait `seconds`, or until the client disconnects."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await _gone(receive)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _reset(scope: Scope, receive: Receive) -> None:
    transport: asyncio.Transport = scope["state"]["transport"]
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_ONCE)
    transport.abort()
    # The handler waits until uvicorn sees the disconnect; otherwise uvicorn sends a 500 to a closed connection.
    await _gone(receive)


def _header(scope: Scope, wanted: bytes) -> str:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    return next((value.decode("latin-1") for name, value in headers if name == wanted), "")
