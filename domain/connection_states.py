"""The states of a connection, and what a person may do with a connection in each state."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from domain.errors import BooksyncError


class ConnectionStatus(StrEnum):
    """The state of a connection. Only an active connection gets work from schedulers and webhooks."""

    ACTIVE = "active"
    PARKED = "parked"  #: parked: Zoho refuses the connection until a person acts
    PAUSED = "paused"  #: paused: a person has stopped the connection until `booksync resume`
    DISCONNECTED = "disconnected"  #: disconnected: tokens and webhook secret are deleted, cached rows stay
    ERASING = "erasing"  #: disconnected, and `booksync erase` deletes the connection's rows


class Command(StrEnum):
    """What a person asks for a connection."""

    SYNC = "sync"
    VERIFY = "verify"
    PAUSE = "pause"
    RESUME = "resume"
    DISCONNECT = "disconnect"
    OPEN = "open the handovers of"
    WEBHOOK = "show the webhook secret of"
    SHARE = "share the grant of"


class WrongStateError(BooksyncError):
    """The connection's state does not allow what was requested. The message names the next step."""


_CONNECTED: Final = frozenset({ConnectionStatus.ACTIVE, ConnectionStatus.PARKED, ConnectionStatus.PAUSED})
_WORKING: Final = frozenset({ConnectionStatus.ACTIVE, ConnectionStatus.PARKED})

#: Command → the states in which it is possible. A command whose effect has been reached already changes nothing.
_POSSIBLE: Final[Mapping[Command, frozenset[ConnectionStatus]]] = {
    Command.SYNC: _WORKING,
    Command.VERIFY: _CONNECTED,
    Command.PAUSE: _CONNECTED,
    Command.RESUME: _CONNECTED,
    Command.DISCONNECT: _CONNECTED | {ConnectionStatus.DISCONNECTED},
    Command.OPEN: _WORKING,
    Command.WEBHOOK: _CONNECTED,
    Command.SHARE: _CONNECTED,
}


def require_possible(command: Command, status: ConnectionStatus, connection: str) -> None:
    """Check that the state allows the command; `connection` is the connection's id, for the message.

    Raises:
        WrongStateError: it does not. The message names the state and the next step.
    """
    if status in _POSSIBLE[command]:
        return
    raise WrongStateError(f"booksync does not {command} connection {connection}: {state_sentence(status, connection)}")


def state_sentence(status: ConnectionStatus, connection: str) -> str:
    """The state of a connection that does not work, with the next step; empty for an active connection."""
    match status:
        case ConnectionStatus.ACTIVE:
            return ""
        case ConnectionStatus.PARKED:
            return f"It is parked, because Zoho refuses it. Next: booksync resume {connection}, or booksync connect"
        case ConnectionStatus.PAUSED:
            return f"It is paused. Next: booksync resume {connection}"
        case ConnectionStatus.DISCONNECTED:
            return (
                "It is disconnected. Next: booksync connect with the same user and organisation, or "
                f"booksync erase {connection}"
            )
        case ConnectionStatus.ERASING:
            return f"Its rows are being erased. Next: booksync erase {connection}, which completes the erasure"
