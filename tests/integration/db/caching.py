"""Builders and queries for the tests of customers_cache; versions of a record that may arrive in any order."""

import datetime as dt
import itertools

from sqlalchemy import Engine

from db.connections import Connection
from domain.contacts import Contact
from domain.observed import Observed
from domain.phones import PhoneFallback
from tests.builders import MODIFIED_AT, a_contact
from tests.integration.db.look import Row, row, rows
from workers.services.cache_customers import CachedCustomers, cache_customers

NOW = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)
OBSERVED_AT = dt.datetime(2026, 3, 2, 11, 0, tzinfo=dt.UTC)
A_MINUTE = dt.timedelta(minutes=1)

#: The modified and observed times of versions of one record, ascending. An unknown modified time is the oldest.
VERSIONS = [
    (None, OBSERVED_AT),
    (None, OBSERVED_AT + A_MINUTE),
    (MODIFIED_AT, OBSERVED_AT),
    (MODIFIED_AT, OBSERVED_AT + A_MINUTE),
    # Changed later, although read earlier: a list may lag behind a detail response.
    (MODIFIED_AT + A_MINUTE, OBSERVED_AT - A_MINUTE),
    (MODIFIED_AT + A_MINUTE, OBSERVED_AT),
]

#: Every pair, in both orders.
ORDERS = [*itertools.permutations(range(len(VERSIONS)), 2)]


def upsert(
    engine: Engine,
    connection: Connection,
    *contacts: Contact,
    observed_at: dt.datetime = OBSERVED_AT,
    fallback: PhoneFallback = PhoneFallback.NONE,
) -> CachedCustomers:
    batch = [Observed(contact, observed_at) for contact in contacts]
    with engine.begin() as db:
        return cache_customers(db, connection, batch, fallback=fallback, now=NOW)


def cache_customer(engine: Engine, connection: Connection, contact_id: str = "5001") -> CachedCustomers:
    return upsert(engine, connection, a_contact(contact_id))


def cached(engine: Engine, contact_id: str = "5001") -> Row:
    return row(engine, "SELECT * FROM booksync.customers_cache WHERE zoho_customer_id = :id", id=contact_id)


def the_ids(engine: Engine) -> set[str]:
    return {
        found["zoho_customer_id"] for found in rows(engine, "SELECT zoho_customer_id FROM booksync.customers_cache")
    }


def counts(written: CachedCustomers) -> tuple[int, int]:
    return (written.new, written.updated)
