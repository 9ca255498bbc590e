"""A database from before the handover switch keeps handing over; a new database is closed."""

import uuid
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine

from db.migrations import containment, grants, handover, numbers, refused_webhooks, states
from db.migrations.errors import MigrationRefusedError
from db.migrations.revisions import SchemaFit, Target, schema_state
from db.migrations.runner import migrate
from tests.integration.db.connection_builders import a_connection
from tests.integration.migrations.applications import Database, undo_later_additions, undo_the_move
from tests.integration.migrations.states import State, to_revision

TABLES = ("users", "zoho_connections", "customers_cache", "invoices_cache", "reminders", "reminder_contacts")


@pytest.fixture(autouse=True)
def no_webhook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REMINDER_WEBHOOK_URL", raising=False)


#: The head of the previous release: revision 0009 without a later release's additions to phase 2.
PREVIOUS = State(undo_later_additions, State(to_revision("0009_phase3")))

pytestmark = pytest.mark.starts_as(PREVIOUS)


def an_earlier_connection(database: Database, organization_id: str) -> uuid.UUID:
    """A connection as the previous release saved it: its own user, one customer, one invoice and one reminder."""
    user = database.a_user()
    row = database.row(
        """
        INSERT INTO zoho_connections (
            user_id, organization_id, data_center, refresh_token_encrypted, webhook_secret_encrypted, time_zone
        ) VALUES (%s, %s, 'eu', 'token', 'secret', 'Europe/London') RETURNING id
        """,
        *(user, organization_id),
    )
    customer = database.booksync_writes_customer(user, "C1", name="Ada", phone="+442070313000")
    invoice = database.booksync_writes_invoice(user, "1", "C1", customer)
    database.booksync_writes_reminder(user, invoice, 3)
    connection_id = uuid.UUID(str(row["id"]))
    database.rows("UPDATE customers_cache SET connection_id = %s WHERE id = %s", connection_id, customer)
    database.rows("UPDATE invoices_cache SET connection_id = %s WHERE id = %s", connection_id, invoice)
    return connection_id


def send(database: Database, connection_id: uuid.UUID) -> None:
    database.rows(
        """
        UPDATE reminders SET status = 'sent' FROM invoices_cache AS invoice
         WHERE invoice.id = invoice_id AND connection_id = %s
        """,
        connection_id,
    )


def hand_over(database: Database, connection_id: uuid.UUID) -> None:
    database.rows(
        """
        INSERT INTO reminder_contacts (user_id, connection_id, phone, day, handed_over_at)
        SELECT user_id, id, '+442070313000', current_date, now() FROM zoho_connections WHERE id = %s
        """,
        connection_id,
    )


def switches(database: Database) -> dict[uuid.UUID, tuple[str, bool, str]]:
    """By connection: the switch, whether the time of opening is the connection's creation, and the backlog."""
    found = database.rows("SELECT *, handover_opened_at = created_at AS from_the_beginning FROM zoho_connections")
    return {
        uuid.UUID(str(row["id"])): (row["handover"], bool(row["from_the_beginning"]), row["handover_backlog"])
        for row in found
    }


def contents(database: Database) -> dict[str, list[dict[str, Any]]]:
    """All rows, in the columns of the previous release."""
    return {
        table: [{key: each[key] for key in sorted(each) if key not in _NEW} for each in database.all_of(table)]
        for table in TABLES
    }


_NEW = {
    column.partition(" ")[0]
    for added in (handover._COLUMNS, numbers._COLUMNS, containment._COLUMNS)
    for columns in added.values()
    for column in columns
} | {
    "handover_id",
    *(column.partition(" ")[0] for part in (states, grants, refused_webhooks) for column in part._COLUMNS),
}

OPEN, CLOSED = ("open", True, "latest"), ("closed", False, "none")


@pytest.mark.slow
@pytest.mark.parametrize("sign", [send, hand_over])
def test_a_connection_that_was_handing_over_stays_open(url: str, database: Database, sign: Any) -> None:
    at_work, idle = an_earlier_connection(database, "1"), an_earlier_connection(database, "2")
    sign(database, at_work)
    migrate(url)
    assert switches(database) == {at_work: OPEN, idle: CLOSED}


@pytest.mark.slow
def test_every_connection_stays_open_if_a_webhook_is_configured(
    url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMINDER_WEBHOOK_URL", "https://receiver.example/due")
    connections = {an_earlier_connection(database, "1"), an_earlier_connection(database, "2")}
    migrate(url)
    assert switches(database) == dict.fromkeys(connections, OPEN)


@pytest.mark.slow
def test_a_repeated_migration_does_not_open_a_connection_that_a_person_has_closed(url: str, database: Database) -> None:
    connection_id = an_earlier_connection(database, "1")
    send(database, connection_id)
    migrate(url)
    database.rows("UPDATE zoho_connections SET handover = 'closed'")
    undo_the_move(url)
    handover.add(database.connection)  # type: ignore[arg-type]
    assert switches(database)[connection_id][0] == "closed"


def test_a_later_connection_is_closed(url: str, database: Database, engine: Engine) -> None:
    migrate(url)
    connection = a_connection(engine, is_open=False)
    assert switches(database) == {connection.connection_id: CLOSED}


@pytest.mark.slow
@pytest.mark.parametrize("target", [Target.PHASE2, Target.PHASE1])
def test_up_and_down_and_up_again_loses_no_row(url: str, database: Database, target: Target) -> None:
    at_work, idle = an_earlier_connection(database, "1"), an_earlier_connection(database, "2")
    hand_over(database, at_work)
    send(database, at_work)
    before = contents(database)
    migrate(url)
    assert contents(database) == before
    migrate(url, target)
    migrate(url)
    now = contents(database)
    assert {table: len(found) for table, found in now.items()} == {table: len(found) for table, found in before.items()}
    assert now["reminder_contacts"] == before["reminder_contacts"]
    assert switches(database) == {at_work: OPEN, idle: CLOSED}


def test_a_table_of_the_same_name_is_reported_and_unchanged(url: str, database: Database) -> None:
    database.rows("CREATE TABLE do_not_call (phone_number text)")
    database.rows("INSERT INTO do_not_call VALUES ('+442070313000')")
    with pytest.raises(MigrationRefusedError, match="do_not_call is there, but it is not booksync's"):
        migrate(url)
    with psycopg.connect(url, autocommit=True) as connection:
        handover.remove(connection)
    assert database.rows("SELECT * FROM do_not_call") == [{"phone_number": "+442070313000"}]


def test_booksync_works_only_once_the_functions_exist(url: str, database: Database, engine: Engine) -> None:
    with engine.connect() as db:
        assert schema_state(db).fit is SchemaFit.OLDER
    migrate(url)
    with engine.connect() as db:
        assert schema_state(db).fit is SchemaFit.FITS


def test_a_second_run_completes_an_interrupted_upgrade(
    url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work = an_earlier_connection(database, "1")
    send(database, at_work)
    with monkeypatch.context() as patched:
        patched.setattr(handover, "build_index", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            migrate(url)
    migrate(url)
    assert switches(database) == {at_work: OPEN}


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt
