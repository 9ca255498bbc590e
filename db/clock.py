"""The authoritative clock: Postgres's, because the clocks of the hosts differ."""

from datetime import datetime

from sqlalchemy import text

from db.session import Session


def present(db: Session) -> datetime:
    """The present time, also within a long transaction."""
    now: datetime = db.execute(text("SELECT clock_timestamp()")).scalar_one()
    return now
