"""The clock that booksync relies on: Postgres's, because the clocks of the hosts differ."""

from datetime import datetime

from sqlalchemy import text

from db.session import Session


def present(db: Session) -> datetime:
    """The present time on Postgres's clock.

    In a long transaction it is later than `now()` in SQL, which returns the start of the transaction.
    """
    now: datetime = db.execute(text("SELECT clock_timestamp()")).scalar_one()
    return now
