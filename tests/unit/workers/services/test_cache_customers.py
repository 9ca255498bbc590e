"""The caching service with fakes for the tables: which contacts it locks and writes, and in which order."""

import datetime as dt
import uuid
from dataclasses import replace

import pytest

from domain.contacts import ContactKind
from tests.builders import A_BRITISH_MOBILE, AN_INDIAN_MOBILE, MODIFIED_AT, a_contact, a_person
from tests.unit.workers.services.fake_customers import (
    LATER,
    OBSERVED_AT,
    FakeTables,
    a_row,
    cache,
    faked,
    in_country,
    put,
    read,
    renamed,
)


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> FakeTables:
    return faked(monkeypatch)


class TestTheOrderOfTheStatements:
    def test_changed_rows_are_locked_by_id_then_written_then_waiting_invoices_move_then_reminders_are_planned(
        self, tables: FakeTables
    ) -> None:
        put(tables, a_contact("5002"), a_contact("5001"))
        cache(read(renamed("5002")), read(renamed("5001")))
        assert tables.calls == [
            "read 5001 5002",
            "lock 5001 5002",
            "write 5001 5002",
            "note asked",
            "move waiting 5001 5002",
            "replan",
        ]

    def test_an_unchanged_customer_is_neither_locked_nor_written(self, tables: FakeTables) -> None:
        put(tables, a_contact())
        done = cache(read(a_contact()))
        assert (done.new, done.updated) == (0, 0)
        assert tables.written == {}
        assert not any(call.startswith("lock") for call in tables.calls)

    def test_only_the_rows_that_differ_are_locked(self, tables: FakeTables) -> None:
        put(tables, a_contact("5001"), a_contact("5002"))
        cache(read(a_contact("5001")), read(renamed("5002")))
        assert "lock 5002" in tables.calls

    def test_a_new_customer_is_written_without_a_lock(self, tables: FakeTables) -> None:
        assert cache(read(a_contact())).new == 1
        assert tables.calls[:2] == ["read 5001", "write 5001"]


class TestARowThatAnotherTransactionChangedBeforeTheLock:
    def test_is_not_replaced_if_it_is_newer_now(self, tables: FakeTables) -> None:
        put(tables, a_contact())
        newer = replace(renamed(name="Newer"), modified_at=MODIFIED_AT + dt.timedelta(minutes=2))
        tables.changed_before_the_lock = {"5001": a_row(newer, LATER)}
        assert cache(read(renamed())).updated == 0
        assert tables.written == {}

    def test_is_not_written_again_if_it_has_the_same_facts_now(self, tables: FakeTables) -> None:
        put(tables, a_contact())
        tables.changed_before_the_lock = {"5001": a_row(renamed(), LATER)}
        cache(read(renamed()))
        assert tables.written == {}

    def test_gives_its_new_details_to_the_customer_that_is_written(self, tables: FakeTables) -> None:
        """The details came from a detail call of the other transaction; the country decides what the number is."""
        indian = replace(renamed(), primary=a_contact(mobile="9773000000").primary)
        put(tables, a_contact())
        row = a_row(a_contact())
        tables.changed_before_the_lock = {"5001": row._replace(details=in_country("IN"))}
        cache(read(indian))
        assert tables.written["5001"].customer.primary_phone == AN_INDIAN_MOBILE

    def test_leaves_the_decision_about_the_other_rows(self, tables: FakeTables) -> None:
        put(tables, a_contact("5001"), a_contact("5002"))
        tables.changed_before_the_lock = {"5001": a_row(renamed("5001"), LATER)}
        cache(read(renamed("5001")), read(renamed("5002")))
        assert set(tables.written) == {"5002"}


class TestContactsThatAreNotWritten:
    def test_vendors_are_not_customers(self, tables: FakeTables) -> None:
        cache(read(a_contact("5001", kind=ContactKind.VENDOR)))
        assert tables.written == {}
        assert "move waiting" in tables.calls

    def test_a_customer_of_another_connection_is_rejected_and_its_waiting_invoices_stay(
        self, tables: FakeTables
    ) -> None:
        tables.rows["5001"] = a_row(a_contact("5001"))._replace(connection_id=uuid.uuid4())
        done = cache(read(renamed("5001")), read(a_contact("5002")))
        assert [each.record_id for each in done.rejected] == ["5001"]
        assert set(tables.written) == {"5002"}
        assert "move waiting 5002" in tables.calls

    def test_an_older_version_does_not_replace_a_newer_one(self, tables: FakeTables) -> None:
        put(tables, renamed())
        cache(read(a_contact()))
        assert tables.written == {}

    def test_details_without_news_need_no_further_detail_call(self, tables: FakeTables) -> None:
        details = in_country("GB")
        put(tables, a_contact(details=details))
        cache(read(a_contact(details=details)))
        assert (tables.written, tables.asked) == ({}, {"5001": MODIFIED_AT})

    def test_of_two_versions_of_a_contact_the_newer_one_is_written(self, tables: FakeTables) -> None:
        cache(read(renamed()), read(a_contact()))
        assert tables.written["5001"].customer.customer_name == "Difference Engines"


class TestARowThatWasReadInTheSecondOfItsChange:
    PERSONS = (a_person("7001", mobile=A_BRITISH_MOBILE, is_primary=True),)

    @pytest.fixture(autouse=True)
    def ambiguous_row(self, tables: FakeTables) -> None:
        tables.rows["5001"] = a_row(a_contact(persons=self.PERSONS), MODIFIED_AT)

    def test_is_final_after_a_later_read_with_its_persons(self, tables: FakeTables) -> None:
        cache(read(a_contact(persons=self.PERSONS)))
        assert (tables.observed, tables.written) == ({"5001": LATER}, {})

    def test_is_not_final_after_a_list_row_alone(self, tables: FakeTables) -> None:
        cache(read(a_contact()))
        assert tables.observed == {}

    def test_is_not_final_after_an_older_version(self, tables: FakeTables) -> None:
        cache(read(a_contact(persons=self.PERSONS, modified_at=MODIFIED_AT - dt.timedelta(seconds=1))))
        assert (tables.observed, tables.written) == ({}, {})

    def test_is_not_final_after_a_read_that_is_written(self, tables: FakeTables) -> None:
        """The written row has the time of its read already."""
        cache(read(a_contact(persons=self.PERSONS, name="Renamed")))
        assert (tables.observed, set(tables.written)) == ({}, {"5001"})

    def test_has_no_time_recorded_if_it_was_read_later_than_its_change(self, tables: FakeTables) -> None:
        tables.rows["5001"] = a_row(a_contact(persons=self.PERSONS), OBSERVED_AT)
        cache(read(a_contact(persons=self.PERSONS)))
        assert tables.observed == {}
