"""Deadlines for HTTP connections whose client does not send or read, because uvicorn has no such deadlines; and the
connections' own addresses.

uvicorn limits only the idle time between two requests. A connection would stay open forever if its client sends no
request, sends only a part of the headers, does not finish a refused body, or does not read the response.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from workers.web.state import PEER
from workers.web.throttled_log import ThrottledLog

#: The time between two checks. A connection without progress between two checks is closed, so after 5 to 10 s.
CHECK_SECONDS = 5.0

#: The most connections that wait for their first request. A further connection closes the oldest, so that file
#: descriptors remain for clients that send requests.
MOST_WAITING = 400

#: The age up to which a waiting connection is not closed. An honest client has sent its headers by then.
_GRACE_SECONDS = 1.0

#: Stands for the object that a connection waits for before its first request.
_FIRST_REQUEST = object()


@contextmanager
def connection_deadlines() -> Iterator[None]:
    """Close HTTP connections that make no progress, during the `with` block; requests know the connection's address.

    The command `uvicorn workers.web.app:app` uses uvicorn's own protocol class, so this function patches that class.
    """
    protocol_class = cast("type[H11Protocol]", AutoHTTPProtocol)
    connection_made = protocol_class.connection_made
    connections = _Connections()

    def connection_made_and_watched(protocol: H11Protocol, transport: asyncio.Transport) -> None:
        connection_made(protocol, transport)
        # uvicorn replaces the client of a request by what X-Forwarded-For says, so the connection's address is kept.
        protocol.app_state = {**protocol.app_state, PEER: protocol.client and protocol.client[0]}
        connections.watch(protocol, transport)

    protocol_class.connection_made = connection_made_and_watched  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        protocol_class.connection_made = connection_made  # type: ignore[method-assign]


class _Connections:
    """The open HTTP connections of a process; used on its event loop only."""

    def __init__(self) -> None:
        # The waiting connections by age; some may have sent their first request already.
        self._new: dict[_Connection, None] = {}
        self._closed = ThrottledLog(
            "HTTP connections whose client makes no progress are closed", action="web.connections_closed"
        )

    def watch(self, protocol: H11Protocol, transport: asyncio.Transport) -> None:
        connection = _Connection(protocol, transport)
        self._new[connection] = None
        self._make_room()
        protocol.loop.call_later(CHECK_SECONDS, self._check, connection)

    def _make_room(self) -> None:
        while len(self._new) > MOST_WAITING:
            oldest = next(iter(self._new))
            if oldest.waits_for() is _FIRST_REQUEST:
                if oldest.age() < _GRACE_SECONDS:
                    return
                self._close(oldest)
            del self._new[oldest]

    def _check(self, connection: "_Connection") -> None:
        self._new.pop(connection, None)
        if not connection.is_open():
            return
        if connection.makes_progress():
            connection.protocol.loop.call_later(CHECK_SECONDS, self._check, connection)
        else:
            self._close(connection)

    def _close(self, connection: "_Connection") -> None:
        connection.transport.abort()
        self._closed.warning()


class _Connection:
    """One HTTP connection, and the client's action for which booksync waited at the last check."""

    def __init__(self, protocol: H11Protocol, transport: asyncio.Transport) -> None:
        self.protocol = protocol
        self.transport = transport
        self._opened_at = protocol.loop.time()
        self._waited_for: object | None = None

    def is_open(self) -> bool:
        return self.protocol in self.protocol.connections

    def age(self) -> float:
        """Return the connection's age in seconds."""
        return self.protocol.loop.time() - self._opened_at

    def makes_progress(self) -> bool:
        """Return whether something has happened on the connection since the last check.

        The result is False if booksync still waits for the same action of the client.
        """
        before, self._waited_for = self._waited_for, self.waits_for()
        return self._waited_for is None or self._waited_for is not before

    def waits_for(self) -> object | None:
        """Return an object that identifies the client's pending action; None while booksync does not wait for it."""
        cycle = cast("RequestResponseCycle | None", self.protocol.cycle)
        if cycle is None:
            return _FIRST_REQUEST if self.is_open() else None
        if not cycle.response_complete:
            return cycle if self.protocol.flow.write_paused else None
        if self.transport.is_closing():
            return cycle  # The client has not read the whole response.
        # uvicorn's own timer is not running, so bytes have arrived since the response: the rest of a body, or the next
        # headers.
        return None if self.protocol.timeout_keep_alive_task is not None else cycle
