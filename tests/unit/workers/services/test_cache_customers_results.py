"""The caching service with fakes for the tables: what follows from the written customers, and which are counted."""

import datetime as dt
import uuid

import pytest

from tests.builders import A_BRITISH_MOBILE, A_LONDON_PHONE, a_contact
from tests.unit.workers.services.fake_customers import (
    CONNECTION,
    OBSERVED_AT,
    FakeTables,
    cache,
    faked,
    in_country,
    put,
    read,
    renamed,
)
from workers.services.cache_invoices import CachedInvoices


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> FakeTables:
    return faked(monkeypatch)


class TestWhatFollows:
    def test_waiting_invoices_move_for_unchanged_customers_too(self, tables: FakeTables) -> None:
        """A row may exist without its invoices: from a migration, or written by another program."""
        put(tables, a_contact())
        tables.waited = CachedInvoices(new=2)
        assert cache(read(a_contact())).cached_waiting == CachedInvoices(new=2)
        assert "move waiting 5001" in tables.calls

    def test_only_updated_customers_are_planned_again(self, tables: FakeTables) -> None:
        """The invoices of a new customer are planned as they are cached."""
        put(tables, a_contact("5001"))
        done = cache(read(renamed("5001")), read(a_contact("5002")))
        assert (done.new, done.updated) == (1, 1)
        assert tables.replanned == [uuid.uuid5(CONNECTION.connection_id, "5001")]

    def test_a_row_that_the_statement_refused_is_neither_counted_nor_planned_again(self, tables: FakeTables) -> None:
        put(tables, a_contact())
        tables.refused = {"5001"}
        assert cache(read(renamed())).updated == 0
        assert tables.replanned == []


class TestTheCount:
    def test_a_row_written_since_the_start_of_the_run_is_counted_already(self, tables: FakeTables) -> None:
        put(tables, a_contact())
        done = cache(read(renamed()), since=OBSERVED_AT)
        assert done.updated == 0
        assert set(tables.written) == {"5001"}
        assert len(tables.replanned) == 1

    def test_a_row_written_before_the_run_is_counted(self, tables: FakeTables) -> None:
        put(tables, a_contact())
        assert cache(read(renamed()), since=OBSERVED_AT + dt.timedelta(seconds=1)).updated == 1

    def test_first_details_without_a_change_in_zoho_are_no_update(self, tables: FakeTables) -> None:
        put(tables, a_contact())
        done = cache(read(a_contact(details=in_country("GB"))))
        assert (done.updated, set(tables.written)) == (0, {"5001"})

    def test_a_modified_time_that_went_back_is_reported(self, tables: FakeTables) -> None:
        put(tables, renamed())
        earlier = a_contact(mobile=A_LONDON_PHONE)
        assert cache(read(earlier), stamps_may_go_back=True).went_back == ("5001",)
        assert tables.written["5001"].customer.primary_phone == A_LONDON_PHONE != A_BRITISH_MOBILE
