"""Statements that judge the cached phone numbers again without a call, after a change of metadata or settings."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from psycopg.types.json import Jsonb
from sqlalchemy import Row, text

from db import phone_confirmations, reminders
from db.arrays import array_literal
from db.connections import Connection
from db.session import Session
from db.stored_customers import details_of_row
from domain.contacts import Contact, ContactKind, ContactStatus
from domain.customers import Customer, customer_from, persons_from_json
from domain.phones import METADATA_VERSION, NO_CONFIRMATIONS, PhoneFallback, verdict_as_json
from domain.public_holidays import rest_days

#: Customers per transaction.
BATCH = 100

#: The keys of phone_verdict that decide whether the number is called.
_PLANNED_BY = ("kind", "doubts", "confirmed")


def judged_with(connection: Connection, fallback: PhoneFallback) -> str:
    """Everything except the customer that a verdict depends on: the edition, the setting, the organisation's home."""
    return " ".join((METADATA_VERSION, fallback, connection.country_code or "-", connection.time_zone))


def noted(db: Session, connection: Connection) -> str | None:
    """The recorded basis of the connection's verdicts (see `judged_with`); None if it was never recorded."""
    judged: str | None = db.execute(
        text("SELECT phones_judged_with FROM booksync.zoho_connections WHERE id = :connection_id"),
        {"connection_id": connection.connection_id},
    ).scalar_one()
    return judged


def note_current(db: Session, connection: Connection, fallback: PhoneFallback) -> None:
    """Record that all numbers of the connection were judged again."""
    db.execute(
        text("UPDATE booksync.zoho_connections SET phones_judged_with = :judged_with WHERE id = :connection_id"),
        {"connection_id": connection.connection_id, "judged_with": judged_with(connection, fallback)},
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


def judge_again(
    db: Session,
    connection: Connection,
    after: str,
    *,
    fallback: PhoneFallback,
    now: datetime,
    all_of_them: bool = True,
) -> str | None:
    """Judge the next customers after that Zoho id, or only those whose verdict is from another edition.

    Changed customers are planned again. Returns the last id that was read; None at the end.
    """
    locked = db.execute(
        _LOCK_NEXT,
        {
            "connection_id": connection.connection_id,
            "after": after,
            "limit": BATCH,
            "all_of_them": all_of_them,
            "metadata": METADATA_VERSION,
        },
    )
    return judge_customers(db, connection, locked.scalars().all(), fallback=fallback, now=now)


def judge_customers(
    db: Session, connection: Connection, customer_ids: Sequence[uuid.UUID], *, fallback: PhoneFallback, now: datetime
) -> str | None:
    """Judge these customers again, and plan again for those that change. The caller has locked them.

    Returns the last Zoho id; None without customers.
    """
    # Read after the lock, because a statement that waits for a lock sees the confirmations as they were before the
    # wait.
    rows = db.execute(_LOCKED, {"ids": list(customer_ids)}).all()
    if not rows:
        return None
    # A customer from before booksync has no persons yet, only the number from its invoices: it has nothing to judge.
    judged = [(row, _judged(row, connection, fallback)) for row in rows if row.contact_persons]
    changed = [row.id for row, customer in judged if _is_changed(row, customer)]
    _write(db, judged, changed)
    if changed:
        reminders.replan_customers(db, connection, changed, now=now)
    last_id: str = rows[-1].zoho_customer_id
    return last_id


def _judged(row: Row[Any], connection: Connection, fallback: PhoneFallback) -> Customer:
    contact = Contact(
        contact_id=row.zoho_customer_id,
        kind=ContactKind.CUSTOMER,
        status=ContactStatus(row.status),
        name=row.customer_name,
        company_name=row.company_name,
        modified_at=row.zoho_last_modified_at,
        persons=persons_from_json(row.contact_persons),
    )
    return customer_from(
        contact,
        home=connection.home,
        known=details_of_row(row),
        confirmed=row.confirmed or NO_CONFIRMATIONS,
        fallback=fallback,
    )


def _is_changed(row: Row[Any], customer: Customer) -> bool:
    """Whether the customer's plans may change. A key that an older edition did not write is not compared."""
    verdict = verdict_as_json(customer.judged_phone)
    known = [key for key in _PLANNED_BY if key in row.phone_verdict]
    return _outcome(customer) != _stored_outcome(row) or any(
        row.phone_verdict[key] != verdict.get(key) for key in known
    )


def _outcome(customer: Customer) -> tuple[Any, ...]:
    return (
        customer.primary_phone,
        customer.phone_problem,
        customer.phone_not_callable,
        customer.time_zone,
        list(customer.time_zones or ()),
    )


def _stored_outcome(row: Row[Any]) -> tuple[Any, ...]:
    return (row.primary_phone, row.phone_problem, row.phone_not_callable, row.time_zone, row.time_zones)


def _write(db: Session, judged: Sequence[tuple[Row[Any], Customer]], changed: Sequence[uuid.UUID]) -> None:
    """Write the verdicts; `updated_at` changes only for changed customers, not for a verdict that stays the same."""
    db.exec_driver_sql(
        """
        UPDATE booksync.customers_cache
           SET primary_phone = judged.phone,
               phone_problem = judged.problem,
               phone_not_callable = judged.not_callable,
               time_zone = judged.time_zone,
               time_zones = judged.time_zones::text[],
               rest_days = judged.rest_days::integer[],
               sync_hash = judged.hash,
               phone_verdict = judged.verdict,
               updated_at = CASE WHEN customers_cache.id = ANY(%(changed)s::uuid[]) THEN now() ELSE updated_at END
          FROM unnest(%(ids)s::uuid[], %(phones)s::text[], %(problems)s::text[], %(not_callable)s::text[],
                      %(time_zones)s::text[], %(all_time_zones)s::text[], %(rest_days)s::text[], %(hashes)s::text[],
                      %(verdicts)s::jsonb[])
               AS judged (id, phone, problem, not_callable, time_zone, time_zones, rest_days, hash, verdict)
         WHERE customers_cache.id = judged.id
           AND (phone_verdict <> judged.verdict OR customers_cache.id = ANY(%(changed)s::uuid[]))
        """,
        {
            "changed": list(changed),
            "ids": [row.id for row, _ in judged],
            "phones": [customer.primary_phone for _, customer in judged],
            "problems": [customer.phone_problem and str(customer.phone_problem) for _, customer in judged],
            "not_callable": [
                customer.phone_not_callable and str(customer.phone_not_callable) for _, customer in judged
            ],
            "time_zones": [customer.time_zone for _, customer in judged],
            "all_time_zones": [array_literal(customer.time_zones) for _, customer in judged],
            "rest_days": [array_literal(sorted(rest_days(customer.holiday_country))) for _, customer in judged],
            "hashes": [customer.sync_hash for _, customer in judged],
            "verdicts": [Jsonb(verdict_as_json(customer.judged_phone), dumps=orjson.dumps) for _, customer in judged],
        },
    )
