"""Every upgrade path installs the newest checks of a number, and a downgrade restores the former ones."""

import pytest
from alembic import command

from db.migrations import handover, numbers
from db.migrations.revisions import Target
from db.migrations.runner import alembic_config, migrate
from tests.integration.migrations.applications import Database, undo_the_move
from tests.integration.migrations.states import HEAD, PHASE1, PHASE2

BEFORE = "0007a_handover_phase2"


@pytest.fixture(autouse=True)
def of_this_database(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)


def checks_are_new(database: Database) -> bool:
    """Whether the handover's checks know shared numbers. They and the function that they call exist only together."""
    functions = database.rows("""
        SELECT replace(proname, 'booksync_', '') AS name, prosrc FROM pg_proc
        WHERE pronamespace = (SELECT pronamespace FROM pg_proc WHERE oid = to_regproc('reminder_checks'))
            AND proname IN ('reminder_checks', 'booksync_is_shared', 'is_shared')
    """)
    source = {row["name"]: str(row["prosrc"]) for row in functions}
    is_new = "number_shared" in source["reminder_checks"]
    assert is_new is ("is_shared" in source)
    return is_new


@pytest.mark.parametrize(
    "phase", [pytest.param(phase, marks=pytest.mark.starts_as(state)) for phase, state in ((2, PHASE2), (3, HEAD))]
)
def test_a_new_database_has_the_newest_checks(database: Database, phase: int) -> None:
    assert checks_are_new(database)


@pytest.mark.starts_as(HEAD)
def test_a_database_that_went_back_to_phase_2_has_the_newest_checks(url: str, database: Database) -> None:
    migrate(url, Target.PHASE2)
    assert checks_are_new(database)


@pytest.mark.slow
def test_a_database_that_left_phase_2_under_an_earlier_release_has_the_newest_checks(
    url: str, database: Database
) -> None:
    command.upgrade(alembic_config(), "0010_handover_phase3")
    undo_the_move(url)
    numbers.remove(database.connection)  # type: ignore[arg-type]
    assert not checks_are_new(database)
    migrate(url)
    assert checks_are_new(database)
    migrate(url, Target.PHASE2)
    assert checks_are_new(database)


@pytest.mark.slow
def test_a_database_that_left_phase_2_before_handovers_existed_has_the_newest_checks(
    url: str, database: Database
) -> None:
    command.upgrade(alembic_config(), "0009_phase3")
    undo_the_move(url)
    numbers.remove(database.connection)  # type: ignore[arg-type]
    handover.remove(database.connection)  # type: ignore[arg-type]
    migrate(url)
    assert checks_are_new(database)


@pytest.mark.starts_as(PHASE2)
def test_the_downgrade_restores_the_former_checks(url: str, database: Database) -> None:
    command.downgrade(alembic_config(), BEFORE)
    assert not checks_are_new(database)
    # They work without the dropped columns.
    assert database.rows("SELECT * FROM reminder_checks()") == []
    migrate(url, Target.PHASE2)
    assert checks_are_new(database)


@pytest.mark.starts_as(PHASE1)
def test_a_copied_number_that_is_not_callable_is_recorded_as_such(url: str, database: Database) -> None:
    expected = {
        "Fax 020 7031 3000": ("+442070313000", "fax"),
        "020 7031 3000": ("+442070313000", None),
        "n/a": ("n/a", None),
    }
    invoices = {given: database.legacy_writes_invoice(database.a_user(), "1", phone=given) for given in expected}
    migrate(url, Target.PHASE2)
    customers = {given: database.customer_of(invoice) for given, invoice in invoices.items()}
    assert expected == {given: (row["primary_phone"], row["phone_not_callable"]) for given, row in customers.items()}


@pytest.mark.starts_as(PHASE2)
def test_a_number_that_the_older_application_wrote_in_phase_2_is_recorded_as_not_callable(
    url: str, database: Database
) -> None:
    invoice = database.legacy_writes_invoice(database.a_user(), "1", phone="Fax 020 7031 3000")
    migrate(url)
    customer = database.row("SELECT * FROM customers_cache WHERE id = (SELECT customer_id FROM invoices_cache)")
    assert invoice
    assert (customer["primary_phone"], customer["phone_not_callable"]) == ("+442070313000", "fax")


@pytest.mark.starts_as(HEAD)
def test_the_verdict_on_a_number_from_zoho_is_not_overwritten(url: str, database: Database) -> None:
    undo_the_move(url)
    database.booksync_writes_customer(database.a_user(), "C1", name="Ada", phone="+442070313000")
    database.rows('UPDATE customers_cache SET phone_verdict = \'{"not_callable": "fax"}\' RETURNING id')
    numbers.add(database.connection)  # type: ignore[arg-type]
    assert database.row("SELECT phone_not_callable FROM customers_cache") == {"phone_not_callable": None}
