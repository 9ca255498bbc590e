"""Promises of db/deletions.py: gone records are marked, never deleted; returned records are live again."""

import datetime as dt

import pytest
from sqlalchemy import Engine

from db import deletions, runs
from db.connections import Connection
from db.runs import StepRef
from domain.deletions import Tally
from domain.entities import CUSTOMER, INVOICE, Entity
from domain.observed import Observed
from domain.phones import PhoneFallback
from domain.runs import Mode
from tests.builders import MODIFIED_AT, a_contact, an_invoice
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import Row, rows
from tests.integration.db.reminding import plan_all
from workers.services import mark_deleted
from workers.services.cache_customers import cache_customers
from workers.services.cache_invoices import cache_invoices

NOW = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)
OBSERVED_AT = dt.datetime(2026, 3, 2, 11, 0, tzinfo=dt.UTC)
A_MINUTE = dt.timedelta(minutes=1)

KINDS = [CUSTOMER, INVOICE]
TABLES = {CUSTOMER: "booksync.customers_cache", INVOICE: "invoices_cache"}
IDS = {CUSTOMER: "zoho_customer_id", INVOICE: "zoho_invoice_id"}


def tell(
    engine: Engine,
    connection: Connection,
    *ids: str,
    observed_at: dt.datetime = OBSERVED_AT,
    modified_at: dt.datetime | None = MODIFIED_AT,
) -> None:
    """Store these contacts, and an invoice of each under the same id."""
    contacts = [Observed(a_contact(each, modified_at=modified_at), observed_at) for each in ids]
    bills = [Observed(an_invoice(each, customer_id=each, modified_at=modified_at), observed_at) for each in ids]
    with engine.begin() as db:
        cache_customers(db, connection, contacts, fallback=PhoneFallback.NONE, now=NOW)
        cache_invoices(db, connection, bills, now=NOW)


@pytest.fixture
def home(engine: Engine, connection: Connection) -> Connection:
    """A connection with three cached customers, and an invoice of each."""
    tell(engine, connection, "1", "2", "3")
    return connection


@pytest.fixture
def run(engine: Engine, home: Connection) -> StepRef:
    with engine.begin() as db:
        step = runs.start(db, home.connection_id, Mode.FULL, allow_deletions=False, sweep_seconds=60)
    assert step is not None
    return step


def mark(engine: Engine, connection: Connection, kind: Entity, *ids: str, observed_at: dt.datetime = NOW) -> int:
    with engine.begin() as db:
        return mark_deleted.mark_deleted(db, connection, kind, ids, observed_at=observed_at, now=NOW)


def record(engine: Engine, kind: Entity, record_id: str) -> Row:
    (found,) = rows(engine, f"SELECT * FROM {TABLES[kind]} WHERE {IDS[kind]} = :id", id=record_id)
    return found


def unseen(engine: Engine, connection: Connection, run: StepRef, kind: Entity, limit: int = 20) -> list[str]:
    with engine.connect() as db:
        return deletions.unseen(db, connection, run.run_id, kind, limit)


@pytest.mark.parametrize("kind", KINDS)
class TestMarking:
    def test_a_gone_record_stays_marked(self, engine: Engine, home: Connection, kind: Entity) -> None:
        before = record(engine, kind, "1")
        assert mark(engine, home, kind, "1") == 1
        after = record(engine, kind, "1")
        assert (after["status"], after["id"]) == ("deleted", before["id"])
        assert record(engine, kind, "2")["status"] != "deleted"

    def test_a_gone_record_is_marked_once(self, engine: Engine, home: Connection, kind: Entity) -> None:
        assert mark(engine, home, kind, "1", "2") == 2
        assert mark(engine, home, kind, "1", "2", "9") == 0

    def test_a_404_from_before_the_last_read_marks_nothing(
        self, engine: Engine, home: Connection, kind: Entity
    ) -> None:
        assert mark(engine, home, kind, "1", observed_at=OBSERVED_AT - A_MINUTE) == 0

    def test_another_connections_record_stays_live(self, engine: Engine, home: Connection, kind: Entity) -> None:
        other = a_connection(engine, user_id=home.user_id, organization_id="20234695")
        assert mark(engine, other, kind, "1") == 0

    def test_a_returned_record_is_live_again(self, engine: Engine, home: Connection, kind: Entity) -> None:
        mark(engine, home, kind, "1")
        tell(engine, home, "1", observed_at=NOW + A_MINUTE)
        assert record(engine, kind, "1")["status"] == ("active" if kind is CUSTOMER else "sent")

    def test_a_response_from_before_the_404_does_not_revive_the_record(
        self, engine: Engine, home: Connection, kind: Entity
    ) -> None:
        mark(engine, home, kind, "1")
        tell(engine, home, "1", observed_at=NOW - A_MINUTE)
        assert record(engine, kind, "1")["status"] == "deleted"

    def test_a_newer_version_read_before_the_404_does_not_revive_the_record(
        self, engine: Engine, home: Connection, kind: Entity
    ) -> None:
        mark(engine, home, kind, "1")
        tell(engine, home, "1", observed_at=NOW - A_MINUTE, modified_at=MODIFIED_AT + A_MINUTE)
        assert record(engine, kind, "1")["status"] == "deleted"


@pytest.mark.parametrize("kind", KINDS)
class TestGone:
    """Zoho has returned a 404, and the record is not marked: too many are gone, or a run must check first."""

    @pytest.fixture
    def home(self, engine: Engine, home: Connection) -> Connection:
        plan_all(engine, home, now=NOW)
        return home

    def note_gone(self, engine: Engine, connection: Connection, kind: Entity, *, at: dt.datetime = NOW) -> None:
        with engine.begin() as db:
            mark_deleted.note_gone(db, connection, kind, "1", observed_at=at, now=NOW)

    def reminded(self, engine: Engine) -> set[str]:
        found = rows(
            engine,
            "SELECT zoho_invoice_id FROM reminders JOIN invoices_cache ON invoices_cache.id = invoice_id"
            " WHERE reminders.status = 'scheduled'",
        )
        return {each["zoho_invoice_id"] for each in found}

    def test_a_404_cancels_the_reminders_without_marking_the_record(
        self, engine: Engine, home: Connection, kind: Entity
    ) -> None:
        assert self.reminded(engine) == {"1", "2", "3"}
        self.note_gone(engine, home, kind)
        assert self.reminded(engine) == {"2", "3"}
        found = record(engine, kind, "1")
        assert (found["gone_at"], found["status"] != "deleted") == (NOW, True)

    def test_a_later_read_restores_the_reminders(self, engine: Engine, home: Connection, kind: Entity) -> None:
        self.note_gone(engine, home, kind)
        tell(engine, home, "1", observed_at=NOW + A_MINUTE)
        plan_all(engine, home, now=NOW + A_MINUTE)
        assert record(engine, kind, "1")["gone_at"] is None
        assert self.reminded(engine) == {"1", "2", "3"}

    def test_an_earlier_read_does_not_restore_the_reminders(
        self, engine: Engine, home: Connection, kind: Entity
    ) -> None:
        self.note_gone(engine, home, kind)
        tell(engine, home, "1", observed_at=NOW - A_MINUTE)
        plan_all(engine, home, now=NOW + A_MINUTE)
        assert record(engine, kind, "1")["gone_at"] == NOW
        assert self.reminded(engine) == {"2", "3"}

    def test_a_404_from_before_the_last_read_changes_nothing(
        self, engine: Engine, home: Connection, kind: Entity
    ) -> None:
        self.note_gone(engine, home, kind, at=OBSERVED_AT - A_MINUTE)
        assert self.reminded(engine) == {"1", "2", "3"}

    def test_a_404_does_not_affect_another_connections_record(
        self, engine: Engine, home: Connection, kind: Entity
    ) -> None:
        self.note_gone(engine, a_connection(engine, user_id=home.user_id, organization_id="20234695"), kind)
        assert self.reminded(engine) == {"1", "2", "3"}


@pytest.mark.parametrize("kind", KINDS)
class TestAsking:
    def test_each_run_checks_unseen_records_in_its_own_order(
        self, engine: Engine, home: Connection, run: StepRef, kind: Entity
    ) -> None:
        asked = unseen(engine, home, run, kind)
        assert sorted(asked) == ["1", "2", "3"]
        assert unseen(engine, home, run, kind, limit=2) == asked[:2]
        with engine.begin() as db:
            deletions.see(db, run.run_id, kind, ["2", "2", "9"])
            deletions.see(db, run.run_id, kind, ["2"])
            deletions.see(db, run.run_id, kind, [])
        assert sorted(unseen(engine, home, run, kind)) == ["1", "3"]

    def test_a_confirmed_record_is_checked_once(
        self, engine: Engine, home: Connection, run: StepRef, kind: Entity
    ) -> None:
        with engine.begin() as db:
            deletions.see(db, run.run_id, kind, ["1"])
            deletions.confirm_gone(db, run.run_id, kind, "2")
            deletions.confirm_gone(db, run.run_id, kind, "2")
            assert deletions.confirmed(db, run.run_id, kind) == ["2"]
            assert deletions.tally(db, home, run.run_id, kind) == Tally(cached=3, gone=1, held=0)
        assert sorted(unseen(engine, home, run, kind)) == ["3"]

    def test_a_marked_record_is_not_checked_again(
        self, engine: Engine, home: Connection, run: StepRef, kind: Entity
    ) -> None:
        mark(engine, home, kind, "1")
        assert sorted(unseen(engine, home, run, kind)) == ["2", "3"]

    def test_unseen_records_of_each_kind_are_separate(
        self, engine: Engine, home: Connection, run: StepRef, kind: Entity
    ) -> None:
        (other,) = {*KINDS} - {kind}
        with engine.begin() as db:
            deletions.see(db, run.run_id, other, ["1", "2"])
            deletions.confirm_gone(db, run.run_id, other, "3")
            assert deletions.confirmed(db, run.run_id, kind) == []
        assert sorted(unseen(engine, home, run, kind)) == ["1", "2", "3"]
