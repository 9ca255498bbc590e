"""The authoritative clock: Postgres's, because the clocks of the hosts differ."""

from datetime import datetime

from sqlalchemy import Connection, text


def present(connection: Connection) -> datetime:
    """The present time, also within a long transaction."""
    now: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return now
