"""Opens a connection for handovers, after the reminders of all its open invoices are planned again."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from db import clock, connections, customers, openings, reminders
from db.openings import HandoverState
from domain.opening import Backlog
from domain.permission import SkipReason
from workers.services import plan_reminders


@dataclass(frozen=True, slots=True)
class Opened:
    """The result of opening a connection for handovers."""

    opened_at: datetime
    planned: int  #: the invoices whose reminders were planned again
    before_opening: int  #: the invoices without a step left after the opening
    state: HandoverState


def open_handovers(engine: Engine, connection_id: uuid.UUID, backlog: Backlog) -> Opened:
    """Open the connection for handovers and plan the reminders of all its open invoices, in one transaction.

    Raises:
        UnknownConnectionError: the connection does not exist.
    """
    with engine.begin() as db:
        connection = connections.connection(db, connection_id)
        now = clock.present(db)
        # Customers are locked before invoices, as in every writer; the plans lock invoices batch by batch.
        customers.lock_all(db, connection)
        openings.open_handover(db, connection_id, backlog, now=now)
        planned = 0
        while batch := plan_reminders.plan_due(db, connection, now=now):
            planned += batch
        skipped = reminders.standing(db, connection_id).skipped
        return Opened(now, planned, skipped.get(SkipReason.BEFORE_OPENING, 0), openings.state_of(db, connection_id))
