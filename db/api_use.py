"""Statements over api_use: what the API budget knows when Redis has forgotten it."""

from sqlalchemy import Connection, text


def note_call(connection: Connection, organization_id: str) -> None:
    """A call is about to be made."""
    connection.execute(
        text("""
            INSERT INTO api_use (organization_id, last_call_at) VALUES (:organization_id, clock_timestamp())
            ON CONFLICT (organization_id) DO UPDATE SET last_call_at = clock_timestamp(), updated_at = now()
        """),
        {"organization_id": organization_id},
    )


def seconds_since_last_call(connection: Connection, organization_id: str) -> float | None:
    """Since a call may last have been made, on Postgres's clock; None for never."""
    seconds: float | None = connection.execute(
        text("""
            SELECT extract(epoch FROM clock_timestamp() - last_call_at)::float FROM api_use
             WHERE organization_id = :organization_id
        """),
        {"organization_id": organization_id},
    ).scalar_one_or_none()
    return seconds


def note_pause(connection: Connection, organization_id: str, seconds: float, reason: str) -> None:
    """Zoho has refused a call: the whole organisation pauses that long."""
    connection.execute(
        text("""
            INSERT INTO api_use (organization_id, paused_until, paused_reason)
            VALUES (:organization_id, clock_timestamp() + make_interval(secs => :seconds), :reason)
            ON CONFLICT (organization_id) DO UPDATE
               SET paused_until = excluded.paused_until, paused_reason = excluded.paused_reason, updated_at = now()
        """),
        {"organization_id": organization_id, "seconds": seconds, "reason": reason},
    )


def paused_seconds(connection: Connection, organization_id: str) -> float | None:
    """How much longer the last pause lasts; None where there is none."""
    seconds: float | None = connection.execute(
        text("""
            SELECT extract(epoch FROM paused_until - clock_timestamp())::float FROM api_use
             WHERE organization_id = :organization_id AND paused_until > clock_timestamp()
        """),
        {"organization_id": organization_id},
    ).scalar_one_or_none()
    return seconds
