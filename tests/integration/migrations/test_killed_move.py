"""The move to the schema `booksync`, or its undoing, is killed: nothing is half done, and a second run completes it."""

import signal
from typing import Any

import pytest

from db.migrations import placement
from db.migrations.errors import MigrationRefusedError
from db.migrations.revisions import Target
from db.migrations.runner import migrate
from db.migrations.schemas import VERSION_TABLE
from tests.drilled import drilled_except
from tests.end_to_end.underway import eventually
from tests.integration.migrations.applications import Database, opened
from tests.integration.migrations.migrating import BEFORE_THE_MOVE, holding, started
from tests.integration.migrations.states import LEGACY_ROWS, State, States, to, to_revision

pytestmark = pytest.mark.slow

#: Former name → present name, of one table from each part of the move.
TABLES = {
    "customers_cache": "customers_cache",
    "resyncs": "refreshes",
    "zoho_connections": "zoho_connections",
    VERSION_TABLE: VERSION_TABLE,
}


BEFORE = State(to_revision(BEFORE_THE_MOVE), LEGACY_ROWS)
MOVED = State(to(Target.PHASE2), BEFORE)
UNDONE = State(to(Target.PHASE1), MOVED)

before_the_move = pytest.mark.starts_as(BEFORE)
after_the_move = pytest.mark.starts_as(MOVED)


@pytest.fixture(scope="module")
def moved_schema(states: States) -> Any:
    """The schema that an undisturbed move makes."""
    return schema_of(states, MOVED)


@pytest.fixture(scope="module")
def phase1_schema(states: States) -> Any:
    """The schema that an undisturbed undoing makes."""
    return schema_of(states, UNDONE)


def schema_of(states: States, state: State) -> Any:
    with states.copy(state) as url, opened(url) as database:
        return database.schema()


_HELD_BACKENDS = """
    SELECT pid FROM pg_stat_activity WHERE application_name = 'booksync migrate' AND datname = current_database()
        AND wait_event_type = 'Lock' AND wait_event = 'advisory'
"""


def killed_at(former: str, url: str, target: Target) -> None:
    """Migrate in a process, and kill it and its backend before this table's transaction ends."""
    with opened(url) as database, holding(database, f"public.{former}"):
        process = started(url, target)
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


@pytest.mark.slow
@before_the_move
@pytest.mark.parametrize("former", drilled_except(("resyncs", VERSION_TABLE), TABLES))
def test_a_killed_move_leaves_each_table_whole_and_a_second_run_completes_it(
    former: str, url: str, moved_schema: Any
) -> None:
    killed_at(former, url, Target.PHASE2)
    with opened(url) as database:
        assert places(database)[former] == ["public table"]
        assert_whole(database)

        migrate(url, Target.PHASE2)

        assert database.schema() == moved_schema
        assert_whole(database)
        assert len(database.rows("SELECT id FROM booksync.customers_cache")) == 2


@pytest.mark.slow
@after_the_move
@pytest.mark.parametrize("former", drilled_except(("resyncs", VERSION_TABLE), TABLES))
def test_a_killed_undoing_of_the_move_leaves_each_table_whole_and_a_second_run_completes_it(
    former: str, url: str, phase1_schema: Any
) -> None:
    killed_at(former, url, Target.PHASE1)
    with opened(url) as database:
        assert "booksync table" in places(database)[former]
        assert_whole(database)

        migrate(url, Target.PHASE1)

        assert database.schema() == phase1_schema


@pytest.mark.slow
@after_the_move
def test_an_undoing_that_was_killed_is_completed_before_the_way_up(url: str, moved_schema: Any) -> None:
    killed_at("resyncs", url, Target.PHASE1)

    outcome = migrate(url, Target.PHASE2)

    assert [(each.revision, each.upgraded) for each in outcome.applied] == [
        ("0007d_schema_phase2", False),
        ("0007d_schema_phase2", True),
        ("0007e_connecting_phase2", True),
    ]
    with opened(url) as database:
        assert database.schema() == moved_schema
    assert migrate(url, Target.PHASE2).applied == ()


@after_the_move
def test_a_refused_undoing_is_not_completed_later(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise MigrationRefusedError("for the test")

    monkeypatch.setattr(placement, "undo", refuse)
    with pytest.raises(MigrationRefusedError):
        migrate(url, Target.PHASE1)

    outcome = migrate(url, Target.PHASE2)
    assert [(each.revision, each.upgraded) for each in outcome.applied] == [("0007e_connecting_phase2", True)]


@before_the_move
def test_a_move_that_was_killed_can_be_undone_instead(url: str, phase1_schema: Any) -> None:
    killed_at("resyncs", url, Target.PHASE2)

    migrate(url, Target.PHASE1)

    with opened(url) as database:
        assert database.schema() == phase1_schema
