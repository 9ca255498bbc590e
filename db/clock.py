"""The clock that booksync relies on: Postgres's, because the clocks of the hosts differ."""

from datetime import datetime

from sqlalchemy import text

from db.session import Session


def present(db: Session) -> datetime:
    """The present time of Postgres, not the start of the transaction, because a transaction may be long."""
    now: datetime = db.execute(text("SELECT clock_timestamp()")).scalar_one()
    return now
