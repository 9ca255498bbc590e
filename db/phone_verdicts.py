"""Statements over the verdicts on the cached phone numbers, and over the edition of the rules behind them."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text

from db import phone_confirmations, upserts
from db.batches import as_json
from db.connections import Connection
from db.customers import PHONE_COLUMNS, details_of_row
from db.models import CachedCustomer
from db.session import Session
from domain.contacts import Contact, ContactKind, ContactStatus
from domain.customers import persons_from_json
from domain.phones import NO_CONFIRMATIONS
from domain.phones.judging import METADATA_VERSION
from domain.stored_phones import JudgedAgain, StoredPhone


def noted(db: Session, connection: Connection) -> str | None:
    """The rules and settings by which the connection's phone verdicts were made, as a text; None if none is recorded.

    `domain.stored_phones.judged_with` makes this text.
    """
    judged: str | None = db.execute(
        text("SELECT phones_judged_with FROM booksync.zoho_connections WHERE id = :connection_id"),
        {"connection_id": connection.connection_id},
    ).scalar_one()
    return judged


def note_current(db: Session, connection: Connection, judged_with: str) -> None:
    """Record that all phone verdicts of the connection were made again, with the rules and settings `judged_with`."""
    db.execute(
        text("UPDATE booksync.zoho_connections SET phones_judged_with = :judged_with WHERE id = :connection_id"),
        {"connection_id": connection.connection_id, "judged_with": judged_with},
    )


_LOCK_NEXT = text("""
    SELECT id FROM booksync.customers_cache
     WHERE connection_id = :connection_id AND zoho_customer_id > :after
       AND (:all_of_them OR phone_verdict ->> 'metadata' IS DISTINCT FROM :metadata)
     ORDER BY zoho_customer_id
     LIMIT :limit
       FOR NO KEY UPDATE
""")

_LOCKED = text(f"""
    SELECT id, zoho_customer_id, status, customer_name, company_name, contact_persons, country_code,
           country_unknown, payment_reminder_enabled, address_state, address_postcode, zoho_last_modified_at,
           primary_phone, phone_problem, phone_not_callable, phone_verdict, time_zone, time_zones,
           {phone_confirmations.aggregated("customers_cache")}
      FROM booksync.customers_cache WHERE id = ANY(:ids) ORDER BY zoho_customer_id
""")  # noqa: S608


def lock_next(db: Session, connection: Connection, after: str, *, limit: int, all_of_them: bool) -> Sequence[uuid.UUID]:
    """Lock the next `limit` customers after the Zoho id `after`; return their ids in booksync.

    With `all_of_them` these are any customers, otherwise only those whose phone verdict is missing or of another
    edition.
    """
    locked = db.execute(
        _LOCK_NEXT,
        {
            "connection_id": connection.connection_id,
            "after": after,
            "limit": limit,
            "all_of_them": all_of_them,
            "metadata": METADATA_VERSION,
        },
    )
    return locked.scalars().all()


def read(db: Session, customer_ids: Sequence[uuid.UUID]) -> Sequence[StoredPhone]:
    """These customers with their phone numbers, ordered by Zoho's id."""
    return [_stored(row) for row in db.execute(_LOCKED, {"ids": list(customer_ids)})]


def _stored(row: Row[Any]) -> StoredPhone:
    contact = Contact(
        contact_id=row.zoho_customer_id,
        kind=ContactKind.CUSTOMER,
        status=ContactStatus(row.status),
        name=row.customer_name,
        company_name=row.company_name,
        modified_at=row.zoho_last_modified_at,
        persons=persons_from_json(row.contact_persons),
    )
    return StoredPhone(
        id=row.id,
        contact=contact,
        details=details_of_row(row),
        confirmed=row.confirmed or NO_CONFIRMATIONS,
        has_persons=bool(row.contact_persons),
        outcome=(row.primary_phone, row.phone_problem, row.phone_not_callable, row.time_zone, row.time_zones),
        verdict=row.phone_verdict,
    )


_WRITE = f"""
    UPDATE booksync.customers_cache
       SET {", ".join(f"{column.name} = judged.{column.name}" for column in PHONE_COLUMNS)},
           updated_at = CASE WHEN customers_cache.id = ANY(%(changed)s::uuid[]) THEN now() ELSE updated_at END
      FROM {upserts.recordset(CachedCustomer, PHONE_COLUMNS, "judged", key="id")}
     WHERE customers_cache.id = judged.id
       AND (customers_cache.phone_verdict <> judged.phone_verdict OR customers_cache.id = ANY(%(changed)s::uuid[]))
"""  # noqa: S608  (names of the model)


def write(db: Session, judged: Sequence[JudgedAgain]) -> None:
    """Write the verdicts on customers' numbers. `updated_at` changes only where the verdict has changed."""
    records = upserts.records_of(PHONE_COLUMNS, [each.customer for each in judged])
    rows = [{"id": each.id, **record} for each, record in zip(judged, records, strict=True)]
    changed = [each.id for each in judged if each.is_changed]
    db.exec_driver_sql(_WRITE, {"changed": changed, "rows": as_json(rows)})
