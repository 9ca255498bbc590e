"""Statements over customers_cache: reading, locking and writing customers (FR-2: changes; TR-4: batches of 100)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, text

from db import phone_confirmations, upserts
from db.batches import as_json
from db.connections import Connection
from db.gate import GIVES_WAY
from db.models import CachedCustomer
from db.session import Session
from db.upserts import Column, OnConflict, Written
from domain.cached_customers import COMPARED_COLUMNS, FreshCustomer, StoredCustomer
from domain.contacts import ContactDetails, ContactStatus
from domain.customers import Customer, persons_as_json
from domain.phones import NO_CONFIRMATIONS
from domain.phones.choosing import verdict_as_json
from domain.reminders.public_holidays import rest_days
from domain.versions import NO_VERSION, version_of

#: The columns that hold conclusions from the phone number.
PHONE_COLUMNS: Sequence[Column[Customer]] = (
    Column("primary_phone", lambda customer: customer.primary_phone),
    Column("phone_problem", lambda customer: customer.phone_problem and str(customer.phone_problem)),
    Column("phone_not_callable", lambda customer: customer.phone_not_callable and str(customer.phone_not_callable)),
    Column("phone_verdict", lambda customer: verdict_as_json(customer.judged_phone)),
    Column("time_zone", lambda customer: customer.time_zone),
    Column("time_zones", lambda customer: customer.time_zones),
    Column("rest_days", lambda customer: sorted(rest_days(customer.holiday_country))),
    Column("sync_hash", lambda customer: customer.sync_hash),
)

_CUSTOMER_COLUMNS: Sequence[Column[Customer]] = (
    Column("zoho_customer_id", lambda customer: customer.zoho_customer_id),
    Column("status", lambda customer: str(customer.status)),
    Column("customer_name", lambda customer: customer.customer_name),
    Column("company_name", lambda customer: customer.company_name),
    Column("primary_contact_person_id", lambda customer: customer.primary_contact_person_id),
    *PHONE_COLUMNS,
    Column("primary_email", lambda customer: customer.primary_email),
    Column("contact_persons", lambda customer: persons_as_json(customer.persons)),
    Column("country_code", lambda customer: customer.country_code, OnConflict.KEEP_WITHOUT_DETAILS),
    Column("address_state", lambda customer: customer.address_state, OnConflict.KEEP_WITHOUT_DETAILS),
    Column("address_postcode", lambda customer: customer.address_postcode, OnConflict.KEEP_WITHOUT_DETAILS),
    Column("country_unknown", lambda customer: customer.country_unknown, OnConflict.KEEP_WITHOUT_DETAILS),
    Column("payment_reminder_enabled", lambda customer: customer.reminders_enabled, OnConflict.KEEP_IF_MISSING),
    Column("unused_credits", lambda customer: customer.unused_credits, OnConflict.KEEP_IF_MISSING),
    Column("credits_currency", lambda customer: customer.credits_currency, OnConflict.KEEP_IF_MISSING),
    Column("zoho_last_modified_at", lambda customer: customer.zoho_last_modified_at),
)


def _asked_version(fresh: FreshCustomer) -> Any:
    return (fresh.customer.zoho_last_modified_at or NO_VERSION) if fresh.read.record.details else None


_READ_COLUMNS: Sequence[Column[FreshCustomer]] = (
    Column(
        "details_observed_at",
        lambda fresh: fresh.read.observed_at if fresh.read.record.details else None,
        OnConflict.KEEP_IF_MISSING,
    ),
    Column("asked_version", _asked_version, OnConflict.KEEP_IF_MISSING),
    Column("observed_at", lambda fresh: fresh.read.observed_at),
)

#: Every column that `write` writes, declared once.
COLUMNS: Sequence[Column[Any]] = (*_CUSTOMER_COLUMNS, *_READ_COLUMNS)

_UPSERT = upserts.upsert_of(
    CachedCustomer,
    "zoho_customer_id",
    COLUMNS,
    gate=f"""
        {GIVES_WAY} AND (cached.status <> '{ContactStatus.DELETED}'
                         OR excluded.observed_at > coalesce(cached.observed_at, '-infinity'))
    """,
)


def write(
    db: Session, connection: Connection, batches: Iterable[Sequence[FreshCustomer]], *, stamps_may_go_back: bool
) -> Written:
    """Insert or update these customers, except those of which another transaction has cached a newer version.

    New customers come in the order of Zoho's ids, also across batches, so that two writers cannot deadlock on them. A
    writer of cached and new customers has locked the cached ones first: in rare cases it meets a writer to which all of
    these are new, and Postgres aborts one of the two, which is then repeated (`db.transactions`).
    `batches` may be an iterator that makes each batch while Postgres writes the former one; it must not use `db`.
    """
    encoded = (as_json(_records(batch)) for batch in batches)
    return upserts.write(db, connection, _UPSERT, encoded, stamps_may_go_back=stamps_may_go_back)


def _records(rows: Sequence[FreshCustomer]) -> Sequence[Mapping[str, Any]]:
    of_customers = upserts.records_of(_CUSTOMER_COLUMNS, [row.customer for row in rows])
    of_reads = upserts.records_of(_READ_COLUMNS, rows)
    return [customer | read for customer, read in zip(of_customers, of_reads, strict=True)]


# The compared facts are selected first, so that a row can be compared without reordering.
_STORED = f"""
    SELECT {", ".join(COMPARED_COLUMNS)}, connection_id, contact_persons, country_code, payment_reminder_enabled,
           address_state, address_postcode, country_unknown, unused_credits, credits_currency, gone_at,
           observed_at, updated_at, zoho_customer_id, bulk_omits_persons,
           {phone_confirmations.aggregated("customers_cache")}
      FROM booksync.customers_cache
     WHERE user_id = %(user_id)s AND zoho_customer_id = ANY(%(ids)s::text[])
"""  # noqa: S608  (the names are constants)
_LOCK = """
    SELECT id FROM booksync.customers_cache
     WHERE user_id = %(user_id)s AND zoho_customer_id = ANY(%(ids)s::text[])
     ORDER BY zoho_customer_id
       FOR NO KEY UPDATE
"""


def stored(db: Session, connection: Connection, ids: Sequence[str]) -> dict[str, StoredCustomer]:
    """The cached customers with these Zoho ids."""
    rows = db.exec_driver_sql(_STORED, {"user_id": connection.user_id, "ids": list(ids)}).all()
    return {row.zoho_customer_id: _stored(row) for row in rows}


def lock_stored(db: Session, connection: Connection, ids: Sequence[str]) -> dict[str, StoredCustomer]:
    """The cached customers with these Zoho ids, locked until the transaction ends."""
    db.exec_driver_sql(_LOCK, {"user_id": connection.user_id, "ids": list(ids)})
    # Read by a second statement, because a statement that waits for a lock sees the confirmations as they were before
    # the wait.
    return stored(db, connection, ids)


def lock_all(db: Session, connection: Connection) -> None:
    """Lock all customers of a connection until the transaction ends."""
    db.execute(
        text("""
            SELECT FROM booksync.customers_cache
             WHERE connection_id = :connection_id ORDER BY zoho_customer_id FOR NO KEY UPDATE
        """),
        {"connection_id": connection.connection_id},
    )


def _stored(row: Row[Any]) -> StoredCustomer:
    return StoredCustomer(
        connection_id=row.connection_id,
        status=row.status,
        facts=tuple(row[: len(COMPARED_COLUMNS)]),
        persons=row.contact_persons,
        version=version_of(row.zoho_last_modified_at, row.observed_at),
        details=details_of_row(row),
        credits=(row.unused_credits, row.credits_currency or ""),
        gone_at=row.gone_at,
        observed_at=row.observed_at,
        updated_at=row.updated_at,
        confirmed=row.confirmed or NO_CONFIRMATIONS,
        bulk_omits_persons=row.bulk_omits_persons,
    )


def details_of_row(row: Row[Any]) -> ContactDetails:
    """The contact details that a row of customers_cache holds."""
    return ContactDetails(
        country_code=row.country_code,
        reminders_enabled=row.payment_reminder_enabled,
        state=row.address_state,
        postcode=row.address_postcode,
        country_unknown=row.country_unknown,
    )
