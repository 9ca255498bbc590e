"""Statements over what was read of a cached contact: when its details were read, its credits, and its persons."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text

from db.connections import Connection
from db.session import Session
from domain.contacts import Contact, ContactPerson
from domain.customers import persons_from_json


def is_cached(db: Session, connection: Connection, zoho_customer_id: str) -> bool:
    """Whether the customer is in this connection's cache, deleted or not."""
    return bool(
        db.execute(
            text("""
                SELECT EXISTS (SELECT FROM booksync.customers_cache WHERE user_id = :user_id
                                  AND zoho_customer_id = :zoho_customer_id AND connection_id = :connection_id)
            """),
            {
                "user_id": connection.user_id,
                "zoho_customer_id": zoho_customer_id,
                "connection_id": connection.connection_id,
            },
        ).scalar_one()
    )


def cached_persons(db: Session, connection: Connection, zoho_customer_id: str) -> tuple[ContactPerson, ...] | None:
    """A customer's persons as cached; None if the customer is not cached."""
    persons = db.execute(
        text("""
            SELECT contact_persons FROM booksync.customers_cache
             WHERE user_id = :user_id AND zoho_customer_id = :zoho_customer_id AND connection_id = :connection_id
        """),
        {
            "user_id": connection.user_id,
            "connection_id": connection.connection_id,
            "zoho_customer_id": zoho_customer_id,
        },
    ).scalar_one_or_none()
    return None if persons is None else persons_from_json(persons)


# The record of a request is only a hint: without it, a later run makes one more call. Locked customers are therefore
# skipped, because a step that has already planned reminders could deadlock with the transaction that writes such a
# customer.
_NOTE = """
    UPDATE booksync.customers_cache SET {column} = noted.value
      FROM (SELECT cached.id, noted.value
              FROM booksync.customers_cache cached
              JOIN unnest(%(ids)s::text[], %(values)s::{type}[]) AS noted (zoho_id, value)
                ON cached.zoho_customer_id = noted.zoho_id
             WHERE user_id = %(user_id)s AND zoho_customer_id = ANY(%(ids)s::text[])
               AND connection_id = %(connection_id)s AND {differs}
               FOR NO KEY UPDATE OF cached SKIP LOCKED) AS noted
     WHERE customers_cache.id = noted.id
"""
_NOTE_OBSERVED = _NOTE.format(column="observed_at", type="timestamptz", differs="observed_at < noted.value")
_NOTE_ASKED = _NOTE.format(
    column="asked_version",
    type="timestamptz",
    differs="""
        asked_version IS DISTINCT FROM noted.value AND coalesce(zoho_last_modified_at, 'epoch') = noted.value
    """,
)
_NOTE_OMISSIONS = _NOTE.format(column="bulk_omits_persons", type="bool", differs="bulk_omits_persons <> noted.value")


# Invoices are locked in the order of every writer. Locked customers are skipped: the next full run records their
# credits.
_NOTE_CREDITS = text("""
    WITH read AS (
        SELECT cached.id, noted.credits, coalesce(nullif(noted.currency, ''), credits_currency) AS currency
          FROM booksync.customers_cache AS cached
          JOIN unnest(CAST(:ids AS text[]), CAST(:credits AS numeric[]), CAST(:currencies AS text[]))
               AS noted (zoho_id, credits, currency) ON cached.zoho_customer_id = noted.zoho_id
         WHERE user_id = :user_id AND connection_id = :connection_id
           AND (unused_credits, credits_currency)
               IS DISTINCT FROM (noted.credits, coalesce(nullif(noted.currency, ''), credits_currency))
         ORDER BY cached.zoho_customer_id
           FOR NO KEY UPDATE OF cached SKIP LOCKED
    ), changed AS (
        UPDATE booksync.customers_cache SET unused_credits = read.credits, credits_currency = read.currency
          FROM read WHERE customers_cache.id = read.id
        RETURNING customers_cache.id
    )
    UPDATE invoices_cache SET plan_at = :now
     WHERE id IN (SELECT id FROM invoices_cache
                   WHERE customer_id IN (SELECT id FROM changed) AND plan_outcome IS NOT NULL
                   ORDER BY zoho_invoice_id FOR NO KEY UPDATE)
""")


def note_observed(db: Session, connection: Connection, observed: Mapping[str, datetime]) -> None:
    """Record the times at which responses have confirmed the cached contacts, even without anything new."""
    _note(db, connection, _NOTE_OBSERVED, observed)


def note_bulk_omissions(db: Session, connection: Connection, omissions: Mapping[str, bool]) -> None:
    """Record for each contact whether the bulk list omits some of its persons.

    The contacts' `updated_at` stays, because the contacts themselves have not changed.
    """
    _note(db, connection, _NOTE_OMISSIONS, omissions)


def note_credits(db: Session, connection: Connection, contacts: Sequence[Contact], *, now: datetime) -> None:
    """Record the unused credits in list rows, because a change of credits does not change Zoho's modified time.

    The customers' open invoices become due for planning, because the credits may now cover them, or no longer cover
    them.
    """
    carrying = [contact for contact in contacts if contact.unused_credits is not None]
    if not carrying:
        return
    db.execute(
        _NOTE_CREDITS,
        {
            "user_id": connection.user_id,
            "connection_id": connection.connection_id,
            "ids": [contact.contact_id for contact in carrying],
            "credits": [contact.unused_credits for contact in carrying],
            "currencies": [contact.currency_code for contact in carrying],
            "now": now,
        },
    )


def note_asked(db: Session, connection: Connection, versions: Mapping[str, datetime]) -> None:
    """Record for which versions of contacts the details were requested.

    A version is the contact's modified time in Zoho, or `NO_VERSION` for a contact without one.
    """
    _note(db, connection, _NOTE_ASKED, versions)


def note_unreadable(db: Session, connection: Connection, zoho_customer_id: str, *, now: datetime) -> None:
    """Record that a contact's details could not be understood.

    Such details count as unread, and are requested again in a day.
    """
    db.execute(
        text("""
            UPDATE booksync.customers_cache SET switch_asked_at = :now
             WHERE user_id = :user_id AND zoho_customer_id = :zoho_customer_id AND connection_id = :connection_id
        """),
        {
            "user_id": connection.user_id,
            "connection_id": connection.connection_id,
            "zoho_customer_id": zoho_customer_id,
            "now": now,
        },
    )


def oldest_details(
    db: Session, connection: Connection, run_id: uuid.UUID, *, before: datetime, limit: int
) -> list[str]:
    """The live customers whose details were never read, or last read before `before`, oldest first, at most `limit`.

    If a customer's details could not be understood, the time of their request is used. Otherwise such customers would
    always come first. Customers whose call has failed in this run are omitted.
    """
    rows = db.execute(
        text("""
            SELECT zoho_customer_id FROM booksync.customers_cache
             WHERE connection_id = :connection_id AND status <> 'deleted' AND gone_at IS NULL
               AND coalesce(greatest(details_observed_at, switch_asked_at), '-infinity') < :before
               AND NOT EXISTS (SELECT FROM booksync.failed_records
                                WHERE run_id = :run_id AND kind = 'customer' AND record_id = zoho_customer_id)
             ORDER BY greatest(details_observed_at, switch_asked_at) NULLS FIRST, zoho_customer_id
             LIMIT :limit
        """),
        {"connection_id": connection.connection_id, "run_id": run_id, "before": before, "limit": limit},
    ).scalars()
    return list(rows)


def note_details_read(db: Session, connection: Connection, contact: Contact, *, observed_at: datetime) -> None:
    """Record that a contact's details were read again and equal the cached ones, unless a newer version is cached."""
    db.execute(
        text("""
            UPDATE booksync.customers_cache SET details_observed_at = :observed_at
             WHERE user_id = :user_id AND zoho_customer_id = :zoho_customer_id AND connection_id = :connection_id
               AND coalesce(details_observed_at, '-infinity') < :observed_at
               AND coalesce(zoho_last_modified_at, '-infinity')
                   <= coalesce(CAST(:modified_at AS timestamptz), 'infinity')
        """),
        {
            "user_id": connection.user_id,
            "zoho_customer_id": contact.contact_id,
            "connection_id": connection.connection_id,
            "observed_at": observed_at,
            "modified_at": contact.modified_at,
        },
    )


def _note(db: Session, connection: Connection, statement: str, noted: Mapping[str, Any]) -> None:
    if not noted:
        return
    db.exec_driver_sql(
        statement,
        {
            "user_id": connection.user_id,
            "connection_id": connection.connection_id,
            "ids": list(noted),
            "values": list(noted.values()),
        },
    )
