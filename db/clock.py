"""The clock that decides: Postgres's, because the hosts' own clocks differ."""

from datetime import datetime

from sqlalchemy import Connection, text


def present(connection: Connection) -> datetime:
    """The present, also within a long transaction."""
    now: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return now
