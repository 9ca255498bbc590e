"""Promises of db/invoices.py and db/waiting_invoices.py: an invoice without a cached customer waits for it."""

import uuid
from decimal import Decimal

from sqlalchemy import Engine

from db import deletions, runs, waiting_invoices
from db.connections import Connection
from db.waiting_invoices import WaitingReason
from domain.entities import CUSTOMER, INVOICE
from domain.runs import Mode
from tests.builders import MODIFIED_AT, an_invoice
from tests.integration.db.caching import A_MINUTE, NOW, OBSERVED_AT, cache_customer
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.invoicing import cached, cached_ids, skipped, upsert
from tests.integration.db.look import change
from workers.services import mark_deleted
from workers.services.cache_invoices import CachedInvoices


def unknown_customers(engine: Engine, connection: Connection, limit: int = 20) -> list[str]:
    with engine.connect() as db:
        return waiting_invoices.unknown_customers(db, connection, uuid.uuid4(), limit, with_rejected=False)


class TestInvoicesThatWait:
    def test_an_invoice_of_an_unknown_customer_waits(self, engine: Engine, home: Connection) -> None:
        page = [an_invoice("8001"), an_invoice("8002", customer_id="5002"), an_invoice("8003", customer_id="")]
        assert upsert(engine, home, *page) == CachedInvoices(new=1)
        assert cached_ids(engine) == {"8001"}
        assert skipped(engine) == {"8002": "customer_unknown", "8003": "no_customer"}

    def test_each_unknown_customer_is_requested_once(self, engine: Engine, connection: Connection) -> None:
        page = [an_invoice(str(number), customer_id=str(5000 + number % 3)) for number in range(9)]
        upsert(engine, connection, *page, an_invoice("8001", customer_id=""))
        assert unknown_customers(engine, connection) == ["5000", "5001", "5002"]
        assert unknown_customers(engine, connection, limit=2) == ["5000", "5001"]

    def test_invoices_move_to_the_cache_with_their_new_customer(self, engine: Engine, connection: Connection) -> None:
        upsert(engine, connection, an_invoice("8001"), an_invoice("8002"), an_invoice("8003", customer_id="5002"))
        assert cache_customer(engine, connection).cached_waiting == CachedInvoices(new=2)
        assert cached_ids(engine) == {"8001", "8002"}
        assert skipped(engine) == {"8003": "customer_unknown"}
        assert cached(engine)["plan_at"] == NOW

    def test_a_waiting_invoice_moves_to_the_cache_exactly(self, engine: Engine, connection: Connection) -> None:
        told = an_invoice(total="1234567890123456.789", balance=None, date=None)
        upsert(engine, connection, told)
        cache_customer(engine, connection)
        found = cached(engine)
        assert (found["total"], found["balance"], found["date"]) == (Decimal("1234567890123456.789"), None, None)
        assert found["sync_hash"] == told.sync_hash()
        assert (found["zoho_last_modified_at"], found["observed_at"]) == (MODIFIED_AT, OBSERVED_AT)

    def test_invoices_move_to_the_cache_after_a_concurrent_write_of_their_customer(
        self, engine: Engine, connection: Connection
    ) -> None:
        upsert(engine, connection, an_invoice())
        # Cached by a concurrent transaction that did not see the waiting invoice.
        change(
            engine,
            """
            INSERT INTO booksync.customers_cache (user_id, connection_id, zoho_customer_id)
            VALUES (:user_id, :connection_id, '5001')
            """,
            user_id=connection.user_id,
            connection_id=connection.connection_id,
        )
        assert cache_customer(engine, connection).cached_waiting == CachedInvoices(new=1)
        assert unknown_customers(engine, connection) == []

    def test_invoices_move_to_the_cache_with_a_customer_from_before_booksync(
        self, engine: Engine, connection: Connection
    ) -> None:
        change(
            engine,
            "INSERT INTO booksync.customers_cache (user_id, zoho_customer_id) VALUES (:user_id, '5001')",
            user_id=connection.user_id,
        )
        upsert(engine, connection, an_invoice())
        cache_customer(engine, connection)
        assert (cached_ids(engine), skipped(engine)) == ({"8001"}, {})

    def test_an_invoice_no_longer_waits_once_its_customer_is_cached(self, engine: Engine, home: Connection) -> None:
        upsert(engine, home, an_invoice(customer_id=""), an_invoice("8002", customer_id="5002"))
        with engine.begin() as db:
            waiting_invoices.mark_customer(db, home, "5002", WaitingReason.CUSTOMER_GONE)
        later = MODIFIED_AT + A_MINUTE
        page = [an_invoice(modified_at=later), an_invoice("8002", modified_at=later)]
        assert upsert(engine, home, *page) == CachedInvoices(new=2)
        assert skipped(engine) == {}

    def test_a_gone_customer_is_not_requested_again(self, engine: Engine, connection: Connection) -> None:
        upsert(engine, connection, an_invoice("8001"), an_invoice("8002"), an_invoice("8003", customer_id="5002"))
        with engine.begin() as db:
            assert waiting_invoices.mark_customer(db, connection, "5001", WaitingReason.CUSTOMER_GONE) == 2
        assert unknown_customers(engine, connection) == ["5002"]
        upsert(engine, connection, an_invoice("8001"), observed_at=OBSERVED_AT + A_MINUTE)
        assert skipped(engine)["8001"] == "customer_gone"
        assert unknown_customers(engine, connection) == ["5002"]

    def test_a_gone_customer_is_requested_again_after_a_change_of_its_invoice(
        self, engine: Engine, connection: Connection
    ) -> None:
        upsert(engine, connection, an_invoice())
        with engine.begin() as db:
            waiting_invoices.mark_customer(db, connection, "5001", WaitingReason.CUSTOMER_GONE)
        upsert(engine, connection, an_invoice(modified_at=MODIFIED_AT + A_MINUTE))
        assert skipped(engine) == {"8001": "customer_unknown"}

    def test_invoices_move_to_the_cache_with_a_returned_customer(self, engine: Engine, connection: Connection) -> None:
        upsert(engine, connection, an_invoice())
        with engine.begin() as db:
            waiting_invoices.mark_customer(db, connection, "5001", WaitingReason.CUSTOMER_GONE)
        assert cache_customer(engine, connection).cached_waiting == CachedInvoices(new=1)

    def test_another_connections_customer_is_unknown(self, engine: Engine, connection: Connection) -> None:
        cache_customer(engine, a_connection(engine, user_id=connection.user_id, organization_id="20234695"))
        assert upsert(engine, connection, an_invoice()) == CachedInvoices()
        assert skipped(engine) == {"8001": "customer_unknown"}

    def test_a_deleted_customers_invoices_are_cached(self, engine: Engine, home: Connection) -> None:
        with engine.begin() as db:
            mark_deleted.mark_deleted(db, home, CUSTOMER, ["5001"], observed_at=NOW, now=NOW)
        assert upsert(engine, home, an_invoice()) == CachedInvoices(new=1)

    def test_waiting_invoices_that_a_whole_walk_has_not_read_are_deleted(
        self, engine: Engine, connection: Connection
    ) -> None:
        upsert(engine, connection, an_invoice("8001"), an_invoice("8002"))
        upsert(engine, connection, an_invoice("8003"), observed_at=OBSERVED_AT + A_MINUTE)
        with engine.begin() as db:
            run = runs.start(db, connection.connection_id, Mode.FULL, allow_deletions=False, sweep_seconds=60)
            assert run is not None
            deletions.see(db, run.run_id, INVOICE, ["8002"])
            waiting_invoices.drop_unseen(db, connection.connection_id, run.run_id, read_since=OBSERVED_AT + A_MINUTE)
        # 8003 was read after the walk had passed its place.
        assert skipped(engine) == {"8002": "customer_unknown", "8003": "customer_unknown"}
