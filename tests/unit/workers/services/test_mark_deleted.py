"""The deletion service with fakes for the tables: which statements it makes for a 404, and in which order."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import pytest

from db.connections import Connection
from db.session import Session
from domain.entities import CUSTOMER, INVOICE, Entity
from workers.services import mark_deleted

NOW = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
SEEN_AT = NOW - dt.timedelta(minutes=5)
SESSION = cast(Session, None)
CONNECTION = cast(Connection, SimpleNamespace(connection_id=uuid.uuid4()))
CREDIT_NOTE = Entity("creditnote", "credit_note", depends_on=(CUSTOMER,))


@dataclass
class FakeTables:
    """The live records in memory; `calls` has the statements and the planning in their order."""

    live: dict[str, uuid.UUID] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    marked_at: list[dt.datetime | None] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    replanned: list[uuid.UUID] = field(default_factory=list)

    def lock_customers(self, *_: object) -> None:
        self.calls.append("lock customers")

    def note_gone(
        self, _: Session, __: Connection, ___: Entity, record_id: str, *, observed_at: dt.datetime
    ) -> list[uuid.UUID]:
        self.calls.append("note gone")
        self.marked_at.append(observed_at)
        return self._live([record_id])

    def mark(
        self, _: Session, __: Connection, ___: Entity, record_ids: Sequence[str], *, observed_at: dt.datetime
    ) -> list[uuid.UUID]:
        self.calls.append("mark")
        self.marked_at.append(observed_at)
        return self._live(record_ids)

    def mark_held(self, _: Session, __: Connection, ___: Entity, record_ids: Sequence[str]) -> list[uuid.UUID]:
        self.calls.append("mark held")
        return self._live(record_ids)

    def forget(self, _: Session, __: Connection, ___: Entity, record_ids: Sequence[str]) -> None:
        self.calls.append("forget")
        self.forgotten += record_ids

    def replan_customers(self, *given: object, now: dt.datetime) -> None:
        self._replan("customers", given, now)

    def replan_invoices(self, *given: object, now: dt.datetime) -> None:
        self._replan("invoices", given, now)

    def _live(self, record_ids: Sequence[str]) -> list[uuid.UUID]:
        return [self.live[each] for each in record_ids if each in self.live]

    def _replan(self, kind: str, given: tuple[object, ...], now: dt.datetime) -> None:
        assert now == NOW
        self.calls.append(f"replan {kind}")
        self.replanned += cast(Sequence[uuid.UUID], given[-1])


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> FakeTables:
    fake = FakeTables()
    for name in ("deletions", "held_deletions", "plan_reminders"):
        monkeypatch.setattr(mark_deleted, name, fake)
    return fake


def put(tables: FakeTables, *record_ids: str) -> list[uuid.UUID]:
    """Cached records that are not marked deleted, and were not read after the 404."""
    tables.live |= {each: uuid.uuid4() for each in record_ids}
    return [tables.live[each] for each in record_ids]


def mark(entity: Entity, *record_ids: str) -> int:
    return mark_deleted.mark_deleted(SESSION, CONNECTION, entity, record_ids, observed_at=SEEN_AT, now=NOW)


def mark_held(entity: Entity, *record_ids: str) -> int:
    return mark_deleted.mark_held_deleted(SESSION, CONNECTION, entity, record_ids, now=NOW)


def note_gone(entity: Entity, record_id: str) -> None:
    mark_deleted.note_gone(SESSION, CONNECTION, entity, record_id, observed_at=SEEN_AT, now=NOW)


def test_the_customers_of_invoices_are_locked_before_the_invoices_are_marked(tables: FakeTables) -> None:
    mark(INVOICE, "8001")
    assert tables.calls == ["lock customers", "mark", "forget", "replan invoices"]


def test_the_customers_of_held_invoices_are_locked_before_the_invoices_are_marked(tables: FakeTables) -> None:
    mark_held(INVOICE, "8001")
    assert tables.calls == ["lock customers", "mark held", "forget", "replan invoices"]


def test_the_customer_of_an_invoice_is_locked_before_its_404_is_recorded(tables: FakeTables) -> None:
    note_gone(INVOICE, "8001")
    assert tables.calls == ["lock customers", "note gone", "replan invoices"]


def test_customers_are_marked_without_a_separate_lock(tables: FakeTables) -> None:
    mark(CUSTOMER, "5001")
    assert tables.calls == ["mark", "forget", "replan customers"]


def test_no_reminder_is_planned_for_a_record_of_another_entity(tables: FakeTables) -> None:
    put(tables, "9001")
    assert mark(CREDIT_NOTE, "9001") == 1
    note_gone(CREDIT_NOTE, "9001")
    assert tables.calls == ["mark", "forget", "note gone"]


def test_only_marked_records_are_counted_and_planned_again(tables: FakeTables) -> None:
    marked = put(tables, "5001", "5002")
    assert mark(CUSTOMER, "5001", "5002", "read-since") == 2
    assert tables.replanned == marked


def test_only_marked_held_records_are_counted_and_planned_again(tables: FakeTables) -> None:
    marked = put(tables, "8001")
    assert mark_held(INVOICE, "8001", "read-since") == 1
    assert tables.replanned == marked


def test_no_record_is_held_back_after_the_decision_whether_it_was_marked_or_not(tables: FakeTables) -> None:
    put(tables, "5001")
    mark(CUSTOMER, "5001", "read-since")
    mark_held(CUSTOMER, "5002")
    assert tables.forgotten == ["5001", "read-since", "5002"]


def test_a_404_alone_plans_the_record_again_and_leaves_it_held_back(tables: FakeTables) -> None:
    gone = put(tables, "5001")
    note_gone(CUSTOMER, "5001")
    assert tables.replanned == gone
    assert tables.forgotten == []


def test_a_404_has_its_own_time_not_the_present(tables: FakeTables) -> None:
    mark(CUSTOMER, "5001")
    note_gone(CUSTOMER, "5001")
    assert tables.marked_at == [SEEN_AT, SEEN_AT]
