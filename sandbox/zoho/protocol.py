"""Uvicorn's HTTP protocol, which gives the application access to each connection's transport."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol


class TransportInScope(H11Protocol):
    """Adds `scope["state"]["transport"]`, because a fault resets connections and ASGI has no message for that."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # As in uvicorn.
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}
