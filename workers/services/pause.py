"""Pauses a connection until a person resumes it. Nothing is deleted; events of webhooks are stored and wait."""

import uuid

from sqlalchemy import Engine

from db import connections, pauses
from db.connections import Connection
from domain.connection_states import Command, require_possible


def pause(engine: Engine, connection_id: uuid.UUID, reason: str | None = None) -> Connection:
    """Pause the connection and end its run. A second pause changes only the reason. Returns the paused connection.

    Raises:
        UnknownConnectionError: the connection does not exist.
        WrongStateError: the connection is disconnected.
    """
    with engine.begin() as db:
        require_possible(Command.PAUSE, connections.connection(db, connection_id).status, str(connection_id))
        is_paused = pauses.pause(db, connection_id, reason)
        connection = connections.connection(db, connection_id)
    if not is_paused:
        require_possible(Command.PAUSE, connection.status, str(connection_id))
    return connection
