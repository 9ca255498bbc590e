"""Statements over customers_cache: the upsert of what differs, in batches (FR-2, TR-4)."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, Row

from db import invoices, reminders
from db.connections import Link
from db.invoices import Upserted as UpsertedInvoices
from db.staging import Observed
from domain.contacts import NOTHING_TOLD, ContactDetails, ContactKind, ContactStatus
from domain.customers import Customer, customer_from, persons_as_json
from domain.drift import CUSTOMER_COLUMNS, in_one_order
from domain.lists import SetAside
from domain.phones import PhoneFallback, verdict_as_json

#: Rows of one transaction (TR-4).
BATCH = 100

_LONG_AGO = datetime.min.replace(tzinfo=UTC)

#: What makes a row differ from a customer beside details and persons: the hash (TR-2) and what it does not cover, and
#: the columns themselves, since somebody else may have written over them.
_FACTS = (*CUSTOMER_COLUMNS, "zoho_last_modified_at")
_facts: Callable[[Customer], tuple[Any, ...]] = attrgetter(*_FACTS)

_FOREIGN = "another connection of this user has cached the same id"


@dataclass(frozen=True, slots=True)
class Upserted:
    """What a batch did."""

    new: int = 0
    updated: int = 0
    set_aside: Sequence[SetAside] = ()
    taken_up: UpsertedInvoices = field(default_factory=UpsertedInvoices)  #: they had waited for one of the customers


class Stored(NamedTuple):
    """A cached customer, as far as a read row is compared with it; in most runs that is all, so it is a plain tuple."""

    connection_id: uuid.UUID | None
    status: str
    facts: tuple[Any, ...]
    persons: Any  #: as `persons_as_json` has written them, or whatever somebody else has
    version: tuple[datetime, datetime]
    details: ContactDetails
    updated_at: datetime

    def __repr__(self) -> str:
        return f"Stored(version={self.version})"  # Personal data stays out of it.

    def gives_way_to(self, read: Observed) -> bool:
        """Whether the read may be written over it. What was found gone is back only if it was seen again later."""
        _, observed_at = self.version
        if self.status == ContactStatus.DELETED and read.observed_at <= observed_at:
            return False
        return _version_read(read) >= self.version

    def says(self, customer: Customer) -> bool:
        """Whether all but the details are as they would be written. The order of persons makes no difference."""
        if self.facts != _facts(customer):
            return False
        persons = persons_as_json(customer.persons)
        return bool(self.persons == persons) or in_one_order(self.persons) == in_one_order(persons)

    def belongs_to(self, link: Link) -> bool:
        """Whether this link may write it; nobody has written what is from before booksync."""
        return self.connection_id is None or self.connection_id == link.connection_id


# In the order in which `_stored` takes a row apart: by name, the columns would cost as much as all the rest.
_STORED = f"""
    SELECT {", ".join(_FACTS)}, connection_id, contact_persons, country_code,
           payment_reminder_enabled, observed_at, updated_at, zoho_customer_id
      FROM customers_cache
     WHERE user_id = %(user_id)s AND zoho_customer_id = ANY(%(ids)s::text[])
"""  # noqa: S608  (the names are constants)
_LOCK_STORED = f"{_STORED} ORDER BY zoho_customer_id FOR NO KEY UPDATE"


def upsert(
    connection: Connection,
    link: Link,
    batch: Sequence[Observed],
    *,
    fallback: PhoneFallback,
    now: datetime,
    since: datetime | None = None,
) -> Upserted:
    """Writes those of the contacts that differ from what is cached and are not older, and settles what hangs on them.

    Invoices that waited for one of them are taken up, reminders of a changed one are planned again, all in the
    caller's transaction. Vendors are passed over: they are not customers. A row that was written after `since` (by
    Postgres's clock), when the run began, has been counted already.
    """
    # Ascending, so that of a contact which comes twice the newest counts.
    customers = sorted((read for read in batch if read.contact.kind is ContactKind.CUSTOMER), key=_version_read)
    stored = _stored_rows(connection, link, _STORED, [read.contact.contact_id for read in customers])
    fresh = _fresh(link, customers, stored, fallback)
    if known := sorted(fresh.keys() & stored.keys()):
        # To lock a row is to write to it, and in most runs most rows are as they were: only what differs is locked, and
        # looked at again where somebody has changed it meanwhile.
        locked = _stored_rows(connection, link, _LOCK_STORED, known)
        moved = {contact_id for contact_id in known if locked[contact_id] != stored[contact_id]}
        stored |= locked
        fresh = {contact_id: each for contact_id, each in fresh.items() if contact_id not in moved}
        fresh |= _fresh(link, [read for read in customers if read.contact.contact_id in moved], stored, fallback)
    foreign = [SetAside(contact_id, _FOREIGN) for contact_id, row in stored.items() if not row.belongs_to(link)]
    new_ids, updated_ids = _write(connection, link, list(fresh.values()))
    # Not only of new ones: a row may have come without its invoices (from a migration, or written beside ours).
    ours = {observed.contact.contact_id for observed in customers} - {aside.record_id for aside in foreign}
    taken_up = invoices.take_up_skipped(connection, link, sorted(ours), now=now, since=since)
    if updated_ids:
        reminders.replan_customers(connection, link, list(updated_ids.values()), now=now)
    counted = {contact_id for contact_id, row in stored.items() if since is not None and row.updated_at >= since}
    counted |= {contact_id for contact_id, (told, _) in fresh.items() if _is_only_learnt(told, stored.get(contact_id))}
    updated = len(updated_ids.keys() - counted)
    return Upserted(new=len(new_ids), updated=updated, set_aside=foreign, taken_up=taken_up)


def _fresh(
    link: Link, reads: Iterable[Observed], stored: Mapping[str, Stored], fallback: PhoneFallback
) -> dict[str, tuple[Customer, Observed]]:
    """Those that are new, or differ and are not older. Of a contact that comes twice the last one counts."""
    fresh: dict[str, tuple[Customer, Observed]] = {}
    for read in reads:
        row = stored.get(read.contact.contact_id)
        customer = customer_from(read.contact, home=link.home, known=row.details if row else None, fallback=fallback)
        if row is None or (
            row.belongs_to(link)
            and row.gives_way_to(read)
            and not (_details(customer) == row.details and row.says(customer))
        ):
            fresh[customer.zoho_customer_id] = (customer, read)
    return fresh


def _stored_rows(connection: Connection, link: Link, statement: str, ids: Sequence[str]) -> dict[str, Stored]:
    rows = connection.exec_driver_sql(statement, {"user_id": link.user_id, "ids": list(ids)}).all()
    return {row.zoho_customer_id: _stored(row) for row in rows}


def _stored(row: Row[Any]) -> Stored:
    *facts, connection_id, persons, country_code, reminders_enabled, observed_at, updated_at, _ = list(row)
    return Stored(
        connection_id=connection_id,
        status=row.status,
        facts=tuple(facts),
        persons=persons,
        version=(row.zoho_last_modified_at or _LONG_AGO, observed_at or _LONG_AGO),
        details=ContactDetails(country_code, reminders_enabled),
        updated_at=updated_at,
    )


def _details(customer: Customer) -> ContactDetails:
    return ContactDetails(country_code=customer.country_code, reminders_enabled=customer.reminders_enabled)


def _is_only_learnt(customer: Customer, row: Stored | None) -> bool:
    """A first detail answer told what no list does: the row is written, but nothing has changed in Zoho."""
    return row is not None and row.details == NOTHING_TOLD and row.says(customer)


def _version_read(observed: Observed) -> tuple[datetime, datetime]:
    """What may never go back; an unknown modified time is the oldest."""
    return (observed.contact.modified_at or _LONG_AGO, observed.observed_at)


# The gate is repeated here since a row may have been inserted by somebody else after ours were locked; so is the rule
# that only a detail answer blanks what only a detail answer tells.
_UPSERT = """
    INSERT INTO customers_cache AS cached (user_id, connection_id, zoho_customer_id, status, customer_name,
           company_name, primary_contact_person_id, primary_phone, phone_problem, primary_email, contact_persons,
           country_code, time_zone, payment_reminder_enabled, details_observed_at, zoho_last_modified_at, observed_at,
           sync_hash, phone_verdict)
    SELECT %(user_id)s, %(connection_id)s, batch.*
      FROM unnest(%(ids)s::text[], %(statuses)s::text[], %(names)s::text[], %(companies)s::text[],
                  %(person_ids)s::text[], %(phones)s::text[], %(phone_problems)s::text[], %(emails)s::text[],
                  %(persons)s::jsonb[], %(countries)s::text[], %(time_zones)s::text[], %(reminders_enabled)s::bool[],
                  %(details_observed)s::timestamptz[], %(modified)s::timestamptz[], %(observed)s::timestamptz[],
                  %(hashes)s::text[], %(phone_verdicts)s::jsonb[]) batch
    ON CONFLICT (user_id, zoho_customer_id) DO UPDATE
       SET connection_id = excluded.connection_id,
           status = excluded.status,
           customer_name = excluded.customer_name,
           company_name = excluded.company_name,
           primary_contact_person_id = excluded.primary_contact_person_id,
           primary_phone = excluded.primary_phone,
           phone_problem = excluded.phone_problem,
           phone_verdict = excluded.phone_verdict,
           primary_email = excluded.primary_email,
           contact_persons = excluded.contact_persons,
           country_code = CASE WHEN excluded.details_observed_at IS NULL
                               THEN coalesce(excluded.country_code, cached.country_code)
                               ELSE excluded.country_code END,
           time_zone = excluded.time_zone,
           payment_reminder_enabled = coalesce(excluded.payment_reminder_enabled, cached.payment_reminder_enabled),
           details_observed_at = coalesce(excluded.details_observed_at, cached.details_observed_at),
           zoho_last_modified_at = excluded.zoho_last_modified_at,
           observed_at = excluded.observed_at,
           sync_hash = excluded.sync_hash,
           local_last_synced_at = now(),
           updated_at = now()
     WHERE (coalesce(excluded.zoho_last_modified_at, '-infinity'), excluded.observed_at)
        >= (coalesce(cached.zoho_last_modified_at, '-infinity'), coalesce(cached.observed_at, '-infinity'))
       AND (cached.status <> 'deleted' OR excluded.observed_at > coalesce(cached.observed_at, '-infinity'))
       AND (cached.connection_id IS NULL OR cached.connection_id = excluded.connection_id)
    RETURNING id, zoho_customer_id, (xmax = 0) AS is_new
"""


def _write(
    connection: Connection, link: Link, rows: Sequence[tuple[Customer, Observed]]
) -> tuple[dict[str, uuid.UUID], dict[str, uuid.UUID]]:
    """(new, updated): Zoho's ids with ours. Sorted by id, so that two writers never wait for each other crosswise."""
    if not rows:
        return {}, {}
    rows = sorted(rows, key=lambda row: row[0].zoho_customer_id)
    customers = [customer for customer, _ in rows]
    written = connection.exec_driver_sql(
        _UPSERT,
        {
            "user_id": link.user_id,
            "connection_id": link.connection_id,
            "ids": [customer.zoho_customer_id for customer in customers],
            "statuses": [str(customer.status) for customer in customers],
            "names": [customer.customer_name for customer in customers],
            "companies": [customer.company_name for customer in customers],
            "person_ids": [customer.primary_contact_person_id for customer in customers],
            "phones": [customer.primary_phone for customer in customers],
            "phone_problems": [customer.phone_problem and str(customer.phone_problem) for customer in customers],
            "emails": [customer.primary_email for customer in customers],
            "persons": [orjson.dumps(persons_as_json(customer.persons)).decode() for customer in customers],
            "countries": [customer.country_code for customer in customers],
            "time_zones": [customer.time_zone for customer in customers],
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
