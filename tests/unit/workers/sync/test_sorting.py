"""Promises of workers/sync/sorting.py: which listed contacts are written, and what is read for the others."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from db.connections import Connection
from domain.cached_customers import StoredCustomer
from domain.contacts import Contact, ContactKind, ContactStatus
from domain.persons import BulkRead
from domain.run_position import Position
from domain.runs import Mode, Phase, Run
from tests.builders import A_BRITISH_MOBILE, A_LONDON_PHONE, MODIFIED_AT, a_contact, a_person
from tests.unit.workers.services.fake_customers import CONNECTION, NOW, SESSION, a_row, read
from workers.sync import sorting
from workers.sync.sorting import MAX_BULK_READS, SortedContacts, sort_contacts, sort_staged_again

A_MINUTE = dt.timedelta(minutes=1)
ADA = a_person("7001", mobile=A_BRITISH_MOBILE, is_primary=True)
BOB = a_person("7002", first_name="Bob")


@dataclass
class FakeTables:
    """The cached customers, the staged contacts and the bulk read of a run, in memory."""

    rows: dict[str, StoredCustomer] = field(default_factory=dict)
    waiting: list[Contact] = field(default_factory=list)
    read_in_bulk: BulkRead | None = None
    credited: list[str] = field(default_factory=list)
    complete: list[str] = field(default_factory=list)

    def stored(self, _: object, __: object, ids: Sequence[str]) -> dict[str, StoredCustomer]:
        return {each: self.rows[each] for each in ids if each in self.rows}

    def bulk_read(self, _: object, __: object, ___: Sequence[str]) -> BulkRead | None:
        return self.read_in_bulk

    def note_credits(self, _: object, __: object, contacts: Sequence[Contact], **when: object) -> None:
        assert when == {"now": NOW}
        self.credited += [each.contact_id for each in contacts]

    def contacts_needing_details(self, _: object, __: object) -> list[Contact]:
        return [each for each in self.waiting if each.contact_id not in self.complete]

    def unstage(self, _: object, __: object, ids: Sequence[str]) -> None:
        self.waiting = [each for each in self.waiting if each.contact_id not in ids]

    def forgo_details(self, _: object, __: object, ids: Sequence[str]) -> None:
        self.complete += ids


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> FakeTables:
    fake = FakeTables()
    for name in ("customers", "known_contacts", "staging"):
        monkeypatch.setattr(sorting, name, fake)
    return fake


def a_run(**position: Any) -> Run:
    return Run(
        run_id=uuid.uuid4(),
        user_id=uuid.uuid4(),
        connection_id=CONNECTION.connection_id,
        mode=Mode.INCREMENTAL,
        allow_deletions=False,
        is_scheduled=False,
        phase=Phase.CUSTOMERS,
        step=3,
        attempts=1,
        position=Position(**position),
    )


def sorted_contacts(*listed: Contact) -> SortedContacts:
    return sort_contacts(SESSION, a_run(), CONNECTION, [read(each) for each in listed], now=NOW)


def ids(reads: Sequence[Any]) -> list[str]:
    return [each.record.contact_id for each in reads]


class TestSortContacts:
    def test_a_row_that_equals_the_cache_needs_nothing(self, tables: FakeTables) -> None:
        tables.rows["5001"] = a_row(a_contact(persons=(ADA, BOB)))
        found = sorted_contacts(a_contact())
        assert (found.complete, found.lacking) == ([], [])

    @pytest.mark.parametrize(
        "changed",
        [
            a_contact(modified_at=MODIFIED_AT + A_MINUTE),
            a_contact(modified_at=None),
            a_contact(status=ContactStatus.INACTIVE),
            a_contact(name="Renamed"),
            a_contact(company_name="Renamed Ltd"),
            a_contact(mobile=A_LONDON_PHONE),
            a_contact(primary=a_person("", mobile=A_BRITISH_MOBILE, email="other@example.com", is_primary=True)),
        ],
    )
    def test_a_changed_row_needs_its_details(self, tables: FakeTables, changed: Contact) -> None:
        tables.rows["5001"] = a_row(a_contact())
        assert ids(sorted_contacts(changed).lacking) == ["5001"]

    def test_a_row_cached_in_the_second_of_its_change_is_read_again(self, tables: FakeTables) -> None:
        tables.rows["5001"] = a_row(a_contact(), observed_at=MODIFIED_AT)
        assert ids(sorted_contacts(a_contact()).lacking) == ["5001"]

    def test_a_customer_that_was_gone_is_read_again(self, tables: FakeTables) -> None:
        tables.rows["5001"] = a_row(a_contact())._replace(gone_at=MODIFIED_AT)
        assert ids(sorted_contacts(a_contact()).lacking) == ["5001"]

    def test_another_connections_row_is_no_knowledge(self, tables: FakeTables) -> None:
        tables.rows["5001"] = a_row(a_contact())._replace(connection_id=uuid.uuid4())
        assert ids(sorted_contacts(a_contact()).lacking) == ["5001"]

    @pytest.mark.usefixtures("tables")
    def test_vendors_are_left_out(self) -> None:
        found = sorted_contacts(a_contact(kind=ContactKind.VENDOR))
        assert (found.complete, found.lacking) == ([], [])

    def test_a_bulk_read_completes_a_new_contact(self, tables: FakeTables) -> None:
        tables.read_in_bulk = BulkRead(MODIFIED_AT + A_MINUTE, {"5001": (ADA,)})
        found = sorted_contacts(a_contact())
        assert (ids(found.complete), found.lacking) == (["5001"], [])

    def test_only_other_credits_are_noted(self, tables: FakeTables) -> None:
        tables.rows = {each: a_row(a_contact(each, unused_credits="5")) for each in ("5001", "5002", "5003")}
        sorted_contacts(a_contact("5001", unused_credits="5"), a_contact("5002", unused_credits="6"), a_contact("5003"))
        assert tables.credited == ["5002"]


class TestWhatIsReadNext:
    """`sort_staged_again` chooses after a bulk read as `towards_what_is_lacking` does after each page."""

    def next_run(self, *, pages: int | None = 2, refused: bool = False, **position: Any) -> Run:
        connection = SimpleNamespace(
            connection_id=CONNECTION.connection_id, persons_pages=pages, bulk_persons_refused=refused
        )
        return sort_staged_again(SESSION, a_run(**position), cast(Connection, connection))

    @pytest.mark.usefixtures("tables")
    def test_without_waiting_contacts_the_upsert_follows(self) -> None:
        assert self.next_run().phase is Phase.CUSTOMERS

    def test_a_few_contacts_are_read_by_detail_calls(self, tables: FakeTables) -> None:
        tables.waiting = [a_contact("5001"), a_contact("5002")]
        run = self.next_run()
        assert (run.phase, run.position.details) == (Phase.CONTACTS, 2)

    def test_the_bulk_list_is_read_if_it_costs_fewer_calls(self, tables: FakeTables) -> None:
        tables.waiting = [a_contact("5001"), a_contact("5002")]
        run = self.next_run(details=1)
        assert (run.phase, run.position.bulk_reads) == (Phase.PERSONS, 1)

    @pytest.mark.parametrize(
        "given",
        [{"pages": None}, {"refused": True}, {"bulk_reads": MAX_BULK_READS}],
        ids=lambda given: next(iter(given)),
    )
    def test_otherwise_details_are_read(self, tables: FakeTables, given: dict[str, Any]) -> None:
        tables.waiting = [a_contact("5001"), a_contact("5002")]
        assert self.next_run(**{"details": 1, **given}).phase is Phase.CONTACTS

    def test_contacts_that_the_bulk_read_completes_need_no_detail_call(self, tables: FakeTables) -> None:
        tables.waiting = [a_contact("5001"), a_contact("5002"), a_contact("5003")]
        tables.rows["5003"] = a_row(a_contact("5003", persons=(replace(ADA, person_id="7003"),)))
        began_at = MODIFIED_AT + A_MINUTE
        persons = {"5001": (ADA,), "5003": (replace(ADA, person_id="7003"),)}
        tables.read_in_bulk = BulkRead(began_at, persons)
        run = self.next_run()
        assert (tables.complete, [each.contact_id for each in tables.contacts_needing_details(None, None)]) == (
            ["5001", "5003"],
            ["5002"],
        )
        assert run.phase is Phase.CONTACTS
