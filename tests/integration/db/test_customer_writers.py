"""Promises of db/customers.py for concurrent writers of the same customers, and for other connections."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine

from db.connections import Connection
from db.transactions import in_transaction
from domain.contacts import ContactDetails
from domain.observed import Observed
from domain.phones import PhoneFallback
from tests.builders import MODIFIED_AT, a_contact
from tests.integration.db.caching import A_MINUTE, NOW, OBSERVED_AT, cached, counts, the_ids, upsert
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import rows, until_somebody_waits
from workers.services.cache_customers import cache_customers


class TestTwoWriters:
    @pytest.mark.parametrize("is_cached", [False, True])
    @pytest.mark.parametrize("newer_is_first", [False, True])
    def test_the_newer_response_is_never_lost(
        self, engine: Engine, connection: Connection, is_cached: bool, newer_is_first: bool
    ) -> None:
        if is_cached:
            upsert(engine, connection, a_contact(), observed_at=OBSERVED_AT - A_MINUTE)
        older = Observed(a_contact(name="Older"), OBSERVED_AT)
        newer = Observed(a_contact(name="Newer", modified_at=MODIFIED_AT + A_MINUTE), OBSERVED_AT)
        first, second = (newer, older) if newer_is_first else (older, newer)
        with ThreadPoolExecutor(1) as threads:
            with engine.begin() as db:
                cache_customers(db, connection, [first], fallback=PhoneFallback.NONE, now=NOW)
                other = threads.submit(upsert, engine, connection, second.record, observed_at=second.observed_at)
                until_somebody_waits(engine)
            written = other.result()
        assert cached(engine)["customer_name"] == "Newer"
        assert counts(written) == ((0, 0) if newer_is_first else (0, 1))

    def test_batches_in_any_order_are_all_written(self, engine: Engine, connection: Connection) -> None:
        def write(ids: Iterable[int], name: str) -> None:
            batch = [Observed(a_contact(str(number), name=name), OBSERVED_AT) for number in ids]
            in_transaction(
                engine, lambda db: cache_customers(db, connection, batch, fallback=PhoneFallback.NONE, now=NOW)
            )

        for is_cached in (False, True):
            with ThreadPoolExecutor(4) as threads:
                names = [f"{is_cached}-{number}" for number in range(4)]
                orders = [range(5000, 5100), range(5099, 4999, -1), range(5050, 5150), range(5149, 5049, -1)]
                for done in [threads.submit(write, *each) for each in zip(orders, names, strict=True)]:
                    done.result()
        assert len(the_ids(engine)) == 150

    def test_a_list_read_does_not_clear_the_details_of_a_concurrent_detail_read(
        self, engine: Engine, connection: Connection
    ) -> None:
        detail = a_contact(details=ContactDetails(country_code="IN", reminders_enabled=False))
        listed = a_contact(modified_at=MODIFIED_AT + A_MINUTE)
        with ThreadPoolExecutor(1) as threads:
            with engine.begin() as db:
                cache_customers(db, connection, [Observed(detail, OBSERVED_AT)], fallback=PhoneFallback.NONE, now=NOW)
                other = threads.submit(upsert, engine, connection, listed)
                until_somebody_waits(engine)
            other.result()
        found = cached(engine)
        assert found["zoho_last_modified_at"] == MODIFIED_AT + A_MINUTE
        assert (found["country_code"], found["payment_reminder_enabled"]) == ("IN", False)


class TestAnotherConnection:
    def test_a_row_of_another_connection_is_rejected_and_unchanged(
        self, engine: Engine, connection: Connection
    ) -> None:
        other = a_connection(engine, user_id=connection.user_id, organization_id="20234695")
        upsert(engine, other, a_contact(name="Theirs"))
        before = cached(engine)
        written = upsert(
            engine, connection, a_contact(name="Ours", modified_at=MODIFIED_AT + A_MINUTE), a_contact("6001")
        )
        assert counts(written) == (1, 0)
        assert [aside.record_id for aside in written.rejected] == ["5001"]
        assert cached(engine) == before

    def test_a_row_that_another_connection_is_writing_is_unchanged(
        self, engine: Engine, connection: Connection
    ) -> None:
        other = a_connection(engine, user_id=connection.user_id, organization_id="20234695")
        theirs = Observed(a_contact(name="Theirs"), OBSERVED_AT)
        with ThreadPoolExecutor(1) as threads:
            with engine.begin() as db:
                cache_customers(db, other, [theirs], fallback=PhoneFallback.NONE, now=NOW)
                ours = threads.submit(
                    upsert, engine, connection, a_contact(name="Ours", modified_at=MODIFIED_AT + A_MINUTE)
                )
                until_somebody_waits(engine)
            assert counts(ours.result()) == (0, 0)
        assert cached(engine)["customer_name"] == "Theirs"

    def test_another_user_has_separate_rows(self, engine: Engine, connection: Connection) -> None:
        upsert(engine, a_connection(engine), a_contact(name="Theirs"))
        assert counts(upsert(engine, connection, a_contact(name="Ours"))) == (1, 0)
        assert len(rows(engine, "SELECT id FROM booksync.customers_cache")) == 2
