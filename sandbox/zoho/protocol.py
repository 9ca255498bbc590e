"""Uvicorn's HTTP protocol, with each connection's transport within the application's reach."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol


class TransportInScope(H11Protocol):
    """`scope["state"]["transport"]`: what a fault needs to reset a connection, which ASGI has no word for."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # As in uvicorn.
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}
