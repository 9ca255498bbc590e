"""Statements over Zoho's own reminder switch: only detail answers tell it, and nothing is handed over before."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from db.connections import Link

#: How long ahead of a reminder its customer is asked about.
AHEAD = timedelta(days=1)

#: An answer without the switch is believed for this long; then one call asks again.
_ASK_AGAIN_AFTER = timedelta(days=1)

_UNKNOWN = text("""
    SELECT customer.zoho_customer_id
      FROM reminders AS reminder
      JOIN customers_cache AS customer ON customer.id = reminder.customer_id
     WHERE reminder.status = 'scheduled' AND reminder.closes_at IS NOT NULL AND reminder.scheduled_at <= :until
       AND customer.connection_id = :connection_id
       AND customer.payment_reminder_enabled IS NULL
       AND (customer.switch_asked_at IS NULL OR customer.switch_asked_at < :asked_before)
     GROUP BY customer.zoho_customer_id
     ORDER BY min(reminder.scheduled_at), customer.zoho_customer_id
     LIMIT :limit
""")


def unknown(connection: Connection, link: Link, *, now: datetime, limit: int) -> Sequence[str]:
    """Zoho's ids of customers with a reminder due within a day whose switch is not known, the most urgent first."""
    return (
        connection.execute(
            _UNKNOWN,
            {
                "connection_id": link.connection_id,
                "until": now + AHEAD,
                "asked_before": now - _ASK_AGAIN_AFTER,
                "limit": limit,
            },
        )
        .scalars()
        .all()
    )


def note_asked(connection: Connection, link: Link, zoho_customer_id: str, *, now: datetime) -> None:
    """A call has been made, whatever it told: it is not repeated for a day."""
    connection.execute(
        text("""
            UPDATE customers_cache SET switch_asked_at = :now
             WHERE user_id = :user_id AND zoho_customer_id = :zoho_customer_id AND connection_id = :connection_id
        """),
        {
            "user_id": link.user_id,
            "connection_id": link.connection_id,
            "zoho_customer_id": zoho_customer_id,
            "now": now,
        },
    )
