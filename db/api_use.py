"""Statements over api_use: the part of the API budget's state that must survive if Redis loses its data."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from db.session import Session


def note_calls(db: Session, organization_id: str, *, seconds: float) -> None:
    """Record that a process may make calls to Zoho during the next `seconds`."""
    db.execute(
        text("""
            INSERT INTO booksync.api_use AS known (organization_id, last_call_at)
            VALUES (:organization_id, clock_timestamp() + make_interval(secs => :seconds))
            ON CONFLICT (organization_id) DO UPDATE
               SET last_call_at = greatest(known.last_call_at, excluded.last_call_at), updated_at = now()
        """),
        {"organization_id": organization_id, "seconds": seconds},
    )


def seconds_since_last_call(db: Session, organization_id: str) -> float | None:
    """Seconds since the organisation's last possible call to Zoho, on Postgres's clock; None without a recorded call.

    The number is negative while a process may still make calls under its last `note_calls`.
    """
    seconds: float | None = db.execute(
        text("""
            SELECT extract(epoch FROM clock_timestamp() - last_call_at)::float FROM booksync.api_use
             WHERE organization_id = :organization_id
        """),
        {"organization_id": organization_id},
    ).scalar_one_or_none()
    return seconds


#: SQL of the connected organisations with calls within the last day.
WITH_RECENT_CALLS = """
    SELECT organization_id FROM booksync.api_use
     WHERE last_call_at > clock_timestamp() - interval '1 day'
       AND organization_id IN (SELECT organization_id FROM booksync.zoho_connections)
     ORDER BY 1
"""


def with_recent_calls(db: Session) -> Sequence[str]:
    """The connected organisations with calls within the last day: Redis should have a record of each one."""
    return db.execute(text(WITH_RECENT_CALLS)).scalars().all()


@dataclass(frozen=True, slots=True)
class StoredPause:
    """The remaining time of an organisation's pause, on Postgres's clock."""

    seconds: float
    reason: str | None
    #: The seconds since the last call that checked whether Zoho grants calls again; None without such a call.
    seconds_since_probe: float | None


def note_pause(db: Session, organization_id: str, seconds: float, reason: str, *, is_probed: bool) -> None:
    """Record that Zoho has refused a call: the whole organisation pauses for `seconds`.

    A longer pause that is already recorded stays. With `is_probed`, the refused call was made to check whether Zoho
    grants calls again.
    """
    db.execute(
        text("""
            INSERT INTO booksync.api_use AS known (organization_id, paused_until, paused_reason, probed_at)
            VALUES (:organization_id, clock_timestamp() + make_interval(secs => :seconds), :reason,
                    CASE WHEN :is_probed THEN clock_timestamp() END)
            ON CONFLICT (organization_id) DO UPDATE
               SET paused_until = greatest(known.paused_until, excluded.paused_until),
                   paused_reason = CASE WHEN known.paused_until > excluded.paused_until THEN known.paused_reason
                                        ELSE excluded.paused_reason END,
                   probed_at = coalesce(excluded.probed_at, known.probed_at),
                   updated_at = now()
        """),
        {"organization_id": organization_id, "seconds": seconds, "reason": reason, "is_probed": is_probed},
    )


def note_probe(db: Session, organization_id: str) -> None:
    """Record that a process is about to make one call to check whether Zoho grants calls again.

    Zoho has refused earlier calls, because the day's calls were used up.
    """
    db.execute(
        text("""
            UPDATE booksync.api_use SET probed_at = clock_timestamp(), updated_at = now()
             WHERE organization_id = :organization_id
        """),
        {"organization_id": organization_id},
    )


def forget_pause(db: Session, organization_id: str) -> None:
    """End the organisation's pause."""
    db.execute(
        text("""
            UPDATE booksync.api_use SET paused_until = NULL, paused_reason = NULL, probed_at = NULL, updated_at = now()
             WHERE organization_id = :organization_id
        """),
        {"organization_id": organization_id},
    )


def pause_left(db: Session, organization_id: str) -> StoredPause | None:
    """The remaining time of the organisation's pause; None without a pause."""
    row = db.execute(
        text("""
            SELECT extract(epoch FROM paused_until - clock_timestamp())::float AS seconds, paused_reason,
                   extract(epoch FROM clock_timestamp() - probed_at)::float AS since_probe
              FROM booksync.api_use WHERE organization_id = :organization_id AND paused_until > clock_timestamp()
        """),
        {"organization_id": organization_id},
    ).one_or_none()
    return StoredPause(row.seconds, row.paused_reason, row.since_probe) if row else None


def organizations(db: Session) -> list[str]:
    """Zoho's ids of the organisations that have a connection."""
    found = db.execute(text("SELECT DISTINCT organization_id FROM booksync.zoho_connections ORDER BY 1"))
    return list(found.scalars())


def is_known(db: Session, organization_id: str) -> bool:
    """Whether calls of this organisation were noted, which may have no connection any more."""
    found = db.execute(
        text("SELECT FROM booksync.api_use WHERE organization_id = :organization_id"),
        {"organization_id": organization_id},
    )
    return found.first() is not None
