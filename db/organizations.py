"""Statements over the facts of the organisation itself, which zoho_connections stores."""

import uuid

from sqlalchemy import text

from db.session import Session
from domain.time_zones import known_zone


def update_facts(
    db: Session,
    connection_id: uuid.UUID,
    *,
    name: str,
    time_zone: str,
    country_code: str | None,
    currency_code: str,
) -> None:
    """Write the organisation's facts.

    If booksync does not know the time zone, its name is stored in a column of its own, and the former time zone stays.
    """
    is_known = known_zone(time_zone) is not None
    db.execute(
        text("""
            UPDATE booksync.zoho_connections
               SET organization_name = :name,
                   time_zone = CASE WHEN :is_known THEN :time_zone ELSE time_zone END,
                   unknown_time_zone = CASE WHEN NOT :is_known THEN :time_zone END,
                   country_code = coalesce(:country_code, country_code),
                   currency_code = coalesce(nullif(:currency_code, ''), currency_code)
             WHERE id = :id
        """),
        {
            "id": connection_id,
            "name": name,
            "time_zone": time_zone,
            "is_known": is_known,
            "country_code": country_code,
            "currency_code": currency_code,
        },
    )
