"""Connections between users and organisations, saved as `booksync connect` saves them."""

import datetime as dt
import uuid

from sqlalchemy import Engine, text

from db import connections, openings
from db.connections import Connection, NewConnection
from domain.reminders.opening import Backlog
from domain.users import UserId

A_DAY_SECONDS = 86400.0


def a_new_connection(*, user_id: UserId | None = None, organization_id: str = "10234695") -> NewConnection:
    """An organisation in London; its secrets are not encrypted."""
    return NewConnection(
        user_id=user_id or uuid.uuid4(),
        organization_id=organization_id,
        data_center="eu",
        refresh_token="refresh-1",
        webhook_secret="webhook-1",
        access_token="access-1",
        access_token_seconds=0.0,
        api_domain="https://www.zohoapis.eu",
        time_zone="Europe/London",
        country_code="GB",
        currency_code="GBP",
    )


def save(engine: Engine, new: NewConnection, *, interval: float = A_DAY_SECONDS) -> tuple[uuid.UUID, str]:
    """The connection's id and its webhook secret; both syncs are due after `interval` seconds."""
    with engine.begin() as db:
        return connections.save(db, new, sync_interval_seconds=interval, full_sync_interval_seconds=interval)


#: Before all events of the tests.
OPENED_AT = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def a_connection(
    engine: Engine, *, user_id: UserId | None = None, organization_id: str | None = None, is_open: bool = True
) -> Connection:
    """A connection, by default to an organisation of its own; it hands over if `is_open`."""
    with engine.connect() as db:
        is_first = db.execute(text("SELECT FROM booksync.zoho_connections")).first() is None
    number = organization_id or ("10234695" if is_first else str(uuid.uuid4().int % 10**8))
    connection_id, _ = save(engine, a_new_connection(user_id=user_id, organization_id=number))
    with engine.begin() as db:
        if is_open:
            openings.open_handover(db, connection_id, Backlog.NONE, now=OPENED_AT)
        return connections.connection(db, connection_id)
