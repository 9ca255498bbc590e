"""Statements over customers_cache: the batched upsert of contacts that differ (FR-2, TR-4)."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from db import invoices, known_contacts, reminders
from db.arrays import array_literal
from db.connections import Connection
from db.gate import GIVES_WAY
from db.invoices import Upserted as UpsertedInvoices
from db.session import Session
from db.staging import Observed
from db.stored_customers import Stored, is_as_cached, lock_stored_rows, stored_rows, version_read
from domain.contacts import NOTHING_TOLD, ContactKind
from domain.customers import Customer, customer_from, persons_as_json
from domain.lists import Rejected
from domain.phones import NO_CONFIRMATIONS, PhoneFallback, verdict_as_json
from domain.public_holidays import rest_days
from domain.versions import goes_back

#: Rows per transaction (TR-4).
BATCH = 100


_FOREIGN = "another connection of this user has cached the same id"


@dataclass(frozen=True, slots=True)
class Upserted:
    """The result of a batch."""

    new: int = 0
    updated: int = 0
    rejected: Sequence[Rejected] = ()
    went_back: Sequence[str] = ()  #: Zoho's ids of the contacts whose modified time went back, see `domain.versions`
    cached_waiting: UpsertedInvoices = field(default_factory=UpsertedInvoices)  #: that waited for these customers


def upsert(
    db: Session,
    connection: Connection,
    batch: Sequence[Observed],
    *,
    fallback: PhoneFallback,
    now: datetime,
    since: datetime | None = None,
    stamps_may_go_back: bool = False,
) -> Upserted:
    """Write the contacts that differ from the cache and are not older, and update the rows that depend on them.

    Invoices that waited for these customers move to the cache, and the reminders of a changed customer are planned
    again,
    all in the caller's transaction. Vendors are skipped, because they are not customers. A row written after `since`
    (by
    Postgres's clock), the start of the run, is already counted. `stamps_may_go_back`: see `domain.versions`.
    """
    # Ascending, so that the newest version counts if a contact comes twice.
    customers = sorted((read for read in batch if read.contact.kind is ContactKind.CUSTOMER), key=version_read)
    stored = stored_rows(db, connection, [read.contact.contact_id for read in customers])
    fresh = _fresh(connection, customers, stored, fallback, stamps_may_go_back)
    if known := sorted(fresh.keys() & stored.keys()):
        # Locking a row is a write, and most runs leave most rows unchanged: only rows that differ are locked, and
        # compared again if another transaction has changed them in the meantime.
        locked = lock_stored_rows(db, connection, known)
        moved = {contact_id for contact_id in known if locked[contact_id] != stored[contact_id]}
        stored |= locked
        fresh = {contact_id: each for contact_id, each in fresh.items() if contact_id not in moved}
        again = [read for read in customers if read.contact.contact_id in moved]
        fresh |= _fresh(connection, again, stored, fallback, stamps_may_go_back)
    foreign = [Rejected(contact_id, _FOREIGN) for contact_id, row in stored.items() if not row.belongs_to(connection)]
    new_ids, updated_ids = _write(db, connection, list(fresh.values()), stamps_may_go_back)
    known_contacts.note_asked(
        db,
        connection,
        {
            read.contact.contact_id: read.contact.modified_at or known_contacts.NO_VERSION
            for read in customers
            if read.contact.details is not None and read.contact.contact_id not in fresh
        },
    )
    # Not only for new ones: a row may exist without its invoices (from a migration, or written by another program).
    ours = {observed.contact.contact_id for observed in customers} - {aside.record_id for aside in foreign}
    cached_waiting = invoices.cache_waiting(db, connection, sorted(ours), now=now, since=since)
    if updated_ids:
        reminders.replan_customers(db, connection, list(updated_ids.values()), now=now)
    counted = {contact_id for contact_id, row in stored.items() if since is not None and row.updated_at >= since}
    counted |= {
        contact_id for contact_id, (reported, _) in fresh.items() if _is_only_learnt(reported, stored.get(contact_id))
    }
    updated = len(updated_ids.keys() - counted)
    went_back = [
        contact_id
        for contact_id in updated_ids
        if contact_id in stored and goes_back(stored[contact_id].version, version_read(fresh[contact_id][1]))
    ]
    return Upserted(
        new=len(new_ids),
        updated=updated,
        rejected=foreign,
        cached_waiting=cached_waiting,
        went_back=tuple(sorted(went_back)),
    )


def _fresh(
    connection: Connection,
    reads: Iterable[Observed],
    stored: Mapping[str, Stored],
    fallback: PhoneFallback,
    stamps_may_go_back: bool,
) -> dict[str, tuple[Customer, Observed]]:
    """The contacts that are new, or differ and are not older. If a contact comes twice, the last one counts."""
    fresh: dict[str, tuple[Customer, Observed]] = {}
    for read in reads:
        row = stored.get(read.contact.contact_id)
        contact = row.completes(read.contact) if row else read.contact
        customer = customer_from(
            contact,
            home=connection.home,
            known=row.details if row else None,
            confirmed=row.confirmed if row else NO_CONFIRMATIONS,
            fallback=fallback,
        )
        if row is None or (
            row.belongs_to(connection)
            and row.gives_way_to(read, stamps_may_go_back=stamps_may_go_back)
            and (row.is_back(read) or not is_as_cached(customer, row))
        ):
            fresh[customer.zoho_customer_id] = (customer, read)
    return fresh


def _is_only_learnt(customer: Customer, row: Stored | None) -> bool:
    """Whether only the details are new: a first detail response adds facts without any change in Zoho."""
    return row is not None and row.details == NOTHING_TOLD and row.says(customer)


# The gate is repeated here because another transaction may insert a row after ours were locked. The same holds for the
# rule that only a detail response clears facts that only a detail response contains.
_UPSERT = f"""
    INSERT INTO booksync.customers_cache AS cached (user_id, connection_id, zoho_customer_id, status, customer_name,
           company_name, primary_contact_person_id, primary_phone, phone_problem, phone_not_callable, primary_email,
           contact_persons, country_code, address_state, address_postcode, country_unknown, time_zone, time_zones,
           rest_days, payment_reminder_enabled, unused_credits, credits_currency, details_observed_at, asked_version,
           zoho_last_modified_at, observed_at, sync_hash, phone_verdict)
    SELECT %(user_id)s, %(connection_id)s, id, status, customer_name, company_name, person_id, phone, phone_problem,
           not_callable, email, persons, country_code, state, postcode, country_unknown, time_zone, time_zones::text[],
           rest_days::integer[], reminders_enabled, credits, credits_currency, details_observed,
           CASE WHEN details_observed IS NOT NULL THEN coalesce(modified, 'epoch') END, modified, observed, hash,
           phone_verdict
      FROM unnest(%(ids)s::text[], %(statuses)s::text[], %(names)s::text[], %(companies)s::text[],
                  %(person_ids)s::text[], %(phones)s::text[], %(phone_problems)s::text[],
                  %(not_callable)s::text[], %(emails)s::text[], %(persons)s::jsonb[],
                  %(countries)s::text[], %(states)s::text[], %(postcodes)s::text[],
                  %(unknown_countries)s::text[], %(time_zones)s::text[], %(all_time_zones)s::text[],
                  %(rest_days)s::text[],
                  %(reminders_enabled)s::bool[], %(credits)s::numeric[], %(credits_currencies)s::text[],
                  %(details_observed)s::timestamptz[], %(modified)s::timestamptz[], %(observed)s::timestamptz[],
                  %(hashes)s::text[], %(phone_verdicts)s::jsonb[])
           AS batch (id, status, customer_name, company_name, person_id, phone, phone_problem, not_callable, email,
                     persons, country_code, state, postcode, country_unknown, time_zone, time_zones, rest_days,
                     reminders_enabled, credits, credits_currency, details_observed, modified, observed, hash,
                     phone_verdict)
    ON CONFLICT (user_id, zoho_customer_id) DO UPDATE
       SET connection_id = excluded.connection_id,
           status = excluded.status,
           customer_name = excluded.customer_name,
           company_name = excluded.company_name,
           primary_contact_person_id = excluded.primary_contact_person_id,
           primary_phone = excluded.primary_phone,
           phone_problem = excluded.phone_problem,
           phone_not_callable = excluded.phone_not_callable,
           phone_verdict = excluded.phone_verdict,
           primary_email = excluded.primary_email,
           contact_persons = excluded.contact_persons,
           country_code = CASE WHEN excluded.details_observed_at IS NULL
                               THEN coalesce(excluded.country_code, cached.country_code)
                               ELSE excluded.country_code END,
           address_state = CASE WHEN excluded.details_observed_at IS NULL
                                THEN coalesce(excluded.address_state, cached.address_state)
                                ELSE excluded.address_state END,
           address_postcode = CASE WHEN excluded.details_observed_at IS NULL
                                   THEN coalesce(excluded.address_postcode, cached.address_postcode)
                                   ELSE excluded.address_postcode END,
           country_unknown = CASE WHEN excluded.details_observed_at IS NULL
                                  THEN coalesce(excluded.country_unknown, cached.country_unknown)
                                  ELSE excluded.country_unknown END,
           time_zone = excluded.time_zone,
           time_zones = excluded.time_zones,
           rest_days = excluded.rest_days,
           unused_credits = coalesce(excluded.unused_credits, cached.unused_credits),
           credits_currency = coalesce(excluded.credits_currency, cached.credits_currency),
           asked_version = coalesce(excluded.asked_version, cached.asked_version),
           gone_at = CASE WHEN excluded.observed_at > cached.gone_at THEN NULL ELSE cached.gone_at END,
           payment_reminder_enabled = coalesce(excluded.payment_reminder_enabled, cached.payment_reminder_enabled),
           details_observed_at = coalesce(excluded.details_observed_at, cached.details_observed_at),
           zoho_last_modified_at = excluded.zoho_last_modified_at,
           observed_at = excluded.observed_at,
           sync_hash = excluded.sync_hash,
           local_last_synced_at = now(),
           updated_at = now()
     WHERE {GIVES_WAY}
       AND (cached.status <> 'deleted' OR excluded.observed_at > coalesce(cached.observed_at, '-infinity'))
       AND (cached.connection_id IS NULL OR cached.connection_id = excluded.connection_id)
    RETURNING id, zoho_customer_id, (xmax = 0) AS is_new
"""  # noqa: S608  (the gate is a constant)


def _write(
    db: Session, connection: Connection, rows: Sequence[tuple[Customer, Observed]], stamps_may_go_back: bool
) -> tuple[dict[str, uuid.UUID], dict[str, uuid.UUID]]:
    """Return (new, updated): Zoho's ids with ours. Sorted by id, so that two writers cannot deadlock."""
    if not rows:
        return {}, {}
    rows = sorted(rows, key=lambda row: row[0].zoho_customer_id)
    customers = [customer for customer, _ in rows]
    written = db.exec_driver_sql(
        _UPSERT,
        {
            "user_id": connection.user_id,
            "connection_id": connection.connection_id,
            "stamps_may_go_back": stamps_may_go_back,
            "ids": [customer.zoho_customer_id for customer in customers],
            "statuses": [str(customer.status) for customer in customers],
            "names": [customer.customer_name for customer in customers],
            "companies": [customer.company_name for customer in customers],
            "person_ids": [customer.primary_contact_person_id for customer in customers],
            "phones": [customer.primary_phone for customer in customers],
            "phone_problems": [customer.phone_problem and str(customer.phone_problem) for customer in customers],
            "not_callable": [
                customer.phone_not_callable and str(customer.phone_not_callable) for customer in customers
            ],
            "emails": [customer.primary_email for customer in customers],
            "persons": [orjson.dumps(persons_as_json(customer.persons)).decode() for customer in customers],
            "countries": [customer.country_code for customer in customers],
            "states": [customer.address_state for customer in customers],
            "postcodes": [customer.address_postcode for customer in customers],
            "unknown_countries": [customer.country_unknown for customer in customers],
            "time_zones": [customer.time_zone for customer in customers],
            "all_time_zones": [array_literal(customer.time_zones) for customer in customers],
            "rest_days": [array_literal(sorted(rest_days(customer.holiday_country))) for customer in customers],
            "credits": [customer.unused_credits for customer in customers],
            "credits_currencies": [customer.credits_currency for customer in customers],
            "reminders_enabled": [customer.reminders_enabled for customer in customers],
            "details_observed": [read.observed_at if read.contact.details else None for _, read in rows],
            "modified": [customer.zoho_last_modified_at for customer in customers],
            "observed": [read.observed_at for _, read in rows],
            "hashes": [customer.sync_hash for customer in customers],
            "phone_verdicts": [orjson.dumps(verdict_as_json(customer.judged_phone)).decode() for customer in customers],
        },
    ).all()
    new = {zoho_id: our_id for our_id, zoho_id, is_new in written if is_new}
    updated = {zoho_id: our_id for our_id, zoho_id, is_new in written if not is_new}
    return new, updated
