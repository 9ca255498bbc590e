"""Statements over phone_confirmations: the number that a person has confirmed for a phone text of a customer in Zoho.

A confirmation is valid for that customer and that text only. If the customer no longer has the text, the confirmation
has no effect, but stays in the table. It is needed again if the text comes back: a list row contains the texts of one
person only, and the details add the texts of the other persons.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import text

from db.connections import Connection
from db.session import Session
from domain.contacts import ContactPerson, ContactStatus
from domain.customers import persons_from_json
from domain.phones import NO_CONFIRMATIONS, Confirmations


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A person's confirmation that a phone text means this number, and that the number may be called."""

    customer_id: uuid.UUID
    phone_text: str = field(repr=False)  #: the phone text as written in Zoho
    phone: str = field(repr=False)  #: the number in E.164
    note: str = field(repr=False)
    confirmed_at: datetime


@dataclass(frozen=True, slots=True)
class ConfirmableCustomer:
    """A cached customer, with all facts that its phone number was chosen from."""

    id: uuid.UUID
    zoho_customer_id: str
    name: str = field(repr=False)
    status: ContactStatus
    persons: tuple[ContactPerson, ...] = field(repr=False)
    country_code: str | None
    country_unknown: str | None = field(repr=False)
    confirmed: Confirmations = field(repr=False)


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


def listed(db: Session, customer_ids: Sequence[uuid.UUID]) -> Sequence[Confirmation]:
    """The phone confirmations of these customers, the newest first."""
    rows = db.execute(
        text("""
            SELECT customer_id, phone_text, phone, note, confirmed_at FROM booksync.phone_confirmations
             WHERE customer_id = ANY(:ids) ORDER BY confirmed_at DESC, customer_id, phone_text
        """),
        {"ids": list(customer_ids)},
    )
    return [Confirmation(*row) for row in rows]


_LOCK = text("""
    SELECT id FROM booksync.customers_cache
     WHERE connection_id = :connection_id AND zoho_customer_id = ANY(:zoho_ids)
     ORDER BY zoho_customer_id
       FOR NO KEY UPDATE
""")

_CUSTOMERS = text(f"""
    SELECT id, zoho_customer_id, customer_name, status, contact_persons, country_code, country_unknown,
           {aggregated("customers_cache")}
      FROM booksync.customers_cache WHERE id = ANY(:ids) ORDER BY zoho_customer_id
""")  # noqa: S608


def lock_customers(
    db: Session, connection: Connection, zoho_customer_ids: Sequence[str]
) -> Mapping[str, ConfirmableCustomer]:
    """Lock the customers with these Zoho ids until the transaction ends."""
    ids = db.execute(_LOCK, {"connection_id": connection.connection_id, "zoho_ids": list(zoho_customer_ids)})
    # Confirmations are read after the lock, because a statement that waits for a lock sees other tables as they were
    # before the wait.
    rows = db.execute(_CUSTOMERS, {"ids": list(ids.scalars())})
    return {
        row.zoho_customer_id: ConfirmableCustomer(
            id=row.id,
            zoho_customer_id=row.zoho_customer_id,
            name=row.customer_name,
            status=ContactStatus(row.status),
            persons=persons_from_json(row.contact_persons),
            country_code=row.country_code,
            country_unknown=row.country_unknown,
            confirmed=row.confirmed or NO_CONFIRMATIONS,
        )
        for row in rows
    }


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
