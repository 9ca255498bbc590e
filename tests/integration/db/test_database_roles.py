"""What each role of `booksync roles` may do, and may not."""

import uuid
from collections.abc import Iterator

import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from db import call_outcomes, hand_over, operators
from db.models import Base
from db.session import Session
from domain.call_outcomes import CallOutcome
from domain.operators import Role
from tests.database_roles import DatabaseRoles
from tests.integration.db.look import altered
from tests.integration.db.reminding import DUE_AT
from workers.observability.logs import describe

pytestmark = pytest.mark.usefixtures("due")


@pytest.fixture
def roles() -> DatabaseRoles:
    return DatabaseRoles()


@pytest.fixture
def granted(engine: Engine, roles: DatabaseRoles) -> Iterator[Session]:
    """A transaction with the roles, which is never committed."""
    in_one_transaction = roles.grants().replace("BEGIN;", "").replace("COMMIT;", "")
    with altered(engine, roles.creation(), in_one_transaction) as db:
        yield db


@pytest.mark.parametrize("role", ["sender", "worker"])
def test_a_granted_role_hands_over_and_reports(granted: Session, roles: DatabaseRoles, role: str) -> None:
    granted.execute(text(f"SET LOCAL ROLE {getattr(roles, role)}"))
    (taken,) = hand_over.claim(granted, at=DUE_AT)
    assert call_outcomes.report(granted, taken.handover_id, CallOutcome.DO_NOT_CALL) == 1


@pytest.mark.parametrize(("view", "rows"), [("customers", 1), ("due_calls", 0)])
def test_the_sender_reads_the_views_and_no_table_under_them(
    granted: Session, roles: DatabaseRoles, view: str, rows: int
) -> None:
    granted.execute(text(f"SET LOCAL ROLE {roles.sender}"))
    assert granted.execute(text(f"SELECT count(*) FROM booksync.{view}")).scalar_one() == rows
    calls = text("SELECT phone FROM booksync.due_calls_of((SELECT connection_id FROM booksync.customers), :at)")
    assert len(granted.execute(calls, {"at": DUE_AT}).all()) == 1


@pytest.mark.parametrize("view", ["customers", "due_calls"])
def test_a_view_needs_a_grant(granted: Session, roles: DatabaseRoles, view: str) -> None:
    granted.execute(text(f"SET LOCAL ROLE {roles.web}"))
    with pytest.raises(ProgrammingError, match=f"permission denied for view {view}"):
        granted.execute(text(f"SELECT FROM booksync.{view}"))


def test_the_function_of_the_view_needs_a_grant(granted: Session, roles: DatabaseRoles) -> None:
    granted.execute(text("GRANT SELECT ON booksync.due_calls TO PUBLIC"))
    granted.execute(text(f"SET LOCAL ROLE {roles.web}"))
    with pytest.raises(ProgrammingError, match="permission denied for function due_calls_of"):
        granted.execute(text("SELECT FROM booksync.due_calls"))


@pytest.mark.parametrize("table", sorted(Base.metadata.tables))
def test_the_sender_cannot_read_any_table(granted: Session, roles: DatabaseRoles, table: str) -> None:
    granted.execute(text(f"SET LOCAL ROLE {roles.sender}"))
    with pytest.raises(ProgrammingError) as refused:
        granted.execute(text(f"SELECT FROM {table}"))
    assert isinstance(refused.value.orig, InsufficientPrivilege)


def test_the_logs_name_a_missing_grant(granted: Session, roles: DatabaseRoles) -> None:
    granted.execute(text(f"SET LOCAL ROLE {roles.sender}"))
    with pytest.raises(ProgrammingError) as refused:
        granted.execute(text("SELECT FROM booksync.seen_records"))
    assert describe(refused.value) == "permission denied for table seen_records (SQLSTATE 42501)"


def test_any_other_role_cannot_hand_over(granted: Session) -> None:
    granted.execute(text("CREATE ROLE booksync_stranger"))
    granted.execute(text("GRANT USAGE ON SCHEMA booksync TO booksync_stranger"))
    granted.execute(text("SET LOCAL ROLE booksync_stranger"))
    with pytest.raises(ProgrammingError, match="permission denied for function claim_due_reminders"):
        hand_over.claim(granted, at=DUE_AT)


def test_a_sender_cannot_inject_a_table_of_its_own(granted: Session, roles: DatabaseRoles) -> None:
    """Otherwise a function with its owner's rights would write rows that the sender chooses."""
    granted.execute(text(f"SET LOCAL ROLE {roles.sender}"))
    granted.execute(text("CREATE TEMP TABLE handovers (id uuid)"))
    granted.execute(text("CREATE TEMP TABLE zoho_connections (id uuid, handover text)"))
    assert len(hand_over.claim(granted, at=DUE_AT)) == 1
    assert granted.execute(text("SELECT count(*) FROM pg_temp.handovers")).scalar_one() == 0


def test_commands_manage_operators_and_ends_console_sessions(granted: Session, roles: DatabaseRoles) -> None:
    granted.execute(text(f"SET LOCAL ROLE {roles.worker}"))
    assert operators.add(granted, "ana", Role.VIEWER, "a hash")
    operators.change(granted, "ana", Role.OPERATOR, None)
    operators.seen(granted, "ana")
    assert operators.disable(granted, "ana")
    session_id = uuid.uuid4()
    operators.sign_out(granted, session_id, longest_seconds=60)
    assert operators.is_signed_out(granted, session_id)


class TestTheWebProcess:
    """What it does need is tested in tests/integration/web, where the web process has this role."""

    @pytest.mark.parametrize(
        "statement",
        [
            "SELECT contact FROM booksync.staged_contacts",
            "SELECT person FROM booksync.staged_persons",
            "SELECT content FROM booksync.staged_pages",
            "UPDATE booksync.operators SET role = 'operator'",
            "UPDATE booksync.operators SET password_hash = ''",
            "UPDATE booksync.zoho_clients SET client_id = ''",
            "UPDATE booksync.customers_cache SET customer_name = ''",
            "DELETE FROM booksync.customers_cache",
            "DELETE FROM booksync.zoho_connections",
            "DELETE FROM booksync.operator_actions",
            "SELECT FROM booksync.claim_due_reminders(1)",
            "CREATE TABLE booksync.mine ()",
        ],
    )
    def test_it_may_not(self, granted: Session, roles: DatabaseRoles, statement: str) -> None:
        granted.execute(text(f"SET LOCAL ROLE {roles.web}"))
        with pytest.raises(ProgrammingError) as refused:
            granted.execute(text(statement))
        assert isinstance(refused.value.orig, InsufficientPrivilege)
