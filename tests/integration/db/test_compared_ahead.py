"""A comparison that was made before the transaction writes the same as one that is made in the transaction."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from db.connections import Connection
from domain.invoices import Invoice
from domain.observed import Observed
from tests.builders import MODIFIED_AT, an_invoice
from tests.integration.db.caching import A_MINUTE, NOW, OBSERVED_AT, cache_customer
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.invoicing import upsert
from tests.integration.db.look import rows
from workers.services.cache_invoices import (
    CachedInvoices,
    ComparedInvoices,
    cache_invoices,
    compare_ahead,
    is_still_true,
)

LATER = OBSERVED_AT + A_MINUTE
PAGE = [
    an_invoice("8001"),
    an_invoice("8002", status="paid", balance="0"),
    an_invoice("8003", modified_at=MODIFIED_AT + A_MINUTE, status="overdue"),
    an_invoice("8004"),
]

Meanwhile = Callable[[Engine, Connection], object]


def nothing(_engine: Engine, _connection: Connection) -> None:
    pass


def a_detail_call_has_cached_a_new_one(engine: Engine, connection: Connection) -> None:
    upsert(engine, connection, an_invoice("8001", reminders_enabled=False, has_details=True))


def a_webhook_has_cached_a_newer_version(engine: Engine, connection: Connection) -> None:
    upsert(engine, connection, an_invoice("8001", status="paid", modified_at=MODIFIED_AT + A_MINUTE), observed_at=LATER)


def a_cached_one_has_become_newer(engine: Engine, connection: Connection) -> None:
    upsert(engine, connection, an_invoice("8003", status="void", modified_at=MODIFIED_AT + 2 * A_MINUTE))


def another_version_waits_for_its_customer(engine: Engine, connection: Connection) -> None:
    upsert(engine, connection, an_invoice("8001", customer_id="5009"), observed_at=OBSERVED_AT - A_MINUTE)


def the_missing_customer_is_cached(engine: Engine, connection: Connection) -> None:
    cache_customer(engine, connection, "5002")


EVENTS: list[Meanwhile] = [
    nothing,
    a_detail_call_has_cached_a_new_one,
    a_webhook_has_cached_a_newer_version,
    a_cached_one_has_become_newer,
    another_version_waits_for_its_customer,
    the_missing_customer_is_cached,
]


def a_home(engine: Engine) -> Connection:
    """A connection with one customer, one cached invoice of the page as it was, and one as it is."""
    connection = a_connection(engine)
    cache_customer(engine, connection, "5001")
    upsert(engine, connection, an_invoice("8003"), an_invoice("8004"), observed_at=OBSERVED_AT - A_MINUTE)
    return connection


def compared(engine: Engine, connection: Connection, page: list[Invoice]) -> ComparedInvoices:
    with engine.connect() as db:
        return compare_ahead(db, connection, observed(page), now=NOW, stamps_may_go_back=False)


def observed(page: list[Invoice]) -> list[Observed[Invoice]]:
    return [Observed(invoice, OBSERVED_AT) for invoice in page]


def write(
    engine: Engine, connection: Connection, page: list[Invoice], ahead: ComparedInvoices | None
) -> CachedInvoices:
    with engine.begin() as db:
        return cache_invoices(db, connection, observed(page), now=NOW, ahead=ahead)


def cached(engine: Engine, connection: Connection) -> list[dict[str, Any]]:
    """The connection's cached and waiting invoices, without what differs between two connections."""
    ours = {"id": connection.connection_id}
    own = {"id", "user_id", "connection_id", "customer_id", "created_at", "updated_at", "local_last_synced_at"}
    return [
        {name: value for name, value in each.items() if name not in own}
        for table in ("invoices_cache", "booksync.waiting_invoices")
        for each in rows(engine, f"SELECT * FROM {table} WHERE connection_id = :id ORDER BY zoho_invoice_id", **ours)
    ]


@pytest.mark.parametrize("meanwhile", EVENTS)
@pytest.mark.parametrize("page", [PAGE, [*PAGE, an_invoice("8005", customer_id="5002")]], ids=["known", "one waits"])
def test_what_happens_in_between_is_seen(engine: Engine, page: list[Invoice], meanwhile: Meanwhile) -> None:
    early, late = a_home(engine), a_home(engine)
    ahead = compared(engine, early, page)
    for connection in (early, late):
        meanwhile(engine, connection)
    assert write(engine, early, page, ahead) == write(engine, late, page, None)
    assert cached(engine, early) == cached(engine, late)


def test_a_comparison_serves_while_nothing_happens(engine: Engine) -> None:
    connection = a_home(engine)
    ahead = compared(engine, connection, PAGE)
    with engine.connect() as db:
        assert is_still_true(db, connection, ahead)
    assert write(engine, connection, PAGE, ahead) == CachedInvoices(new=2, updated=1)
    with engine.connect() as db:
        assert not is_still_true(db, connection, ahead)
