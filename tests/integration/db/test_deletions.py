"""Promises of db/deletions.py: what is gone is marked, never removed; what comes back is live again."""

import datetime as dt

import pytest
from sqlalchemy import Engine

from db import customers, deletions, invoices, runs
from db.connections import Link
from db.runs import StepRef
from db.skipped_invoices import ObservedInvoice
from db.staging import Observed
from domain.deletions import RecordKind, Tally
from domain.phones import PhoneFallback
from domain.runs import Mode
from tests.builders import MODIFIED_AT, a_contact, an_invoice
from tests.integration.db.links import a_link
from tests.integration.db.look import Row, rows
from tests.integration.db.reminding import plan_all

NOW = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)
OBSERVED_AT = dt.datetime(2026, 3, 2, 11, 0, tzinfo=dt.UTC)
A_MINUTE = dt.timedelta(minutes=1)

KINDS = [RecordKind.CUSTOMER, RecordKind.INVOICE]
TABLES = {RecordKind.CUSTOMER: "customers_cache", RecordKind.INVOICE: "invoices_cache"}
IDS = {RecordKind.CUSTOMER: "zoho_customer_id", RecordKind.INVOICE: "zoho_invoice_id"}


def tell(
    engine: Engine,
    link: Link,
    *ids: str,
    observed_at: dt.datetime = OBSERVED_AT,
    modified_at: dt.datetime | None = MODIFIED_AT,
) -> None:
    """Zoho has these contacts, and an invoice of each under the same id."""
    contacts = [Observed(a_contact(each, modified_at=modified_at), observed_at) for each in ids]
    bills = [ObservedInvoice(an_invoice(each, customer_id=each, modified_at=modified_at), observed_at) for each in ids]
    with engine.begin() as connection:
        customers.upsert(connection, link, contacts, fallback=PhoneFallback.NONE, now=NOW)
        invoices.upsert(connection, link, bills, now=NOW)


@pytest.fixture
def home(engine: Engine, link: Link) -> Link:
    """Three customers are cached, and an invoice of each."""
    tell(engine, link, "1", "2", "3")
    return link


@pytest.fixture
def run(engine: Engine, home: Link) -> StepRef:
    with engine.begin() as connection:
        step = runs.start(connection, home.connection_id, Mode.FULL, allow_deletions=False, sweep_seconds=60)
    assert step is not None
    return step


def mark(engine: Engine, link: Link, kind: RecordKind, *ids: str, observed_at: dt.datetime = NOW) -> int:
    with engine.begin() as connection:
        return deletions.mark(connection, link, kind, ids, observed_at=observed_at, now=NOW)


def record(engine: Engine, kind: RecordKind, record_id: str) -> Row:
    (found,) = rows(engine, f"SELECT * FROM {TABLES[kind]} WHERE {IDS[kind]} = :id", id=record_id)
    return found


def unseen(engine: Engine, link: Link, run: StepRef, kind: RecordKind, limit: int = 20) -> list[str]:
    with engine.connect() as connection:
        return deletions.unseen(connection, link, run.run_id, kind, limit)


@pytest.mark.parametrize("kind", KINDS)
class TestMarking:
    def test_a_gone_record_stays_marked(self, engine: Engine, home: Link, kind: RecordKind) -> None:
        before = record(engine, kind, "1")
        assert mark(engine, home, kind, "1") == 1
        after = record(engine, kind, "1")
        assert (after["status"], after["id"]) == ("deleted", before["id"])
        assert record(engine, kind, "2")["status"] != "deleted"

    def test_it_is_marked_once(self, engine: Engine, home: Link, kind: RecordKind) -> None:
        assert mark(engine, home, kind, "1", "2") == 2
        assert mark(engine, home, kind, "1", "2", "9") == 0

    def test_an_answer_from_before_the_row_was_read_marks_nothing(
        self, engine: Engine, home: Link, kind: RecordKind
    ) -> None:
        assert mark(engine, home, kind, "1", observed_at=OBSERVED_AT - A_MINUTE) == 0

    def test_another_connections_record_stays_live(self, engine: Engine, home: Link, kind: RecordKind) -> None:
        other = a_link(engine, user_id=home.user_id, organization_id="20234695")
        assert mark(engine, other, kind, "1") == 0

    def test_a_record_that_comes_back_is_live_again(self, engine: Engine, home: Link, kind: RecordKind) -> None:
        mark(engine, home, kind, "1")
        tell(engine, home, "1", observed_at=NOW + A_MINUTE)
        assert record(engine, kind, "1")["status"] == ("active" if kind is RecordKind.CUSTOMER else "sent")

    def test_an_answer_from_before_it_was_gone_does_not_bring_it_back(
        self, engine: Engine, home: Link, kind: RecordKind
    ) -> None:
        mark(engine, home, kind, "1")
        tell(engine, home, "1", observed_at=NOW - A_MINUTE)
        assert record(engine, kind, "1")["status"] == "deleted"

    def test_nor_does_a_newer_version_that_was_read_before_it_was_gone(
        self, engine: Engine, home: Link, kind: RecordKind
    ) -> None:
        mark(engine, home, kind, "1")
        tell(engine, home, "1", observed_at=NOW - A_MINUTE, modified_at=MODIFIED_AT + A_MINUTE)
        assert record(engine, kind, "1")["status"] == "deleted"


@pytest.mark.parametrize("kind", KINDS)
class TestGone:
    """Zoho has answered 404, and the record is not marked, because too many are gone or a run must look first."""

    @pytest.fixture
    def home(self, engine: Engine, home: Link) -> Link:
        plan_all(engine, home, now=NOW)
        return home

    def note_gone(self, engine: Engine, link: Link, kind: RecordKind, *, at: dt.datetime = NOW) -> None:
        with engine.begin() as connection:
            deletions.note_gone(connection, link, kind, "1", observed_at=at, now=NOW)

    def reminded(self, engine: Engine) -> set[str]:
        found = rows(
            engine,
            "SELECT zoho_invoice_id FROM reminders JOIN invoices_cache ON invoices_cache.id = invoice_id"
            " WHERE reminders.status = 'scheduled'",
        )
        return {each["zoho_invoice_id"] for each in found}

    def test_its_reminders_are_cancelled_and_nothing_is_marked(
        self, engine: Engine, home: Link, kind: RecordKind
    ) -> None:
        assert self.reminded(engine) == {"1", "2", "3"}
        self.note_gone(engine, home, kind)
        assert self.reminded(engine) == {"2", "3"}
        found = record(engine, kind, "1")
        assert (found["gone_at"], found["status"] != "deleted") == (NOW, True)

    def test_a_later_read_brings_the_reminders_back(self, engine: Engine, home: Link, kind: RecordKind) -> None:
        self.note_gone(engine, home, kind)
        tell(engine, home, "1", observed_at=NOW + A_MINUTE)
        plan_all(engine, home, now=NOW + A_MINUTE)
        assert record(engine, kind, "1")["gone_at"] is None
        assert self.reminded(engine) == {"1", "2", "3"}

    def test_an_earlier_read_does_not(self, engine: Engine, home: Link, kind: RecordKind) -> None:
        self.note_gone(engine, home, kind)
        tell(engine, home, "1", observed_at=NOW - A_MINUTE)
        plan_all(engine, home, now=NOW + A_MINUTE)
        assert record(engine, kind, "1")["gone_at"] == NOW
        assert self.reminded(engine) == {"2", "3"}

    def test_an_answer_from_before_the_row_was_read_changes_nothing(
        self, engine: Engine, home: Link, kind: RecordKind
    ) -> None:
        self.note_gone(engine, home, kind, at=OBSERVED_AT - A_MINUTE)
        assert self.reminded(engine) == {"1", "2", "3"}

    def test_another_connections_record_is_not_concerned(self, engine: Engine, home: Link, kind: RecordKind) -> None:
        self.note_gone(engine, a_link(engine, user_id=home.user_id, organization_id="20234695"), kind)
        assert self.reminded(engine) == {"1", "2", "3"}


@pytest.mark.parametrize("kind", KINDS)
class TestAsking:
    def test_what_a_run_has_not_seen_is_asked_about_in_an_order_of_its_own(
        self, engine: Engine, home: Link, run: StepRef, kind: RecordKind
    ) -> None:
        asked = unseen(engine, home, run, kind)
        assert sorted(asked) == ["1", "2", "3"]
        assert unseen(engine, home, run, kind, limit=2) == asked[:2]
        with engine.begin() as connection:
            deletions.see(connection, run.run_id, kind, ["2", "2", "9"])
            deletions.see(connection, run.run_id, kind, ["2"])
            deletions.see(connection, run.run_id, kind, [])
        assert sorted(unseen(engine, home, run, kind)) == ["1", "3"]

    def test_what_is_confirmed_is_asked_about_once(
        self, engine: Engine, home: Link, run: StepRef, kind: RecordKind
    ) -> None:
        with engine.begin() as connection:
            deletions.see(connection, run.run_id, kind, ["1"])
            deletions.confirm_gone(connection, run.run_id, kind, "2")
            deletions.confirm_gone(connection, run.run_id, kind, "2")
            assert deletions.confirmed(connection, run.run_id, kind) == ["2"]
            assert deletions.tally(connection, home, run.run_id, kind) == Tally(cached=3, gone=1, held=0)
        assert sorted(unseen(engine, home, run, kind)) == ["3"]

    def test_what_is_marked_is_asked_about_no_more(
        self, engine: Engine, home: Link, run: StepRef, kind: RecordKind
    ) -> None:
        mark(engine, home, kind, "1")
        assert sorted(unseen(engine, home, run, kind)) == ["2", "3"]

    def test_kinds_are_kept_apart(self, engine: Engine, home: Link, run: StepRef, kind: RecordKind) -> None:
        (other,) = {*KINDS} - {kind}
        with engine.begin() as connection:
            deletions.see(connection, run.run_id, other, ["1", "2"])
            deletions.confirm_gone(connection, run.run_id, other, "3")
            assert deletions.confirmed(connection, run.run_id, kind) == []
        assert sorted(unseen(engine, home, run, kind)) == ["1", "2", "3"]
