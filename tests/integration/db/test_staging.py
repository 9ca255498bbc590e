"""Promises of db/staging.py: data that a run has read is staged exactly, once per record, and for that run only."""

import datetime as dt
import uuid
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from db import deletions, rejected_records, runs, staging
from db.connections import Connection
from db.session import Session
from domain.contacts import Contact, ContactDetails
from domain.entities import CUSTOMER
from domain.lists import Rejected
from domain.observed import Observed
from domain.run_position import Position
from domain.runs import Mode, Run
from domain.walk import WalkById
from tests.builders import MODIFIED_AT, a_contact, a_person
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change, rows

OBSERVED_AT = dt.datetime(2026, 3, 2, 11, 0, tzinfo=dt.UTC)
A_MINUTE = dt.timedelta(minutes=1)


def a_run(db: Session, connection: Connection) -> Run:
    """A new run."""
    step = runs.start(db, connection.connection_id, Mode.FULL, allow_deletions=False, sweep_seconds=60)
    assert step is not None
    lease = runs.acquire(db, step.run_id, step.step, lease_seconds=60)
    assert lease is not None
    return lease.run


@pytest.fixture
def run(engine: Engine, connection: Connection) -> Run:
    with engine.begin() as db:
        return a_run(db, connection)


def stage(
    engine: Engine,
    run: Run,
    *contacts: Contact,
    observed_at: dt.datetime = OBSERVED_AT,
    needing_details: frozenset[str] = frozenset(),
) -> None:
    with engine.begin() as db:
        reads = [Observed(contact, observed_at) for contact in contacts]
        staging.stage_contacts(db, run.run_id, reads, needing_details=needing_details)


def staged(engine: Engine, run: Run, limit: int = 100) -> list[Observed[Contact]]:
    with engine.connect() as db:
        return staging.staged_batch(db, run.run_id, limit)


def needing_details(engine: Engine, run: Run, limit: int = 100) -> list[str]:
    with engine.connect() as db:
        return [contact.contact_id for contact in staging.contacts_needing_details(db, run.run_id, limit)]


class TestContacts:
    @pytest.mark.parametrize(
        "contact",
        [
            a_contact(),
            replace(a_contact(modified_at=None), primary=None),
            a_contact(persons=()),
            a_contact(
                persons=(a_person("7001", is_primary=True), a_person("7002")),
                details=ContactDetails(country_code=None, reminders_enabled=False),
            ),
            a_contact(name='Zoë "株" \\ {1} %s 🏦\n', modified_at=dt.datetime(1970, 1, 1, tzinfo=dt.UTC)),
        ],
    )
    def test_a_contact_is_staged_exactly(self, engine: Engine, run: Run, contact: Contact) -> None:
        stage(engine, run, contact)
        assert staged(engine, run) == [Observed(contact, OBSERVED_AT)]

    def test_batches_are_returned_in_order_until_the_staging_is_empty(self, engine: Engine, run: Run) -> None:
        stage(engine, run, *(a_contact(contact_id) for contact_id in ("3", "1", "2")))
        taken = []
        while batch := staged(engine, run, limit=2):
            ids = [observed.record.contact_id for observed in batch]
            with engine.begin() as db:
                staging.unstage(db, run.run_id, ids)
            taken.append(ids)
        assert taken == [["1", "2"], ["3"]]

    def test_a_page_read_again_replaces_itself(self, engine: Engine, run: Run) -> None:
        stage(engine, run, a_contact(name="Before"), needing_details=frozenset({"5001"}))
        stage(engine, run, a_contact(name="After"), observed_at=OBSERVED_AT + A_MINUTE)
        assert staged(engine, run) == [Observed(a_contact(name="After"), OBSERVED_AT + A_MINUTE)]
        assert needing_details(engine, run) == []

    def test_a_contact_that_is_on_a_page_twice_is_staged_once(self, engine: Engine, run: Run) -> None:
        newer = a_contact(name="Newer", modified_at=MODIFIED_AT + A_MINUTE)
        stage(engine, run, a_contact(name="Older"), newer)
        assert staged(engine, run) == [Observed(newer, OBSERVED_AT)]

    def test_an_empty_page_stages_nothing(self, engine: Engine, run: Run) -> None:
        stage(engine, run)
        assert staged(engine, run) == []

    def test_each_run_has_its_own_staging(self, engine: Engine, run: Run) -> None:
        stage(engine, run, a_contact())
        with engine.begin() as db:
            other = a_run(db, a_connection(engine))
        assert staged(engine, other) == []


class TestDetails:
    def test_contacts_that_need_details_are_returned_in_order(self, engine: Engine, run: Run) -> None:
        stage(engine, run, *map(a_contact, "4321"), needing_details=frozenset("421"))
        assert needing_details(engine, run) == ["1", "2", "4"]
        assert needing_details(engine, run, limit=2) == ["1", "2"]

    def test_a_detail_response_replaces_the_list_row(self, engine: Engine, run: Run) -> None:
        stage(engine, run, a_contact(), needing_details=frozenset({"5001"}))
        detail = Observed(a_contact(details=ContactDetails("GB", True), persons=()), OBSERVED_AT + A_MINUTE)
        with engine.begin() as db:
            staging.set_details(db, run.run_id, detail)
        assert staged(engine, run) == [detail]
        assert needing_details(engine, run) == []

    def test_a_bulk_read_of_persons_replaces_the_detail_calls(self, engine: Engine, run: Run) -> None:
        stage(engine, run, a_contact("1"), a_contact("2"), needing_details=frozenset("12"))
        with engine.begin() as db:
            staging.forgo_details(db, run.run_id, ["1"])
        assert needing_details(engine, run) == ["2"]
        assert len(staged(engine, run)) == 2


class TestPersons:
    SWEPT = Position(persons=WalkById(started_at=OBSERVED_AT, is_finished=True))

    def test_a_bulk_read_returns_each_contacts_persons_in_zohos_order(self, engine: Engine, run: Run) -> None:
        ten, nine, other = a_person("7010"), a_person("799", is_primary=True), a_person("7001")
        with engine.begin() as db:
            staging.stage_persons(db, run.run_id, [("5001", ten), ("5002", other)])
            staging.stage_persons(db, run.run_id, [("5001", nine)])
            bulk_read = staging.bulk_read(db, replace(run, position=self.SWEPT), ["5001", "5003"])
        assert bulk_read is not None
        assert bulk_read.began_at == OBSERVED_AT
        assert bulk_read.persons == {"5001": (nine, ten)}

    @pytest.mark.parametrize("position", [Position(), Position(persons=WalkById(started_at=OBSERVED_AT))])
    def test_an_incomplete_bulk_read_returns_nothing(self, engine: Engine, run: Run, position: Position) -> None:
        with engine.begin() as db:
            staging.stage_persons(db, run.run_id, [("5001", a_person())])
            assert staging.bulk_read(db, replace(run, position=position), ["5001"]) is None

    def test_a_person_read_twice_counts_once_and_may_have_moved(self, engine: Engine, run: Run) -> None:
        with engine.begin() as db:
            pairs = [("5001", a_person("7001")), ("5001", a_person("7001", first_name="Augusta"))]
            staging.stage_persons(db, run.run_id, pairs)
            staging.stage_persons(db, run.run_id, [("5002", a_person("7001"))])
            bulk_read = staging.bulk_read(db, replace(run, position=self.SWEPT), ["5001", "5002"])
        assert bulk_read is not None
        assert bulk_read.persons == {"5002": (a_person("7001"),)}

    def test_an_empty_page_of_persons_stages_nothing(self, engine: Engine, run: Run) -> None:
        with engine.begin() as db:
            staging.stage_persons(db, run.run_id, [])
        assert rows(engine, "SELECT * FROM booksync.staged_persons") == []

    def test_a_rejected_person_marks_only_its_own_contact(self, engine: Engine, run: Run) -> None:
        with engine.begin() as db:
            staging.stage_persons(db, run.run_id, [("5001", a_person("7001"))])
            rejected = [Rejected(None, "no id", "5001"), Rejected(None, "no id", "5001"), Rejected("7002", "no id")]
            staging.stage_rejected_persons(db, run.run_id, rejected)
            bulk_read = staging.bulk_read(db, replace(run, position=self.SWEPT), ["5001", "5002"])
        assert bulk_read is not None
        assert bulk_read.persons == {"5001": (a_person("7001"),)}
        assert bulk_read.rejected == {"5001"}


class TestSetAside:
    def test_a_rejected_row_without_an_id_has_its_owners_id(self, engine: Engine, connection: Connection) -> None:
        with engine.begin() as db:
            for kind in ("person", "invoice"):
                aside = [Rejected(None, "no id", "5001"), Rejected("7", "no time"), Rejected(None, "no object")]
                rejected_records.record(db, connection.connection_id, kind, aside)
        found = {
            (each["kind"], each["record_id"], each["reason"])
            for each in rows(engine, "SELECT * FROM booksync.rejected_records")
        }
        assert found == {
            ("person", "5001", "no id; the id is its contact's"),
            ("person", "7", "no time"),
            ("person", None, "no object"),
            ("invoice", "5001", "no id; the id is its customer's"),
            ("invoice", "7", "no time"),
            ("invoice", None, "no object"),
        }

    def test_a_rejected_row_is_recorded_once_per_reason(self, engine: Engine, connection: Connection) -> None:
        aside = [Rejected("1", "no time"), Rejected(None, "no id"), Rejected("1", "no name"), Rejected("1", "no time")]
        for _ in range(2):
            with engine.begin() as db:
                rejected_records.record(db, connection.connection_id, "contact", aside)
        found = {
            (each["kind"], each["record_id"], each["reason"])
            for each in rows(engine, "SELECT * FROM booksync.rejected_records")
        }
        assert found == {("contact", "1", "no time"), ("contact", None, "no id"), ("contact", "1", "no name")}
        assert len(rows(engine, "SELECT id FROM booksync.rejected_records")) == 3

    def test_a_rejected_row_records_its_first_and_last_time(self, engine: Engine, connection: Connection) -> None:
        for _ in range(2):
            with engine.begin() as db:
                rejected_records.record(db, connection.connection_id, "contact", [Rejected(None, "no id")])
        (found,) = rows(engine, "SELECT first_seen_at, last_seen_at FROM booksync.rejected_records")
        assert found["first_seen_at"] < found["last_seen_at"]

    def test_rejected_rows_that_a_full_run_has_not_seen_again_are_deleted(
        self, engine: Engine, connection: Connection, run: Run
    ) -> None:
        change(
            engine,
            """
            INSERT INTO booksync.rejected_records (connection_id, kind, record_id, reason, last_seen_at)
            VALUES (:id, 'contact', '1', 'no time', now() - interval '1 day'),
                   (:id, 'contact', '2', 'no time', now() - interval '1 day')
            """,
            id=connection.connection_id,
        )
        with engine.begin() as db:
            rejected_records.record(db, connection.connection_id, "contact", [Rejected("2", "no time")])
            rejected_records.forget_understood(db, connection.connection_id, run.run_id)
        assert [each["record_id"] for each in rows(engine, "SELECT record_id FROM booksync.rejected_records")] == ["2"]


def test_an_ended_run_leaves_no_staging_and_other_runs_keep_theirs(
    engine: Engine, connection: Connection, run: Run
) -> None:
    with engine.begin() as db:
        other = a_run(db, a_connection(engine))
        for each in (run, other):
            staging.stage_persons(db, each.run_id, [("5001", a_person())])
            staging.stage_contacts(db, each.run_id, [Observed(a_contact(), OBSERVED_AT)], needing_details=frozenset())
            deletions.see(db, each.run_id, CUSTOMER, ["5001"])
        staging.clear(db, run.run_id)
    for table in ("booksync.staged_contacts", "booksync.staged_persons", "booksync.seen_records"):
        assert [each["run_id"] for each in rows(engine, f"SELECT run_id FROM {table}")] == [other.run_id]


def test_an_unknown_run_has_no_staging(engine: Engine, run: Run) -> None:
    assert staged(engine, replace(run, run_id=uuid.uuid4())) == []
