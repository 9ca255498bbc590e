"""Promises of waiting invoices whose modified time goes back: the rule of cached rows applies, in any order."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from db import invoices, webhook_events
from db.connections import Connection
from db.session import Session
from db.webhook_events import RefreshRef
from domain.entities import INVOICE
from domain.observed import Observed
from domain.phones import PhoneFallback
from domain.watermarks import OVERLAP
from domain.webhooks import CachedVersion
from tests.builders import MODIFIED_AT, a_contact, an_invoice
from tests.integration.db.caching import A_MINUTE, NOW, OBSERVED_AT
from workers.services.cache_customers import cache_customers
from workers.services.cache_invoices import cache_invoices

CACHED, UNKNOWN = "5001", "5002"
A_SECOND = dt.timedelta(seconds=1)
#: Reads with this distance are never of one moment.
CLEARLY_LATER = OVERLAP + A_SECOND


@dataclass(frozen=True)
class Reading:
    """One read of the invoice 8001."""

    stamp: dt.datetime | None
    observed_at: dt.datetime
    customer_id: str = UNKNOWN
    status: str = "sent"

    @property
    def rank(self) -> tuple[dt.datetime, dt.datetime]:
        return (self.observed_at, self.stamp or dt.datetime.min.replace(tzinfo=dt.UTC))


OLD = Reading(MODIFIED_AT, OBSERVED_AT)
PAID_WITH_AN_OLDER_STAMP = Reading(MODIFIED_AT - A_MINUTE, OBSERVED_AT + CLEARLY_LATER, status="paid")


def read(db: Session, connection: Connection, reading: Reading, *, full: bool) -> None:
    # No two reads are equal, because an equal read would leave the observed time of the one before.
    invoice = an_invoice(
        customer_id=reading.customer_id,
        number=f"read at {reading.observed_at}",
        status=reading.status,
        modified_at=reading.stamp,
    )
    observed = Observed(invoice, reading.observed_at)
    cache_invoices(db, connection, [observed], now=NOW, stamps_may_go_back=full)


def cache_the_unknown_customer(db: Session, connection: Connection) -> None:
    batch = [Observed(a_contact(UNKNOWN), OBSERVED_AT)]
    cache_customers(db, connection, batch, fallback=PhoneFallback.NONE, now=NOW)


def cached(db: Session) -> tuple[object, ...]:
    """Customer, status, modified time and observed time of the cached invoice."""
    row = db.execute(
        text("SELECT zoho_customer_id, status, zoho_last_modified_at, observed_at FROM invoices_cache")
    ).one()
    return tuple(row)


def waiting(db: Session) -> list[tuple[object, ...]]:
    """Customer, status and observed time of each waiting read."""
    rows = db.execute(text("SELECT zoho_customer_id, invoice ->> 'status', observed_at FROM booksync.waiting_invoices"))
    return [tuple(row) for row in rows]


def as_cached(reading: Reading) -> tuple[object, ...]:
    return (reading.customer_id, reading.status, reading.stamp, reading.observed_at)


def test_a_full_run_replaces_a_waiting_invoice_whose_modified_time_went_back(engine: Engine, home: Connection) -> None:
    with engine.begin() as db:
        read(db, home, OLD, full=True)
        read(db, home, PAID_WITH_AN_OLDER_STAMP, full=True)
        assert waiting(db) == [(UNKNOWN, "paid", PAID_WITH_AN_OLDER_STAMP.observed_at)]
        cache_the_unknown_customer(db, home)
        assert cached(db) == as_cached(PAID_WITH_AN_OLDER_STAMP)


def test_an_incremental_run_keeps_a_waiting_invoice_whose_modified_time_went_back(
    engine: Engine, home: Connection
) -> None:
    with engine.begin() as db:
        read(db, home, OLD, full=False)
        read(db, home, PAID_WITH_AN_OLDER_STAMP, full=False)
        assert waiting(db) == [(UNKNOWN, "sent", OLD.observed_at)]


def test_a_full_run_ends_the_wait_of_an_invoice_that_moved_to_a_cached_customer(
    engine: Engine, home: Connection
) -> None:
    moved = Reading(MODIFIED_AT - A_MINUTE, OBSERVED_AT + CLEARLY_LATER, CACHED, "paid")
    with engine.begin() as db:
        read(db, home, OLD, full=True)
        read(db, home, moved, full=True)
        assert (cached(db), waiting(db)) == (as_cached(moved), [])


def test_a_full_run_withdraws_the_cached_row_of_an_invoice_whose_modified_time_went_back(
    engine: Engine, home: Connection
) -> None:
    with engine.begin() as db:
        read(db, home, Reading(MODIFIED_AT, OBSERVED_AT, CACHED), full=True)
        read(db, home, PAID_WITH_AN_OLDER_STAMP, full=True)
        assert cached(db)[:2] == (CACHED, "deleted")


def test_a_waiting_invoice_is_live_although_its_withdrawn_row_has_the_newer_modified_time(
    engine: Engine, home: Connection
) -> None:
    ref = RefreshRef(home.connection_id, INVOICE, "8001")
    with engine.begin() as db:
        read(db, home, Reading(MODIFIED_AT, OBSERVED_AT, CACHED), full=True)
        read(db, home, PAID_WITH_AN_OLDER_STAMP, full=True)
        found = webhook_events.cached_version(db, home, ref)
    assert found == CachedVersion(True, PAID_WITH_AN_OLDER_STAMP.stamp, PAID_WITH_AN_OLDER_STAMP.observed_at)


def test_an_invoice_whose_stamp_went_back_is_cached_when_it_returns_to_its_customer(
    engine: Engine, home: Connection
) -> None:
    back = Reading(PAID_WITH_AN_OLDER_STAMP.stamp, PAID_WITH_AN_OLDER_STAMP.observed_at + A_SECOND, CACHED)
    with engine.begin() as db:
        read(db, home, Reading(MODIFIED_AT, OBSERVED_AT, CACHED), full=True)
        read(db, home, PAID_WITH_AN_OLDER_STAMP, full=True)
        read(db, home, back, full=False)
        assert (cached(db), waiting(db)) == (as_cached(back), [])


def test_a_waiting_invoice_is_cached_although_its_detail_was_read_again(engine: Engine, home: Connection) -> None:
    again = dt.timedelta(hours=1) + PAID_WITH_AN_OLDER_STAMP.observed_at
    with engine.begin() as db:
        read(db, home, Reading(MODIFIED_AT, OBSERVED_AT, CACHED), full=True)
        read(db, home, PAID_WITH_AN_OLDER_STAMP, full=True)
        invoices.note_observed(db, home, "8001", again)
        cache_the_unknown_customer(db, home)
        assert (cached(db)[:2], waiting(db)) == ((UNKNOWN, "paid"), [])


def test_a_waiting_invoice_is_cached_although_one_server_of_zoho_is_some_seconds_ahead(
    engine: Engine, home: Connection
) -> None:
    moved = Reading(MODIFIED_AT + A_MINUTE, OBSERVED_AT)
    with engine.begin() as db:
        read(db, home, Reading(MODIFIED_AT, OBSERVED_AT + A_SECOND, CACHED), full=False)
        read(db, home, moved, full=False)
        cache_the_unknown_customer(db, home)
        assert (cached(db), waiting(db)) == (as_cached(moved), [])


def test_a_cached_row_that_was_read_later_survives_the_waiting_one(engine: Engine, home: Connection) -> None:
    later = Reading(MODIFIED_AT - A_MINUTE, OBSERVED_AT + CLEARLY_LATER, CACHED, "paid")
    with engine.begin() as db:
        read(db, home, later, full=False)
        # Written by a release that did not end a wait by the time of the read.
        db.execute(text("UPDATE invoices_cache SET connection_id = NULL WHERE zoho_invoice_id = '8001'"))
        read(db, home, OLD, full=False)
        db.execute(text("UPDATE invoices_cache SET connection_id = :id"), {"id": home.connection_id})
        assert waiting(db) != []
        cache_the_unknown_customer(db, home)
        assert (cached(db), waiting(db)) == (as_cached(later), [])


def test_a_read_that_is_older_than_the_cached_row_does_not_wait(engine: Engine, home: Connection) -> None:
    with engine.begin() as db:
        read(db, home, Reading(MODIFIED_AT + A_MINUTE, OBSERVED_AT + A_SECOND, CACHED), full=False)
        read(db, home, OLD, full=False)
        assert waiting(db) == []


def test_a_read_that_is_older_than_the_waiting_one_is_not_cached(engine: Engine, home: Connection) -> None:
    with engine.begin() as db:
        read(db, home, OLD, full=False)
        read(db, home, Reading(MODIFIED_AT - A_MINUTE, OBSERVED_AT + A_SECOND, CACHED), full=False)
        assert db.execute(text("SELECT zoho_invoice_id FROM invoices_cache")).all() == []


_STAMPS = st.none() | st.integers(0, 3).map(lambda minutes: MODIFIED_AT + minutes * A_MINUTE)
_MOMENTS = st.integers(0, 2).map(lambda count: OBSERVED_AT + count * CLEARLY_LATER)
_READINGS = st.lists(
    st.builds(Reading, _STAMPS, _MOMENTS, st.sampled_from([CACHED, UNKNOWN]), st.sampled_from(["sent", "paid"])),
    min_size=2,
    max_size=3,
    unique_by=lambda reading: reading.rank,
)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(st.integers(0, 3), _READINGS)
def test_the_reads_of_full_runs_have_one_result_in_every_order(
    engine: Engine, home: Connection, appears_before: int, readings: Sequence[Reading]
) -> None:
    newest = max(readings, key=lambda reading: reading.rank)
    for order in permutations(readings):
        with engine.connect() as db:
            for number, reading in enumerate(order):
                if number == appears_before:
                    cache_the_unknown_customer(db, home)
                read(db, home, reading, full=True)
            cache_the_unknown_customer(db, home)
            assert (cached(db), waiting(db)) == (as_cached(newest), []), order
            db.rollback()
