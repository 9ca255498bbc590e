"""Statements over scheduler_marks: periodic work that only one of all schedulers does at a time."""

from sqlalchemy import text

from db.session import Session

#: The mark of the schedulers' heartbeat.
TICK = "tick"

#: After this time without a tick of any scheduler, the schedulers need attention.
LONGEST_SILENCE_SECONDS = 60.0


def take(db: Session, name: str, *, every_seconds: float) -> bool:
    """Acquire this periodic work if it is due; no other scheduler acquires it within `every_seconds`."""
    taken = db.execute(
        text("""
            INSERT INTO booksync.scheduler_marks AS marks (name, marked_at) VALUES (:name, clock_timestamp())
            ON CONFLICT (name) DO UPDATE SET marked_at = excluded.marked_at
             WHERE marks.marked_at <= excluded.marked_at - make_interval(secs => :every_seconds)
            RETURNING name
        """),
        {"name": name, "every_seconds": every_seconds},
    ).scalar_one_or_none()
    return taken is not None


def make_due(db: Session, name: str) -> None:
    """Make this periodic work due now."""
    db.execute(text("UPDATE booksync.scheduler_marks SET marked_at = 'epoch' WHERE name = :name"), {"name": name})


_SPEND = text("""
    INSERT INTO booksync.scheduler_marks AS marks (name, marked_at)
    SELECT :name, clock_timestamp() - make_interval(secs => :refill_seconds) + make_interval(secs => :seconds)
     WHERE CAST(:seconds AS float) <= CAST(:refill_seconds AS float)
    ON CONFLICT (name) DO UPDATE
       SET marked_at = greatest(marks.marked_at, clock_timestamp() - make_interval(secs => :refill_seconds))
                     + make_interval(secs => :seconds)
     WHERE greatest(marks.marked_at, clock_timestamp() - make_interval(secs => :refill_seconds))
         + make_interval(secs => :seconds) <= clock_timestamp()
    RETURNING name
""")


def spend(db: Session, name: str, *, seconds: float, refill_seconds: float) -> bool:
    """Spend `seconds` of an allowance, if that many are left; False if fewer are left.

    The full allowance is `refill_seconds`. Each second that passes gives one spent second back.
    """
    values = {"name": name, "seconds": seconds, "refill_seconds": refill_seconds}
    return db.execute(_SPEND, values).scalar_one_or_none() is not None


#: SQL of the seconds since the periodic work `:name` was last done.
SECONDS_SINCE = """
    SELECT extract(epoch FROM clock_timestamp() - marked_at)::float AS seconds
      FROM booksync.scheduler_marks WHERE name = :name
"""


def seconds_since(db: Session, name: str) -> float | None:
    """The seconds since any scheduler last did this periodic work; None if none ever did."""
    seconds: float | None = db.execute(text(SECONDS_SINCE), {"name": name}).scalar_one_or_none()
    return None if seconds is None else max(0.0, seconds)
