"""The customers' write path alone, without calls: the cost of upserting ready contacts, compared with a COPY."""

import gc
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from psycopg.types.json import Jsonb
from sqlalchemy import Engine

from benchmarks.installation import a_connection_in
from db.batches import BATCH
from db.connections import Connection
from db.session import Session
from domain.contacts import Contact, ContactKind
from domain.customers import Customer, customer_from, persons_as_json
from domain.observed import Observed
from domain.phones import PhoneFallback
from domain.phones.choosing import verdict_as_json
from domain.phones.judging import judge
from domain.reminders.public_holidays import rest_days
from sandbox.zoho.data import epoch_now, made_up_books
from sandbox.zoho.rows import contact_detail
from workers.services.cache_customers import cache_customers
from workers.zoho.records import contact_from_detail

#: Unmeasured batches first, because a worker's connection is old: its statements are compiled, prepared and planned.
_WARM_UP = 10

_COPY = """
    COPY booksync.customers_cache (user_id, connection_id, zoho_customer_id, status, customer_name, company_name,
         primary_contact_person_id, primary_phone, phone_problem, phone_not_callable, primary_email, contact_persons,
         country_code, time_zone, time_zones, rest_days, unused_credits, credits_currency, payment_reminder_enabled,
         zoho_last_modified_at, observed_at, sync_hash, phone_verdict) FROM STDIN
"""


@dataclass(frozen=True)
class WriteTimes:
    """Seconds to write `rows` customers, in transactions of a hundred."""

    rows: int
    judging: float  #: only the rules, with each phone number judged for the first time
    rules: float  #: the same again, with cached numbers, as in the last three columns
    copy: float
    first: float
    unchanged: float
    changed: float

    @property
    def first_in_database(self) -> float:
        """The database work of the first load."""
        return self.first - self.rules

    @property
    def unchanged_in_database(self) -> float:
        return self.unchanged - self.rules


def made_up_contacts(count: int) -> list[Contact]:
    """The customers among `count` contacts, as a full run has them before the write: list row and persons joined."""
    books = made_up_books(seed=1, number=0, contacts=count, invoices=0, now=epoch_now())
    made = (_contact(contact_detail(each, books.organization)) for each in books.contacts.truth.values())
    return [contact for contact in made if contact.kind is ContactKind.CUSTOMER]


def measure(engine: Engine, contacts: Sequence[Contact]) -> WriteTimes:
    """Upsert the contacts as new, as unchanged, and as all changed.

    The rules and the COPY run batch by batch next to the first load, the COPY into the same table, so that all have the
    same machine load and the same indexes.
    """
    now = datetime.now(UTC)
    _warm_up(engine, contacts, now)
    upserted, copied = _two_connections(engine)
    judge.cache_clear()
    began = time.perf_counter()
    ready = _ruled(contacts, copied)
    judging = time.perf_counter() - began
    gc.freeze()  # A worker holds one page: its garbage collector never scans a hundred thousand contacts.
    rules = copy = first = 0.0
    for number, (batch, rows) in enumerate(zip(_batches(contacts), _batches(ready), strict=True)):
        began = time.perf_counter()
        _ruled(batch, copied)
        rules += time.perf_counter() - began
        # Alternate the order, so that neither always finds the table in the state that the other has left.
        if number % 2:
            copy += _timed(engine, _copy([_row(copied, customer, now) for customer in rows]))
        first += _timed(engine, _upsert(upserted, batch, now, new=len(batch)))
        if not number % 2:
            copy += _timed(engine, _copy([_row(copied, customer, now) for customer in rows]))
    unchanged = sum(_timed(engine, _upsert(upserted, batch, now)) for batch in _batches(contacts))
    changed = 0.0
    for batch in _batches(contacts):
        edited = [_edited(contact) for contact in batch]
        changed += _timed(engine, _upsert(upserted, edited, now, updated=len(batch)))
    return WriteTimes(len(contacts), judging, rules, copy, first, unchanged, changed)


def _warm_up(engine: Engine, contacts: Sequence[Contact], now: datetime) -> None:
    upserted, copied = _two_connections(engine)
    for batch in _batches(contacts)[:_WARM_UP]:
        _timed(engine, _upsert(upserted, batch, now, new=len(batch)))
        _timed(engine, _copy([_row(copied, customer, now) for customer in _ruled(batch, copied)]))


def _two_connections(engine: Engine) -> tuple[Connection, Connection]:
    """One connection for the upserts, one for the COPY."""
    upserted, copied = (a_connection_in(engine, country_code="US", time_zone="America/New_York") for _ in range(2))
    return upserted, copied


def _ruled(contacts: Sequence[Contact], connection: Connection) -> list[Customer]:
    return [customer_from(contact, home=connection.home) for contact in contacts]


def _timed(engine: Engine, write: Callable[[Session], None]) -> float:
    began = time.perf_counter()
    with engine.begin() as db:
        write(db)
    return time.perf_counter() - began


def _upsert(
    connection: Connection, batch: Sequence[Contact], now: datetime, *, new: int = 0, updated: int = 0
) -> Callable[[Session], None]:
    observed = [Observed(contact, now) for contact in batch]

    def write(db: Session) -> None:
        written = cache_customers(db, connection, observed, fallback=PhoneFallback.NONE, now=now)
        assert (written.new, written.updated) == (new, updated), "not what is to be measured"

    return write


def _copy(rows: Iterable[tuple[Any, ...]]) -> Callable[[Session], None]:
    def write(db: Session) -> None:
        raw = db.connection.driver_connection
        assert raw is not None
        with raw.cursor().copy(_COPY) as copy:
            for row in rows:
                copy.write_row(row)

    return write


def _row(connection: Connection, customer: Customer, now: datetime) -> tuple[Any, ...]:
    return (
        connection.user_id,
        connection.connection_id,
        customer.zoho_customer_id,
        str(customer.status),
        customer.customer_name,
        customer.company_name,
        customer.primary_contact_person_id,
        customer.primary_phone,
        customer.phone_problem and str(customer.phone_problem),
        customer.phone_not_callable and str(customer.phone_not_callable),
        customer.primary_email,
        Jsonb(persons_as_json(customer.persons), dumps=orjson.dumps),
        customer.country_code,
        customer.time_zone,
        list(customer.time_zones or ()),
        sorted(rest_days(customer.holiday_country)),
        customer.unused_credits,
        customer.credits_currency,
        customer.reminders_enabled,
        customer.zoho_last_modified_at,
        now,
        customer.sync_hash,
        Jsonb(verdict_as_json(customer.judged_phone), dumps=orjson.dumps),
    )


def _batches(items: Sequence[Any]) -> list[Sequence[Any]]:
    return [items[start : start + BATCH] for start in range(0, len(items), BATCH)]


def _contact(detail: dict[str, Any]) -> Contact:
    contact = contact_from_detail(orjson.loads(orjson.dumps(detail)))
    assert isinstance(contact, Contact)
    return replace(contact, details=None)


def _edited(contact: Contact) -> Contact:
    assert contact.modified_at is not None
    return replace(contact, company_name="Renamed Ltd", modified_at=contact.modified_at + timedelta(days=1))
