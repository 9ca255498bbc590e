"""Statements over what a run has read but not yet written: persons, and contacts that lack them.

Whole pages of a list are staged by `db.staged_pages`.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

import orjson
from psycopg.types.json import Jsonb
from pydantic import TypeAdapter
from sqlalchemy import text

from db.session import Session
from domain.contacts import Contact, ContactPerson
from domain.lists import Rejected
from domain.observed import Observed, latest
from domain.persons import BulkRead
from domain.runs import Run

_CONTACT = TypeAdapter(Contact)

#: The prefix of the id of a contact with a rejected row in the bulk list. No Zoho id begins with it.
_REJECTED = "?"


def stage_persons(db: Session, run_id: uuid.UUID, persons: Sequence[tuple[str, ContactPerson]]) -> None:
    """Store a page of the bulk list as (contact id, person) pairs.

    If a person comes twice, the row that was read last is kept.
    """
    latest = {person.person_id: (contact_id, person) for contact_id, person in persons}
    db.exec_driver_sql(
        """
        INSERT INTO booksync.staged_persons (run_id, contact_person_id, zoho_customer_id, person)
        SELECT %(run_id)s, page.id, page.contact_id, page.person::jsonb
          FROM unnest(%(person_ids)s::text[], %(contact_ids)s::text[], %(persons)s::text[])
               AS page (id, contact_id, person)
        ON CONFLICT (run_id, contact_person_id) DO UPDATE
           SET zoho_customer_id = excluded.zoho_customer_id, person = excluded.person
        """,
        {
            "run_id": run_id,
            "person_ids": list(latest),
            "contact_ids": [contact_id for contact_id, _ in latest.values()],
            # Texts, because psycopg would make each value of an array of jsonb by itself.
            "persons": [orjson.dumps(person).decode() for _, person in latest.values()],
        },
    )


def stage_rejected_persons(db: Session, run_id: uuid.UUID, rejected: Sequence[Rejected]) -> None:
    """Record the contacts of the bulk list's rejected persons: the staged persons of these contacts are incomplete."""
    keys = {f"{_REJECTED}{row.owner_id}" for row in rejected if row.owner_id}
    if not keys:
        return
    stage_persons(db, run_id, [(key, ContactPerson(key)) for key in sorted(keys)])


def bulk_read(db: Session, run: Run, contact_ids: Sequence[str]) -> BulkRead | None:
    """The persons of these contacts from the run's bulk read of persons; None until the bulk read is complete."""
    began_at = run.position.bulk_read_began_at
    if began_at is None or not run.position.has_bulk_read:
        return None
    persons: dict[str, list[ContactPerson]] = defaultdict(list)
    rejected: set[str] = set()
    for row in db.execute(
        text("""
            SELECT zoho_customer_id, person FROM booksync.staged_persons
             WHERE run_id = :run_id AND zoho_customer_id = ANY(:contact_ids)
             ORDER BY length(contact_person_id), contact_person_id
        """),
        {"run_id": run.run_id, "contact_ids": [*contact_ids, *map(_REJECTED.__add__, contact_ids)]},
    ):
        if row.zoho_customer_id.startswith(_REJECTED):
            rejected.add(row.zoho_customer_id.removeprefix(_REJECTED))
        else:
            persons[row.zoho_customer_id].append(ContactPerson(**row.person))
    return BulkRead(
        began_at, {contact_id: tuple(found) for contact_id, found in persons.items()}, rejected=frozenset(rejected)
    )


def stage_contacts(
    db: Session,
    run_id: uuid.UUID,
    contacts: Iterable[Observed[Contact]],
    *,
    needing_details: frozenset[str],
) -> None:
    """Store listed contacts until a batch writes them to the cache.

    If a contact comes twice, its newest version is stored. A contact that was stored before is replaced.
    """
    reads = latest(contacts)
    ids = [read.record.contact_id for read in reads]
    db.exec_driver_sql(
        """
        INSERT INTO booksync.staged_contacts (run_id, zoho_customer_id, contact, needs_details, observed_at)
        SELECT %(run_id)s, page.id, page.contact, page.needs_details, page.observed_at
          FROM unnest(%(ids)s::text[], %(contacts)s::jsonb[], %(needs_details)s::bool[], %(times)s::timestamptz[])
               AS page (id, contact, needs_details, observed_at)
        ON CONFLICT (run_id, zoho_customer_id) DO UPDATE
           SET contact = excluded.contact, needs_details = excluded.needs_details, observed_at = excluded.observed_at
        """,
        {
            "run_id": run_id,
            "ids": ids,
            "contacts": [_contact_json(read.record) for read in reads],
            "needs_details": [contact_id in needing_details for contact_id in ids],
            "times": [read.observed_at for read in reads],
        },
    )


def contacts_needing_details(db: Session, run_id: uuid.UUID, limit: int | None = None) -> list[Contact]:
    """The staged contacts whose persons are still unknown, by id, at most `limit`.

    Contacts whose call has failed come last.
    """
    rows = db.execute(
        text("""
            SELECT contact
              FROM booksync.staged_contacts AS staged
              LEFT JOIN booksync.failed_records AS failed
                ON failed.run_id = staged.run_id AND kind = 'customer' AND record_id = zoho_customer_id
             WHERE staged.run_id = :run_id AND needs_details
             ORDER BY failed_at NULLS FIRST, zoho_customer_id LIMIT :limit
        """),
        {"run_id": run_id, "limit": limit},
    )
    return [_CONTACT.validate_python(row.contact) for row in rows]


def forgo_details(db: Session, run_id: uuid.UUID, contact_ids: Sequence[str]) -> None:
    """Cancel the detail calls of these staged contacts, because the bulk read contains their persons."""
    db.execute(
        text("""
            UPDATE booksync.staged_contacts SET needs_details = false
             WHERE run_id = :run_id AND zoho_customer_id = ANY(:contact_ids)
        """),
        {"run_id": run_id, "contact_ids": list(contact_ids)},
    )


def clear_persons(db: Session, run_id: uuid.UUID) -> None:
    """Delete the run's staged persons of the bulk list, because another bulk read begins."""
    db.execute(text("DELETE FROM booksync.staged_persons WHERE run_id = :run_id"), {"run_id": run_id})


def set_details(db: Session, run_id: uuid.UUID, observed: Observed[Contact]) -> None:
    """Replace the staged list row of a contact by the contact's detail response."""
    db.exec_driver_sql(
        """
        UPDATE booksync.staged_contacts SET contact = %(contact)s, observed_at = %(observed_at)s, needs_details = false
         WHERE run_id = %(run_id)s AND zoho_customer_id = %(contact_id)s
        """,
        {
            "run_id": run_id,
            "contact_id": observed.record.contact_id,
            "contact": _contact_json(observed.record),
            "observed_at": observed.observed_at,
        },
    )


def unstage(db: Session, run_id: uuid.UUID, contact_ids: Sequence[str]) -> None:
    """Remove these contacts from the staged ones, because they need no more work."""
    db.execute(
        text("DELETE FROM booksync.staged_contacts WHERE run_id = :run_id AND zoho_customer_id = ANY(:contact_ids)"),
        {"run_id": run_id, "contact_ids": list(contact_ids)},
    )


def staged_batch(db: Session, run_id: uuid.UUID, limit: int) -> list[Observed[Contact]]:
    """The next staged contacts to write to the cache, by id, at most `limit`."""
    rows = db.execute(
        text("""
            SELECT contact, observed_at FROM booksync.staged_contacts
             WHERE run_id = :run_id ORDER BY zoho_customer_id LIMIT :limit
        """),
        {"run_id": run_id, "limit": limit},
    )
    return [Observed(_CONTACT.validate_python(row.contact), row.observed_at) for row in rows]


def clear(db: Session, run_id: uuid.UUID) -> None:
    """Delete all staged data of an ended run."""
    for table in ("staged_contacts", "staged_pages", "staged_persons", "seen_records"):
        db.execute(text(f"DELETE FROM booksync.{table} WHERE run_id = :run_id"), {"run_id": run_id})  # noqa: S608


def _contact_json(contact: Contact) -> Jsonb:
    return Jsonb(contact, dumps=_dumps)


def _dumps(contact: Contact) -> bytes:
    return orjson.dumps(contact, default=_amount)


def _amount(value: object) -> str:
    """An amount as text in the staged JSON, because a JSON number may lose digits."""
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(type(value).__name__)
