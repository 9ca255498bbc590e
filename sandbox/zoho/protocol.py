"""Uvicorn's HTTP protocol, extended so that the application can reach each connection's transport."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol


class TransportInScope(H11Protocol):
    """Adds `scope["state"]["transport"]`, because a fault resets the connection and ASGI has no message for that."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # As in uvicorn.
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}
