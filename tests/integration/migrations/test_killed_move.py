"""The move to the schema `booksync`, or its undoing, is killed: nothing is half done, and a second run completes it."""

import signal
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from alembic import command
from psycopg.rows import dict_row

from db.migrations import placement
from db.migrations.errors import MigrationRefusedError
from db.migrations.revisions import Target
from db.migrations.runner import alembic_config, migrate
from db.migrations.schemas import VERSION_TABLE
from sandbox.servers import EmbeddedPostgres
from tests.end_to_end.underway import eventually
from tests.integration.migrations.applications import BOTH_SCHEMAS, Database, a_legacy_database
from tests.integration.migrations.migrating import BEFORE_THE_MOVE, holding, started

#: Former name → present name, of one table from each part of the move.
TABLES = {
    "customers_cache": "customers_cache",
    "resyncs": "refreshes",
    "zoho_connections": "zoho_connections",
    VERSION_TABLE: VERSION_TABLE,
}


@dataclass(frozen=True)
class Templates:
    """Databases to copy, and the schemas that undisturbed migrations make of them."""

    before: str
    moved: str
    moved_schema: Any
    phase1_schema: Any


@contextmanager
def opened(url: str) -> Iterator[Database]:
    with psycopg.connect(url, autocommit=True, row_factory=dict_row, options=BOTH_SCHEMAS) as connection:
        yield Database(connection)


@pytest.fixture(scope="module")
def templates(postgres: EmbeddedPostgres) -> Iterator[Templates]:
    """The rows of both customers, before the move and after it."""
    before, moved, undone = (f"{name}_{uuid.uuid4().hex}" for name in ("before", "moved", "undone"))
    url = postgres.create_database(before)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DATABASE_URL", url)
        with opened(url) as database:
            a_legacy_database(url, database)
        command.upgrade(alembic_config(), BEFORE_THE_MOVE)
    url = postgres.create_database(moved, template=before)
    migrate(url, Target.PHASE2)
    with opened(url) as database:
        moved_schema = database.schema()
    url = postgres.create_database(undone, template=moved)
    migrate(url, Target.PHASE1)
    with opened(url) as database:
        phase1_schema = database.schema()
    yield Templates(before, moved, moved_schema, phase1_schema)
    for name in (before, moved, undone):
        postgres.drop_database(name)


@pytest.fixture
def copied(postgres: EmbeddedPostgres) -> Iterator[Callable[[str], str]]:
    """Makes a copy of a database for this test."""
    names: list[str] = []

    def copy(template: str) -> str:
        names.append(f"killed_{uuid.uuid4().hex}")
        return postgres.create_database(names[-1], template=template)

    yield copy
    for name in names:
        postgres.drop_database(name)


_HELD_BACKENDS = """
    SELECT pid FROM pg_stat_activity WHERE application_name = 'booksync migrate' AND datname = current_database()
        AND wait_event_type = 'Lock' AND wait_event = 'advisory'
"""


def killed_at(former: str, url: str, to: Target) -> None:
    """Migrate in a process, and kill it and its backend before this table's transaction ends."""
    with opened(url) as database, holding(database, f"public.{former}"):
        process = started(url, to)
        try:

            def is_held() -> bool:
                assert process.poll() is None, "the migration was over before it could be killed"
                return database.rows(_HELD_BACKENDS) != []

            eventually(is_held)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        database.rows(f"SELECT pg_terminate_backend(pid, 60000) FROM ({_HELD_BACKENDS}) AS held")


def places(database: Database) -> dict[str, list[str]]:
    """Where each table is, and what stands in the host's schema under the former name."""
    return {
        former: [
            row["place"]
            for row in database.rows(
                """
                SELECT relnamespace::regnamespace || CASE relkind WHEN 'v' THEN ' view' ELSE ' table' END AS place
                FROM pg_class WHERE relname IN (%s, %s) AND relkind IN ('r', 'v')
                    AND relnamespace::regnamespace::text IN ('public', 'booksync') ORDER BY relname, place
                """,
                *(former, present),
            )
        ]
        for former, present in TABLES.items()
    }


def assert_whole(database: Database) -> None:
    """Each table is either here or there, and the previous release and the older application can work."""
    for former, found in places(database).items():
        assert sorted(found) in (["public table"], ["booksync table", "public view"]), former
        database.rows(f"SELECT * FROM public.{former}")
    (user,) = database.rows("SELECT id FROM users")
    invoice = database.legacy_writes_invoice(user["id"], "written meanwhile", customer="C1", name="Ada Byron")
    assert database.row(
        """
        SELECT customer.zoho_customer_id FROM public.customers_cache AS customer
        JOIN invoices_cache AS invoice ON invoice.customer_id = customer.id WHERE invoice.id = %s
        """,
        invoice,
    ) == {"zoho_customer_id": "C1"}


@pytest.mark.parametrize("former", TABLES)
def test_a_killed_move_leaves_each_table_whole_and_a_second_run_completes_it(
    former: str, templates: Templates, copied: Callable[[str], str]
) -> None:
    url = copied(templates.before)
    killed_at(former, url, Target.PHASE2)
    with opened(url) as database:
        assert places(database)[former] == ["public table"]
        assert_whole(database)

        migrate(url, Target.PHASE2)

        assert database.schema() == templates.moved_schema
        assert_whole(database)
        assert len(database.rows("SELECT id FROM booksync.customers_cache")) == 2


@pytest.mark.parametrize("former", TABLES)
def test_a_killed_undoing_of_the_move_leaves_each_table_whole_and_a_second_run_completes_it(
    former: str, templates: Templates, copied: Callable[[str], str]
) -> None:
    url = copied(templates.moved)
    killed_at(former, url, Target.PHASE1)
    with opened(url) as database:
        assert "booksync table" in places(database)[former]
        assert_whole(database)

        migrate(url, Target.PHASE1)

        assert database.schema() == templates.phase1_schema


def test_an_undoing_that_was_killed_is_completed_before_the_way_up(
    templates: Templates, copied: Callable[[str], str]
) -> None:
    url = copied(templates.moved)
    killed_at("resyncs", url, Target.PHASE1)

    outcome = migrate(url, Target.PHASE2)

    assert [(each.revision, each.upgraded) for each in outcome.applied] == [
        ("0007d_schema_phase2", False),
        ("0007d_schema_phase2", True),
    ]
    with opened(url) as database:
        assert database.schema() == templates.moved_schema
    assert migrate(url, Target.PHASE2).applied == ()


def test_a_refused_undoing_is_not_completed_later(
    templates: Templates, copied: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = copied(templates.moved)

    def refuse(*_: object, **__: object) -> None:
        raise MigrationRefusedError("for the test")

    monkeypatch.setattr(placement, "undo", refuse)
    with pytest.raises(MigrationRefusedError):
        migrate(url, Target.PHASE1)

    assert migrate(url, Target.PHASE2).applied == ()


def test_a_move_that_was_killed_can_be_undone_instead(templates: Templates, copied: Callable[[str], str]) -> None:
    url = copied(templates.before)
    killed_at("resyncs", url, Target.PHASE2)

    migrate(url, Target.PHASE1)

    with opened(url) as database:
        assert database.schema() == templates.phase1_schema
