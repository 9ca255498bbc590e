"""Promises of db/held_deletions.py: a row counts while the cached record has the 404 of that row."""

import datetime as dt

import pytest
from sqlalchemy import Engine

from db import deletions, held_deletions, invoices, known_contacts
from db.connections import Connection
from domain.deletions import Evidence
from domain.entities import CUSTOMER, INVOICE, Entity
from domain.observed import Observed
from domain.phones import PhoneFallback
from tests.builders import a_contact, an_invoice
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change, row, rows
from tests.integration.db.test_deletions import A_MINUTE, KINDS, NOW, TABLES, tell
from workers.services import mark_deleted
from workers.services.cache_customers import cache_customers
from workers.services.cache_invoices import cache_invoices

ENTITIES = {CUSTOMER: "contact", INVOICE: "invoice"}


@pytest.fixture
def home(engine: Engine, connection: Connection) -> Connection:
    """A connection with three cached customers, and an invoice of each."""
    tell(engine, connection, "1", "2", "3")
    return connection


def lose(engine: Engine, connection: Connection, kind: Entity, record_id: str, *, at: dt.datetime = NOW) -> int:
    """Record a 404 and hold back the record; returns the number of new rows."""
    with engine.begin() as db:
        mark_deleted.note_gone(db, connection, kind, record_id, observed_at=at, now=NOW)
        return held_deletions.hold(db, connection, kind, [record_id], Evidence.NOT_LISTED)


def held(engine: Engine, connection: Connection, *, dismissed: bool = False) -> list[tuple[Entity, str]]:
    with engine.connect() as db:
        found = held_deletions.held(db, connection.connection_id, dismissed=dismissed)
    return [(each.entity, each.record_id) for each in found]


def dismiss(engine: Engine, connection: Connection, kind: Entity, *ids: str) -> int:
    with engine.begin() as db:
        return held_deletions.dismiss(db, connection, kind, ids)


@pytest.mark.parametrize("kind", KINDS)
class TestHolding:
    def test_a_lost_record_is_held_once_since_its_404(self, engine: Engine, home: Connection, kind: Entity) -> None:
        assert lose(engine, home, kind, "1") == 1
        assert lose(engine, home, kind, "1", at=NOW + A_MINUTE) == 0
        with engine.connect() as db:
            (found,) = held_deletions.held(db, home.connection_id)
        assert (found.entity, found.record_id, found.found_at, found.evidence) == (kind, "1", NOW, Evidence.NOT_LISTED)

    def test_the_first_one_of_an_hour_is_noted(self, engine: Engine, home: Connection, kind: Entity) -> None:
        noted = "SELECT operator, action, state, connection_id, reason FROM booksync.operator_actions"
        event = ["booksync itself", "deletions held back", "done", home.connection_id, f"1 {kind.noun}"]
        for record_id in ("1", "1", "2"):
            lose(engine, home, kind, record_id)
        assert [list(found.values()) for found in rows(engine, noted)] == [event]
        change(engine, "UPDATE booksync.operator_actions SET began_at = began_at - interval '61 minutes'")
        lose(engine, home, kind, "3")
        assert [list(found.values()) for found in rows(engine, noted)] == [event, event]

    def test_a_record_without_a_404_is_not_held(self, engine: Engine, home: Connection, kind: Entity) -> None:
        with engine.begin() as db:
            assert held_deletions.hold(db, home, kind, ["1", "9"], Evidence.NOT_LISTED) == 0
        assert held(engine, home) == []

    def test_a_404_from_before_the_last_read_holds_nothing(
        self, engine: Engine, home: Connection, kind: Entity
    ) -> None:
        tell(engine, home, "1", observed_at=NOW + A_MINUTE, modified_at=NOW)
        assert lose(engine, home, kind, "1") == 0

    def test_another_connection_does_not_hold_the_record(self, engine: Engine, home: Connection, kind: Entity) -> None:
        other = a_connection(engine, user_id=home.user_id, organization_id="20234695")
        assert lose(engine, other, kind, "1") == 0
        lose(engine, home, kind, "1")
        assert held(engine, other) == []

    def test_marking_a_record_ends_the_hold(self, engine: Engine, home: Connection, kind: Entity) -> None:
        lose(engine, home, kind, "1")
        with engine.begin() as db:
            assert mark_deleted.mark_held_deleted(db, home, kind, ["1", "2"], now=NOW) == 1
        assert rows(engine, "SELECT * FROM booksync.held_deletions") == []
        assert row(engine, f"SELECT count(*) FROM {TABLES[kind]} WHERE status = 'deleted'")["count"] == 1


@pytest.mark.parametrize("kind", KINDS)
class TestReadingAgain:
    def test_a_later_read_ends_the_hold_and_its_row_is_pruned(
        self, engine: Engine, home: Connection, kind: Entity
    ) -> None:
        lose(engine, home, kind, "1")
        lose(engine, home, kind, "2")
        tell(engine, home, "1", observed_at=NOW + A_MINUTE)
        assert held(engine, home) == [(kind, "2")]
        with engine.begin() as db:
            held_deletions.prune(db, home)
        assert rows(engine, "SELECT record_id FROM booksync.held_deletions") == [{"record_id": "2"}]

    def test_an_earlier_read_does_not_end_the_hold(self, engine: Engine, home: Connection, kind: Entity) -> None:
        lose(engine, home, kind, "1")
        tell(engine, home, "1", observed_at=NOW - A_MINUTE)
        assert held(engine, home) == [(kind, "1")]

    def test_a_record_that_was_read_again_is_not_marked(self, engine: Engine, home: Connection, kind: Entity) -> None:
        lose(engine, home, kind, "1")
        tell(engine, home, "1", observed_at=NOW + A_MINUTE)
        with engine.begin() as db:
            assert mark_deleted.mark_held_deleted(db, home, kind, ["1"], now=NOW) == 0

    def test_a_second_loss_is_new_although_the_first_was_dismissed(
        self, engine: Engine, home: Connection, kind: Entity
    ) -> None:
        lose(engine, home, kind, "1")
        assert dismiss(engine, home, kind, "1") == 1
        tell(engine, home, "1", observed_at=NOW + A_MINUTE)
        assert lose(engine, home, kind, "1", at=NOW + 2 * A_MINUTE) == 1
        assert held(engine, home) == [(kind, "1")]


@pytest.mark.parametrize("kind", KINDS)
class TestDismissing:
    def test_the_same_loss_is_not_held_again_after_a_dismissal(
        self, engine: Engine, home: Connection, kind: Entity
    ) -> None:
        lose(engine, home, kind, "1")
        assert (dismiss(engine, home, kind, "1", "2"), dismiss(engine, home, kind, "1")) == (1, 0)
        assert lose(engine, home, kind, "1", at=NOW + A_MINUTE) == 0
        assert held(engine, home) == []
        assert held(engine, home, dismissed=True) == [(kind, "1")]

    def test_a_dismissed_record_counts_in_neither_number_nor_time(
        self, engine: Engine, home: Connection, kind: Entity
    ) -> None:
        lose(engine, home, kind, "1")
        dismiss(engine, home, kind, "1")
        with engine.connect() as db:
            assert held_deletions.count(db, home.connection_id, kind) == 0
            standing = held_deletions.standing(db, home.connection_id)
            assert standing.as_json() == {"customers": 0, "invoices": 0, "since": None}
            assert held_deletions.is_decided_by_a_person(db, home, kind, "1")


def test_a_read_with_an_older_modified_time_ends_the_hold(engine: Engine, home: Connection) -> None:
    """The upsert keeps the newer version, but Zoho has the record."""
    lose(engine, home, CUSTOMER, "1")
    lose(engine, home, INVOICE, "1")
    later = NOW + A_MINUTE
    older = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    with engine.begin() as db:
        contact, invoice = a_contact("1", modified_at=older), an_invoice("1", customer_id="1", modified_at=older)
        cache_customers(db, home, [Observed(contact, later)], fallback=PhoneFallback.NONE, now=NOW)
        known_contacts.note_observed(db, home, {"1": later})
        cache_invoices(db, home, [Observed(invoice, later)], now=NOW)
        invoices.note_observed(db, home, "1", later)
    assert held(engine, home) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("event", "outcome", "is_proof"),
    [
        ("deleted", None, True),  # The event waits.
        ("deleted", "failed", True),  # The call that the event requested was given up.
        ("deleted", "unmarked", True),  # An earlier release counted the record as unmarked.
        ("deleted", "asked", False),  # Zoho had the record after all.
        ("deleted", "gone", False),  # The event of an earlier loss: the record has returned since.
        ("changed", None, False),
        ("vendor", None, False),
    ],
)
def test_an_uncontradicted_deleted_event_is_proof(
    engine: Engine, home: Connection, kind: Entity, event: str, outcome: str | None, is_proof: bool
) -> None:
    change(
        engine,
        """
        INSERT INTO booksync.webhook_events (connection_id, entity, record_id, number, kind, outcome)
        VALUES (:connection_id, :entity, '1', 1, :kind, :outcome)
        """,
        connection_id=home.connection_id,
        entity=ENTITIES[kind],
        kind=event,
        outcome=outcome,
    )
    with engine.connect() as db:
        assert deletions.proven(db, home, kind, ["1", "2"]) == ({"1"} if is_proof else set())
