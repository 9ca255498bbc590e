"""Erases a connection: disconnects it, then deletes all of its rows in batches. An interrupted erasure is continued."""

import uuid
from collections.abc import Callable
from functools import partial

import structlog

from db import erasures
from db.erasures import ERASED, Receipt
from db.session import Session
from db.transactions import in_transaction
from domain.connection_names import SHORTEST_BEGINNING
from domain.connection_states import WrongStateError
from workers.boot.resources import Resources
from workers.services.disconnect import Disconnected, complete_disconnect

log = structlog.get_logger(__name__)


def erase(
    resources: Resources, connection_id: uuid.UUID, *, on_progress: Callable[[int], None] = lambda _: None
) -> tuple[Disconnected, Receipt]:
    """Disconnect the connection and delete its rows. The user's do-not-call numbers stay in force.

    Each batch is one transaction, which also adds its counts to the receipt. So a killed erasure is continued by a
    second command, and its receipt counts every row once. `on_progress` is called with the rows deleted so far.

    Raises:
        UnknownConnectionError: the connection does not exist.
        WrongStateError: the connection was connected again in the meantime.
    """
    ended = complete_disconnect(resources, connection_id)
    if not in_transaction(resources.engine, lambda db: erasures.begin(db, connection_id)):
        raise WrongStateError(
            f"Connection {connection_id} was connected again in the meantime, so nothing is erased. Next: booksync "
            f"erase {connection_id}, if it is still to be erased"
        )
    deleted = 0
    for erased in ERASED:
        batch = partial(erasures.erase_batch, connection_id=connection_id, erased=erased)
        while count := in_transaction(resources.engine, batch):
            deleted += count
            on_progress(deleted)
    receipt = in_transaction(resources.engine, lambda db: erasures.finish(db, connection_id))
    log.info("A connection is erased", action="connection.erased", connection_id=str(connection_id))
    return ended, receipt


def receipt_of_erased(db: Session, given: str) -> Receipt | None:
    """Return the receipt of the erased connection whose id begins so; None if there is none, or more than one."""
    if len(given.strip()) < SHORTEST_BEGINNING:
        return None
    found = erasures.finished(db, given.strip())
    return found[0] if len(found) == 1 else None
