"""Statements that find what must be asked of Zoho, one detail call each, before money is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from db.connections import Link
from domain.calling_hours import hours_in_common
from domain.calling_window import CallingWindow
from domain.deletions import RecordKind
from domain.invoices import OPEN_STATUSES
from domain.permission import SkipReason
from domain.time_zones import known_zones

#: The time between a question and the reminder that it is asked for, at the longest.
AHEAD = timedelta(days=1)

#: With fewer hours a day in common on all clocks of a number, the address is asked for, because it may name a clock.
FEW_HOURS = timedelta(hours=3)


#: Reasons that rest on facts which a list row may leave out.
_BY_DETAILS = (
    SkipReason.ZOHO_REMINDERS_OFF,
    SkipReason.INVOICE_REMINDERS_OFF,
    SkipReason.SUB_STATUS,
    SkipReason.PAYMENT_UNDER_WAY,
)


@dataclass(frozen=True, slots=True)
class Question:
    """A record whose details are to be read: the present version of a customer or an invoice."""

    kind: RecordKind
    record_id: str  #: Zoho's
    version: datetime  #: its modified time, else `known_contacts.NO_VERSION`


# Each version of a record is asked for once, whatever the answer says.
_QUESTIONS = text("""
    WITH soon AS (
        SELECT DISTINCT reminder.invoice_id, reminder.customer_id
          FROM reminders AS reminder JOIN invoices_cache AS invoice ON invoice.id = reminder.invoice_id
         WHERE reminder.status = 'scheduled' AND reminder.closes_at IS NOT NULL AND reminder.scheduled_at <= :until
           AND invoice.connection_id = :connection_id
    ), forbidden AS (
        SELECT id, customer_id FROM invoices_cache
         WHERE connection_id = :connection_id AND plan_outcome = ANY(:by_details)
    ), question AS (
        SELECT 'customer' AS kind, id AS customer_id, zoho_customer_id AS record_id, zoho_last_modified_at,
               asked_version
          FROM customers_cache
         WHERE connection_id = :connection_id AND status = 'active' AND gone_at IS NULL
           -- Details that could not be understood are asked for once a day.
           AND (switch_asked_at > CAST(:now AS timestamptz) - interval '1 day') IS NOT TRUE
           AND (id IN (SELECT customer_id FROM soon) OR id IN (SELECT customer_id FROM forbidden)
                OR address_state IS NULL AND array_to_string(time_zones, ' ') = ANY(:scattered)
                   AND EXISTS (SELECT FROM invoices_cache AS invoice
                                WHERE invoice.customer_id = customers_cache.id AND plan_outcome IS NOT NULL))
         UNION ALL
        SELECT 'invoice', customer_id, zoho_invoice_id, zoho_last_modified_at, asked_version
          FROM invoices_cache
         WHERE (id IN (SELECT invoice_id FROM soon) OR id IN (SELECT id FROM forbidden)) AND gone_at IS NULL
    )
    SELECT kind, record_id, coalesce(zoho_last_modified_at, 'epoch') AS version
      FROM question
      CROSS JOIN LATERAL (SELECT sum(balance) AS owed FROM invoices_cache AS invoice
                           WHERE invoice.customer_id = question.customer_id AND status = ANY(:open_statuses)) AS debt
     WHERE asked_version IS DISTINCT FROM coalesce(zoho_last_modified_at, 'epoch')
     ORDER BY owed DESC NULLS LAST, customer_id, kind, record_id
     LIMIT :limit
""")


def questions(
    connection: Connection, link: Link, window: CallingWindow, *, now: datetime, limit: int
) -> Sequence[Question]:
    """The next questions, the customers who owe the most first, each before their invoices.

    Asked about are customers and invoices with a reminder due within a day; those that a fact of an earlier version's
    details forbids to ask, since the present version may allow it; and customers with an open invoice whose number may
    ring by clocks that have few hours in common.
    """
    if limit <= 0:
        return []
    rows = connection.execute(
        _QUESTIONS,
        {
            "connection_id": link.connection_id,
            "now": now,
            "until": now + AHEAD,
            "scattered": _scattered(connection, link, window, now),
            "by_details": [str(reason) for reason in _BY_DETAILS],
            "open_statuses": sorted(OPEN_STATUSES),
            "limit": limit,
        },
    )
    return [Question(RecordKind(row.kind), row.record_id, row.version) for row in rows]


def _scattered(connection: Connection, link: Link, window: CallingWindow, now: datetime) -> list[str]:
    """The sets of zones, as `array_to_string` writes them, that leave fewer hours than `FEW_HOURS`."""
    rows = connection.execute(
        text("""
            SELECT DISTINCT time_zones FROM customers_cache
             WHERE connection_id = :connection_id AND cardinality(time_zones) > 1 AND address_state IS NULL
        """),
        {"connection_id": link.connection_id},
    ).scalars()
    return [
        " ".join(names)
        for names in rows
        if (zones := known_zones(names)) and hours_in_common(window, zones, now) < FEW_HOURS
    ]
