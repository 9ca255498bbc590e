"""The revision of names and states: one open connection an organisation, and a way back for every state."""

import uuid
from typing import Any

import pytest
from alembic import command

from db.migrations.revisions import Target
from db.migrations.runner import alembic_config, migrate
from tests.integration.migrations.applications import Database
from tests.integration.migrations.states import PHASE1, State, to_revision

FORMER = "0007d_schema_phase2"

pytestmark = pytest.mark.starts_as(State(to_revision(FORMER), PHASE1))


def a_connection(database: Database, organization_id: str, opened_at: str | None = None) -> uuid.UUID:
    """A connection of a user of its own, as the former release stored it."""
    row = database.row(
        """
        INSERT INTO booksync.zoho_connections (
            user_id, organization_id, data_center, refresh_token_encrypted, webhook_secret_encrypted, time_zone,
            handover, handover_opened_at
        ) VALUES (%s, %s, 'eu', 'token', 'secret', 'Europe/London', %s, %s) RETURNING id
        """,
        *(database.a_user(), organization_id, "open" if opened_at else "closed", opened_at),
    )
    return uuid.UUID(str(row["id"]))


def stored(database: Database, column: str) -> dict[uuid.UUID, Any]:
    rows = database.rows(f"SELECT id, {column} AS value FROM booksync.zoho_connections")
    return {uuid.UUID(str(row["id"])): row["value"] for row in rows}


def test_of_several_open_connections_the_one_opened_first_stays_open(url: str, database: Database) -> None:
    later = a_connection(database, "1", "2026-03-02T12:00Z")
    first = a_connection(database, "1", "2026-03-01T12:00Z")
    closed, alone = a_connection(database, "1"), a_connection(database, "2", "2026-03-02T12:00Z")

    migrate(url, Target.PHASE2)

    assert stored(database, "handover") == {later: "closed", first: "open", closed: "closed", alone: "open"}


def test_a_connection_that_the_former_release_parked_gets_the_time_of_its_last_run(
    url: str, database: Database
) -> None:
    with_run, without, active = (a_connection(database, str(number)) for number in range(3))
    database.rows(
        """
        INSERT INTO booksync.sync_runs (user_id, connection_id, mode, phase, status, sweep_at, finished_at)
        SELECT user_id, id, 'full', 'done', 'parked', now(), '2026-03-02T12:00Z'
          FROM booksync.zoho_connections WHERE id = %s
        """,
        with_run,
    )
    database.rows(
        """
        UPDATE booksync.zoho_connections SET status = 'parked', parked_reason = 'No scope.',
               updated_at = '2026-03-05T12:00Z' WHERE id = ANY(%s)
        """,
        [with_run, without],
    )

    migrate(url, Target.PHASE2)

    days = {connection_id: at and at.day for connection_id, at in stored(database, "parked_at").items()}
    assert days == {with_run: 2, without: 5, active: None}


def test_states_that_the_former_release_does_not_know_become_parked(
    url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = {status: a_connection(database, status) for status in ("active", "parked", "paused", "disconnected")}
    migrate(url, Target.PHASE2)
    for status, connection_id in connections.items():
        database.rows("UPDATE booksync.zoho_connections SET status = %s WHERE id = %s", status, connection_id)
    database.rows(
        """
        UPDATE booksync.zoho_connections SET refresh_token_encrypted = NULL, webhook_secret_encrypted = NULL
         WHERE status = 'disconnected'
        """
    )

    monkeypatch.setenv("DATABASE_URL", url)
    command.downgrade(alembic_config(), FORMER)

    states = stored(database, "status")
    assert {status: states[connection_id] for status, connection_id in connections.items()} == {
        "active": "active",
        "parked": "parked",
        "paused": "parked",
        "disconnected": "parked",
    }
    assert stored(database, "parked_reason")[connections["paused"]] == "The connection was paused before the downgrade."
    assert stored(database, "refresh_token_encrypted")[connections["disconnected"]] == ""
    migrate(url, Target.PHASE2)
