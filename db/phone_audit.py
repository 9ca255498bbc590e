"""The statement that finds the phone numbers that a person should check, with the debts of their customers."""

from collections.abc import Iterator
from decimal import Decimal

from sqlalchemy import text

from db.connections import Connection
from db.session import Session
from domain.invoices import CLOSED_STATUSES
from domain.phone_audit import AuditRules, PhoneFacts

# Amounts are passed as text, because JSON numbers become floats. Names count as in the rule for shared numbers.
_DOUBTFUL = text("""
    WITH balance AS (
        SELECT customer_id, coalesce(currency_code, '') AS currency, sum(balance) AS amount
          FROM invoices_cache
         WHERE connection_id = :connection_id AND status <> ALL(:closed_statuses)
           AND coalesce(nullif(balance, 'NaN'), 0) > 0
         GROUP BY 1, 2
    ), owed AS (
        SELECT customer_id, jsonb_object_agg(currency, amount::text) AS amounts FROM balance GROUP BY 1
    ), sharing AS (
        SELECT primary_phone, count(DISTINCT lower(btrim(customer_name))) AS names
          FROM booksync.customers_cache
         WHERE user_id = :user_id AND phone_problem IS NULL AND primary_phone IS NOT NULL AND status <> 'deleted'
         GROUP BY 1 HAVING count(*) > 1
    )
    SELECT customer.zoho_customer_id, customer.customer_name, customer.primary_phone, customer.phone_problem,
           coalesce(phone_verdict ->> 'raw', customer.primary_phone) AS phone_text,
           phone_verdict ->> 'not_callable' AS not_callable, phone_verdict ->> 'kind' AS kind,
           phone_verdict -> 'doubts' AS doubts, phone_verdict ->> 'assumed_country' AS assumed_country,
           coalesce(sharing.names, 1) AS names, owed.amounts
      FROM booksync.customers_cache AS customer
      LEFT JOIN owed ON owed.customer_id = customer.id
      LEFT JOIN sharing ON sharing.primary_phone = customer.primary_phone AND customer.phone_problem IS NULL
     WHERE customer.connection_id = :connection_id AND customer.status <> 'deleted'
       AND customer.primary_phone IS NOT NULL AND NOT phone_verdict @> '{"confirmed": true}'
       AND (customer.phone_problem IS NOT NULL
            OR phone_verdict ->> 'not_callable' IS NOT NULL
            OR phone_verdict ->> 'kind' = ANY(:kinds_not_called)
            OR phone_verdict -> 'doubts' ->> 0 IS NOT NULL
            OR phone_verdict ->> 'assumed_country' IS NOT NULL
            OR :shared_by > 0 AND sharing.names >= :shared_by)
""")

_CURRENCY = text("SELECT currency_code FROM booksync.zoho_connections WHERE id = :connection_id")


def doubtful(db: Session, connection: Connection, rules: AuditRules) -> Iterator[PhoneFacts]:
    """The live customers whose number is refused, not called or doubtful, without those with confirmed numbers.

    The customers come in no order.
    """
    rows = db.execute(
        _DOUBTFUL,
        {
            "connection_id": connection.connection_id,
            "user_id": connection.user_id,
            "closed_statuses": sorted(CLOSED_STATUSES),
            "kinds_not_called": list(rules.kinds_not_called),
            "shared_by": rules.shared_by,
        },
    )
    for row in rows:
        yield PhoneFacts(
            customer_id=row.zoho_customer_id,
            customer=row.customer_name,
            phone_text=row.phone_text,
            number=None if row.phone_problem else row.primary_phone,
            problem=row.phone_problem,
            not_callable=row.not_callable,
            kind=row.kind,
            doubts=tuple(row.doubts or ()),
            assumed_country=row.assumed_country,
            names=row.names,
            owed={currency: Decimal(amount) for currency, amount in (row.amounts or {}).items()},
        )


def home_currency(db: Session, connection: Connection) -> str:
    """The organisation's own currency; "" if it is unknown."""
    return db.execute(_CURRENCY, {"connection_id": connection.connection_id}).scalar_one() or ""
