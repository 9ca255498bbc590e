"""The caching service with fakes for the tables: which contacts it locks and writes, and what follows from them."""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from types import SimpleNamespace
from typing import cast

import pytest

from db.connections import Connection
from db.session import Session
from db.upserts import Written
from domain.cached_customers import COMPARED_COLUMNS, FreshCustomer, StoredCustomer
from domain.contacts import NOTHING_TOLD, Contact, ContactDetails, ContactKind
from domain.customers import customer_from, persons_as_json
from domain.observed import Observed
from domain.phones import PhoneFallback
from tests.builders import A_BRITISH_MOBILE, A_LONDON_PHONE, AN_INDIAN_MOBILE, LONDON, MODIFIED_AT, a_contact, a_person
from workers.services import cache_customers
from workers.services.cache_customers import CachedCustomers
from workers.services.cache_invoices import CachedInvoices

NOW = MODIFIED_AT + dt.timedelta(hours=3)
OBSERVED_AT = MODIFIED_AT + dt.timedelta(hours=1)
LATER = OBSERVED_AT + dt.timedelta(hours=1)
SESSION = cast(Session, None)
CONNECTION = cast(Connection, SimpleNamespace(connection_id=uuid.uuid4(), home=LONDON))


def read(contact: Contact, observed_at: dt.datetime = LATER) -> Observed[Contact]:
    return Observed(contact, observed_at)


def a_row(contact: Contact, observed_at: dt.datetime = OBSERVED_AT) -> StoredCustomer:
    """The row of this contact, as it is cached."""
    customer = customer_from(contact, home=LONDON)
    return StoredCustomer(
        connection_id=CONNECTION.connection_id,
        status=customer.status,
        facts=attrgetter(*COMPARED_COLUMNS)(customer),
        persons=persons_as_json(customer.persons),
        version=read(contact, observed_at).version,
        details=contact.details or NOTHING_TOLD,
        credits=(customer.unused_credits, customer.credits_currency),
        gone_at=None,
        observed_at=observed_at,
        updated_at=observed_at,
    )


@dataclass
class FakeTables:
    """The cached customers in memory; `calls` has the statements and the planning in their order, with Zoho's ids."""

    rows: dict[str, StoredCustomer] = field(default_factory=dict)
    changed_before_the_lock: dict[str, StoredCustomer] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)  #: by the statement, because a newer version is cached by now
    calls: list[str] = field(default_factory=list)
    written: dict[str, FreshCustomer] = field(default_factory=dict)
    asked: dict[str, dt.datetime] = field(default_factory=dict)
    observed: dict[str, dt.datetime] = field(default_factory=dict)
    replanned: list[uuid.UUID] = field(default_factory=list)
    waited: CachedInvoices = field(default_factory=CachedInvoices)

    def stored(self, _: Session, __: Connection, ids: Sequence[str]) -> dict[str, StoredCustomer]:
        self._called("read", ids)
        return {each: self.rows[each] for each in ids if each in self.rows}

    def lock_stored(self, _: Session, __: Connection, ids: Sequence[str]) -> dict[str, StoredCustomer]:
        self._called("lock", ids)
        self.rows |= self.changed_before_the_lock
        return {each: self.rows[each] for each in ids}

    def write(self, _: Session, __: Connection, batches: Iterable[Sequence[FreshCustomer]], **___: bool) -> Written:
        by_id = {each.customer.zoho_customer_id: each for rows in batches for each in rows}
        self._called("write", by_id)
        self.written = {key: each for key, each in by_id.items() if key not in self.refused}
        ids = {key: uuid.uuid5(CONNECTION.connection_id, key) for key in self.written}
        return Written(
            new={key: each for key, each in ids.items() if key not in self.rows},
            updated={key: each for key, each in ids.items() if key in self.rows},
        )

    def note_asked(self, _: Session, __: Connection, versions: Mapping[str, dt.datetime]) -> None:
        self._called("note asked", versions)
        self.asked |= versions

    def note_observed(self, _: Session, __: Connection, observed: Mapping[str, dt.datetime]) -> None:
        self.observed |= observed

    def cache_waiting_invoices(self, _: Session, __: Connection, ids: Sequence[str], **when: object) -> CachedInvoices:
        assert when["now"] == NOW
        self._called("move waiting", ids)
        return self.waited

    def replan_customers(self, _: Session, __: Connection, ids: Sequence[uuid.UUID], *, now: dt.datetime) -> None:
        assert now == NOW
        self.calls.append("replan")
        self.replanned += ids

    def _called(self, name: str, ids: Iterable[str]) -> None:
        self.calls.append(" ".join([name, *ids]))


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> FakeTables:
    fake = FakeTables()
    for name in ("customers", "known_contacts", "plan_reminders"):
        monkeypatch.setattr(cache_customers, name, fake)
    monkeypatch.setattr(cache_customers, "cache_waiting_invoices", fake.cache_waiting_invoices)
    return fake


def put(tables: FakeTables, *contacts: Contact) -> None:
    tables.rows |= {each.contact_id: a_row(each) for each in contacts}


def cache(
    *reads: Observed[Contact], since: dt.datetime | None = None, stamps_may_go_back: bool = False
) -> CachedCustomers:
    return cache_customers.cache_customers(
        SESSION,
        CONNECTION,
        reads,
        fallback=PhoneFallback.NONE,
        now=NOW,
        since=since,
        stamps_may_go_back=stamps_may_go_back,
    )


def renamed(contact_id: str = "5001", name: str = "Difference Engines") -> Contact:
    """The contact of `a_contact` after a change in Zoho."""
    return a_contact(contact_id, name=name, modified_at=MODIFIED_AT + dt.timedelta(minutes=1))


def in_country(country_code: str) -> ContactDetails:
    return ContactDetails(country_code=country_code, reminders_enabled=None)


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
