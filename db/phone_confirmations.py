"""Statements over phone_confirmations: the number that a person has confirmed for a phone text of a customer in Zoho.

A confirmation is valid for that customer and that text only. If the customer no longer has the text, the confirmation
has no effect, but stays in the table. It is needed again if the text comes back: a list row contains the texts of one
person only, and the details add the texts of the other persons.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import text

from db.session import Session


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A person's confirmation that a phone text means this number, and that the number may be called."""

    customer_id: uuid.UUID
    phone_text: str = field(repr=False)  #: the phone text as written in Zoho
    phone: str = field(repr=False)  #: the number in E.164
    note: str = field(repr=False)
    confirmed_at: datetime


@dataclass(frozen=True, slots=True)
class PhoneStanding:
    """The state of a customer's phone number, and of the customer's open invoices."""

    phone: str | None = field(repr=False)  #: the number in E.164, unless there is a problem
    problem: str | None
    not_callable: str | None
    is_confirmed: bool
    open_invoices: int
    with_reminder: int  #: the number of open invoices with a pending reminder


def aggregated(customer: str) -> str:
    """The SQL of a column `confirmed`, for a SELECT over customers_cache with the alias `customer`.

    The column has the customer's confirmations as JSON, phone text → number in E.164, or NULL without confirmations.
    """
    return f"""
        (SELECT jsonb_object_agg(phone_text, phone) FROM booksync.phone_confirmations
          WHERE phone_confirmations.customer_id = {customer}.id) AS confirmed
    """  # noqa: S608  (the aliases are constants)


_CONFIRMATIONS = TypeAdapter(tuple[Confirmation, ...])

#: The SQL of confirmations as JSON, the newest first, over rows `known` of phone_confirmations.
AS_JSON = """
    jsonb_agg(jsonb_build_object('customer_id', known.customer_id, 'phone_text', known.phone_text,
                                 'phone', known.phone, 'note', known.note, 'confirmed_at', known.confirmed_at)
              ORDER BY known.confirmed_at DESC, known.phone_text)
"""


def from_json(confirmations: Sequence[Any] | None) -> tuple[Confirmation, ...]:
    """The confirmations in a value of `AS_JSON`."""
    return _CONFIRMATIONS.validate_python(confirmations or ())


def confirm(db: Session, confirmations: Sequence[Confirmation]) -> None:
    """Store confirmations of phone numbers; each replaces an earlier one for the same text.

    The caller has locked the customers.
    """
    db.exec_driver_sql(
        """
        INSERT INTO booksync.phone_confirmations (customer_id, phone_text, phone, note, confirmed_at)
        SELECT * FROM unnest(%(ids)s::uuid[], %(texts)s::text[], %(phones)s::text[], %(notes)s::text[],
                             %(moments)s::timestamptz[])
        ON CONFLICT (customer_id, phone_text) DO UPDATE
           SET phone = excluded.phone, note = excluded.note, confirmed_at = excluded.confirmed_at
        """,
        {
            "ids": [each.customer_id for each in confirmations],
            "texts": [each.phone_text for each in confirmations],
            "phones": [each.phone for each in confirmations],
            "notes": [each.note for each in confirmations],
            "moments": [each.confirmed_at for each in confirmations],
        },
    )


def withdraw(db: Session, customer_id: uuid.UUID) -> Sequence[Confirmation]:
    """Delete and return the customer's phone confirmations, including those of texts no longer in Zoho."""
    rows = db.execute(
        text("""
            DELETE FROM booksync.phone_confirmations WHERE customer_id = :customer_id
            RETURNING customer_id, phone_text, phone, note, confirmed_at
        """),
        {"customer_id": customer_id},
    )
    return [Confirmation(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class ConfirmedCustomer:
    """A customer with the confirmations of its phone texts, the newest first."""

    id: uuid.UUID
    connection_id: uuid.UUID
    zoho_customer_id: str
    name: str = field(repr=False)
    confirmations: tuple[Confirmation, ...] = field(repr=False)


_CUSTOMERS_WITH_CONFIRMATIONS = """
    SELECT customer.id, customer.connection_id, customer.zoho_customer_id, customer.customer_name AS name,
           {confirmations} AS confirmations
      FROM booksync.phone_confirmations AS known
      JOIN booksync.customers_cache AS customer ON customer.id = known.customer_id
     WHERE {where}
     GROUP BY customer.id
    HAVING {having}
     ORDER BY max(known.confirmed_at) DESC, customer.id
     LIMIT :limit
"""

_AFTER = """
    (max(known.confirmed_at), :after) < ((SELECT max(confirmed_at) FROM booksync.phone_confirmations
                                           WHERE customer_id = :after), customer.id)
"""


def of_customers(
    db: Session, *, connection_id: uuid.UUID | None = None, after: uuid.UUID | None = None, limit: int
) -> Sequence[ConfirmedCustomer]:
    """At most `limit` customers with confirmations, the newest ones first: those behind the customer `after`.

    Persons make confirmations one by one, so there are few enough to be sorted.
    """
    where = "customer.connection_id = :connection_id" if connection_id else "customer.connection_id IS NOT NULL"
    statement = _CUSTOMERS_WITH_CONFIRMATIONS.format(
        confirmations=AS_JSON, where=where, having=_AFTER if after else "true"
    )
    values = {"connection_id": connection_id, "after": after}
    rows = db.execute(
        text(statement), {"limit": limit} | {name: value for name, value in values.items() if value is not None}
    )
    return [ConfirmedCustomer(**(row._asdict() | {"confirmations": from_json(row.confirmations)})) for row in rows]


_STANDING = text("""
    SELECT id, primary_phone, phone_problem, phone_verdict ->> 'not_callable' AS not_callable,
           phone_verdict @> '{"confirmed": true}' AS is_confirmed,
           (SELECT count(*) FROM invoices_cache AS invoice
             WHERE invoice.customer_id = customers_cache.id AND plan_outcome IS NOT NULL) AS open_invoices,
           (SELECT count(DISTINCT invoice_id) FROM reminders
             WHERE reminders.customer_id = customers_cache.id AND reminders.status = 'scheduled') AS with_reminder
      FROM booksync.customers_cache WHERE id = ANY(:ids)
""")


def standing(db: Session, customer_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, PhoneStanding]:
    """The state of these customers' phone numbers in the cache."""
    rows = db.execute(_STANDING, {"ids": list(customer_ids)})
    return {
        row.id: PhoneStanding(
            phone=row.primary_phone,
            problem=row.phone_problem,
            not_callable=row.not_callable,
            is_confirmed=row.is_confirmed,
            open_invoices=row.open_invoices,
            with_reminder=row.with_reminder,
        )
        for row in rows
    }
