"""Lists of invoices for people: by what a person searches for, of a customer, or without a reminder for a reason."""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import text

from db.reminders import OUTCOME
from db.session import Session
from domain.invoices import CLOSED_STATUSES
from domain.reminders.permission import SkipReason
from domain.reminders.plan_changes import SCHEDULED

#: The standing of an invoice on which nothing is owed.
NOT_OPEN = "not_open"

_CLOSED = ", ".join(f"'{status}'" for status in sorted(CLOSED_STATUSES))


@dataclass(frozen=True, slots=True)
class ListedInvoice:
    """One row of a list of invoices."""

    id: uuid.UUID
    connection_id: uuid.UUID
    number: str
    zoho_invoice_id: str
    customer_id: uuid.UUID | None  #: None if the customer is not cached
    customer_name: str = field(repr=False)
    status: str
    due_date: dt.date | None
    balance: Decimal | None
    currency_code: str
    standing: str  #: "scheduled", NOT_OPEN, or a reason, as in `db.reminders.Standing.skipped`


def _cached(chosen: str, order: str) -> str:
    """The SQL of the rows of a list. `chosen` is a condition for a row `invoice`, `order` the order of the list.

    The rows are chosen before their reminders are looked up. Otherwise Postgres expects many rows, and reads all
    reminders.
    """
    return f"""
        SELECT invoice.id, invoice.connection_id, coalesce(invoice.invoice_number, '') AS number,
               invoice.zoho_invoice_id, invoice.customer_id, coalesce(customer.customer_name, '') AS customer_name,
               coalesce(invoice.status, '') AS status, invoice.due_date, invoice.balance,
               coalesce(invoice.currency_code, '') AS currency_code,
               CASE WHEN invoice.status IN ({_CLOSED}) OR coalesce(nullif(invoice.balance, 'NaN'), 0) <= 0
                    THEN '{NOT_OPEN}' ELSE {OUTCOME} END AS standing
          FROM (SELECT * FROM invoices_cache AS invoice WHERE {chosen} ORDER BY {order} LIMIT :limit) AS invoice
          LEFT JOIN booksync.customers_cache AS customer ON customer.id = invoice.customer_id
         ORDER BY {order}
    """  # noqa: S608


_WAITING = f"""
    SELECT id, connection_id, coalesce(invoice ->> 'number', '') AS number, zoho_invoice_id,
           NULL::uuid AS customer_id, '' AS customer_name, coalesce(invoice ->> 'status', '') AS status,
           (invoice ->> 'due_date')::date AS due_date, (invoice ->> 'balance')::numeric AS balance,
           coalesce(invoice ->> 'currency_code', '') AS currency_code,
           CASE WHEN is_open THEN '{SkipReason.CUSTOMER_MISSING}' ELSE '{NOT_OPEN}' END AS standing
      FROM booksync.waiting_invoices
"""  # noqa: S608

_BY_DUE_DATE = "coalesce(invoice.due_date, 'infinity'), invoice.id"

# The order is not that of the primary key: for it Postgres would look for the numbers in all invoices by their keys.
_OF_NUMBER = """
    invoice.connection_id IS NOT NULL
    AND (CAST(:connection_id AS uuid) IS NULL OR invoice.connection_id = :connection_id)
    AND (lower(btrim(invoice.invoice_number)) = lower(:reference) OR invoice.zoho_invoice_id = :reference)
"""
_BY_NUMBER = text(f"""
    ({_cached(_OF_NUMBER, _BY_DUE_DATE)})
     UNION ALL
    ({_WAITING}
      WHERE (lower(btrim(invoice ->> 'number')) = lower(:reference) OR zoho_invoice_id = :reference)
        AND (CAST(:connection_id AS uuid) IS NULL OR connection_id = :connection_id)
      LIMIT :limit)
""")


def by_number(
    db: Session, reference: str, connection_id: uuid.UUID | None = None, *, limit: int
) -> Sequence[ListedInvoice]:
    """The invoices with this number (ignoring case and surrounding blanks) or Zoho id.

    An invoice that waits again after it was cached is in the list twice: marked deleted, and waiting.
    """
    rows = db.execute(_BY_NUMBER, {"reference": reference.strip(), "connection_id": connection_id, "limit": limit})
    return [ListedInvoice(**row._mapping) for row in rows][:limit]


#: The reason of an invoice that waits for its customer. Such invoices are in a table of their own.
_MISSING = SkipReason.CUSTOMER_MISSING

_COUNTS = text(f"""
    SELECT plan_outcome AS reason, count(*) AS invoices FROM invoices_cache
     WHERE connection_id = :connection_id AND plan_outcome <> '{SCHEDULED}' GROUP BY 1
     UNION ALL
    SELECT '{_MISSING}', count(*) FROM booksync.waiting_invoices
     WHERE connection_id = :connection_id AND is_open HAVING count(*) > 0
""")  # noqa: S608


def reasons(db: Session, connection_id: uuid.UUID) -> dict[str, int]:
    """The numbers of the connection's open invoices without a reminder by reason, the most frequent first.

    The reasons are those of the last plans. An invoice that has never been planned has none.
    """
    counted: Counter[str] = Counter()
    for row in db.execute(_COUNTS, {"connection_id": connection_id}):
        counted[row.reason] += row.invoices
    return dict(counted.most_common())


_OF_REASON = f"""
    invoice.connection_id = :connection_id AND invoice.plan_outcome = :reason
    AND invoice.plan_outcome <> '{SCHEDULED}'
"""
# The scalar subquery is computed once, so that the index finds the first row.
_AFTER = f"""
    AND ({_BY_DUE_DATE}) > (
        (SELECT coalesce(due_date, 'infinity') FROM invoices_cache WHERE id = :after), CAST(:after AS uuid))
"""  # noqa: S608
_FIRST_OF_REASON = text(_cached(_OF_REASON, _BY_DUE_DATE))
_NEXT_OF_REASON = text(_cached(_OF_REASON + _AFTER, _BY_DUE_DATE))
_WAITING_ONES = text(f"""
    {_WAITING}
     WHERE connection_id = :connection_id AND is_open AND (CAST(:after AS uuid) IS NULL OR id > :after)
     ORDER BY id
     LIMIT :limit
""")


def without_reminder(
    db: Session, connection_id: uuid.UUID, reason: str, *, after: uuid.UUID | None = None, limit: int
) -> Sequence[ListedInvoice]:
    """At most `limit` invoices without a reminder for this reason, those due first come first.

    `after` is the last invoice of the former page. Invoices that wait for their customer are in the order of their ids.
    """
    values = {"connection_id": connection_id, "reason": reason, "after": after, "limit": limit}
    cached = _FIRST_OF_REASON if after is None else _NEXT_OF_REASON
    statement = _WAITING_ONES if reason == _MISSING else cached
    return [ListedInvoice(**row._mapping) for row in db.execute(statement, values)]


_OPEN_OF_CUSTOMER = f"""
    invoice.connection_id = :connection_id AND invoice.customer_id = :customer_id
    AND coalesce(nullif(invoice.balance, 'NaN'), 0) > 0 AND invoice.status NOT IN ({_CLOSED})
"""
_OF_CUSTOMER = text(_cached(_OPEN_OF_CUSTOMER, _BY_DUE_DATE))


def open_of_customer(
    db: Session, connection_id: uuid.UUID, customer_id: uuid.UUID, *, limit: int
) -> Sequence[ListedInvoice]:
    """At most `limit` invoices of a customer on which something is owed, those due first come first."""
    values = {"connection_id": connection_id, "customer_id": customer_id, "limit": limit}
    return [ListedInvoice(**row._mapping) for row in db.execute(_OF_CUSTOMER, values)]
