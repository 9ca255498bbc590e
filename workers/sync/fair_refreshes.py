"""Refreshes a record for a webhook only while its organisation uses less than its share of this process's threads."""

import random
import uuid

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from db import connections
from db.connections import UnknownConnectionError
from db.session import autocommit
from db.webhook_events import Due, RefreshRef
from domain.entities import Entity
from workers.boot.resources import Resources
from workers.queue import send_refresh
from workers.queue.thread_shares import ThreadShares
from workers.sync.one_record import refresh
from workers.sync.refreshes import Refresh, refresh_record

#: The delay of a message whose organisation had no free thread: the message returns behind those of other
#: organisations.
_SHORTEST_DELAY_SECONDS, _LONGEST_DELAY_SECONDS = 0.2, 0.6


def refresh_fairly(
    resources: Resources,
    shares: ThreadShares,
    connection_id: str,
    entity: Entity,
    record_id: str,
    *,
    do: Refresh = refresh,
) -> None:
    """Refresh the record like `refresh_record`. If the organisation's share of threads is used, send the message again.

    A message that is sent again spends no attempt and holds no thread.
    """
    ref = RefreshRef(uuid.UUID(connection_id), entity, record_id)
    with shares.held_for(_organization(resources, ref.connection_id)) as is_granted:
        if is_granted:
            refresh_record(resources, connection_id, entity, record_id, do=do)
            return
    delay = random.uniform(_SHORTEST_DELAY_SECONDS, _LONGEST_DELAY_SECONDS)  # noqa: S311
    send_refresh(resources.broker, Due(ref, delay))


def _organization(resources: Resources, connection_id: uuid.UUID) -> str:
    """The id of the connection's organisation; the connection's own id if Postgres cannot provide it."""
    try:
        with autocommit(resources.engine) as db:
            return connections.connection(db, connection_id).organization_id
    except (UnknownConnectionError, DBAPIError, PoolTimeoutError):
        return str(connection_id)
