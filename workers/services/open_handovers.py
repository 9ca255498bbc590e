"""Opens a connection for handovers, after the reminders of all its open invoices are planned again."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from db import clock, connections, customers, openings, reminders, shared_organizations
from db.openings import HandoverState, HandoverTakenError
from db.session import Session
from db.shared_organizations import OtherConnection
from domain.connection_states import Command, require_possible
from domain.errors import BooksyncError
from domain.reminders.opening import Backlog
from domain.reminders.permission import SkipReason
from workers.services import plan_reminders


class OrganizationTakenError(BooksyncError):
    """Another user's connection to the organisation hands its reminders over."""

    def __init__(self, connection_id: uuid.UUID, taker: OtherConnection | None) -> None:
        if taker is None:
            super().__init__(
                "Another connection to the organisation was open a moment ago. Next: booksync reminders open "
                f"{connection_id}"
            )
            return
        super().__init__(
            f"Connection {taker.connection_id} of user {taker.user_id} already hands over the reminders of this "
            "organisation, and its debtors are not to be called for two users. Next: booksync reminders close "
            f"{taker.connection_id}, then booksync reminders open {connection_id}"
        )


@dataclass(frozen=True, slots=True)
class Opened:
    """The result of opening a connection for handovers."""

    opened_at: datetime
    planned: int  #: the invoices whose reminders were planned again
    before_opening: int  #: the invoices without a step left after the opening
    state: HandoverState


def open_handovers(
    engine: Engine,
    connection_id: uuid.UUID,
    backlog: Backlog,
    *,
    on_due: Callable[[int], None] = lambda _: None,
    on_planned: Callable[[int], None] = lambda _: None,
) -> Opened:
    """Open the connection for handovers and plan the reminders of all its open invoices, in one transaction.

    `on_due` receives the number of these invoices, `on_planned` that of each batch. An exception of one of the two
    leaves the connection unchanged.

    Raises:
        UnknownConnectionError: the connection does not exist.
        WrongStateError: the connection is paused or disconnected.
        OrganizationTakenError: another user's connection to the organisation hands its reminders over.
    """
    with engine.begin() as db:
        connection = connections.connection(db, connection_id)
        require_possible(Command.OPEN, connection.status, str(connection_id))
        now = clock.present(db)
        # Customers are locked before invoices, as in every writer; the plans lock invoices batch by batch.
        customers.lock_all(db, connection)
        on_due(_open(db, connection_id, backlog, now=now))
        planned = 0
        while batch := plan_reminders.plan_next(db, connection, now=now):
            planned += batch
            on_planned(batch)
        skipped = reminders.standing(db, connection_id).skipped
        return Opened(now, planned, skipped.get(SkipReason.BEFORE_OPENING, 0), openings.state_of(db, connection_id))


def _open(db: Session, connection_id: uuid.UUID, backlog: Backlog, *, now: datetime) -> int:
    try:
        return openings.open_handover(db, connection_id, backlog, now=now)
    except HandoverTakenError:
        takers = (each for each in shared_organizations.others(db, connection_id) if each.hands_over)
        raise OrganizationTakenError(connection_id, next(takers, None)) from None
