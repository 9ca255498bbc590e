"""The move to the schema `booksync`: under a role of that name, with the rights of other roles, and refused."""

import re
import uuid
from collections.abc import Iterator

import psycopg
import pytest

from db.migrations.errors import MigrationError
from db.migrations.revisions import Target
from db.migrations.runner import migrate
from tests.integration.migrations.applications import Database, undo_the_move
from tests.integration.migrations.states import HEAD

_FORMER = "0012_containment_phase3"


def as_role(url: str, role: str) -> str:
    """The same database with another user; the server trusts all."""
    return re.sub(r"//[^@]+@", f"//{role}@", url)


def schemas_of(url: str, *tables: str) -> dict[str, str]:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT relname, relnamespace::regnamespace::text FROM pg_class WHERE relname = ANY(%s) AND relkind = 'r'",
            [list(tables)],
        )
        return dict(found.fetchall())


def as_the_previous_release(url: str) -> None:
    """A database that the previous release has migrated."""
    migrate(url)
    undo_the_move(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE booksync_alembic_version SET version_num = %s", [_FORMER])


@pytest.fixture
def namesake(url: str) -> Iterator[str]:
    """The address with the role `booksync`, whose own schema precedes `public` in the default search_path."""
    with psycopg.connect(url, autocommit=True) as administrator:
        administrator.execute("CREATE ROLE booksync LOGIN")
        administrator.execute(f'ALTER DATABASE "{administrator.info.dbname}" OWNER TO booksync')
    yield as_role(url, "booksync")
    with psycopg.connect(url, autocommit=True) as administrator:
        administrator.execute("REASSIGN OWNED BY booksync TO CURRENT_USER")
        administrator.execute("DROP OWNED BY booksync")
        administrator.execute("DROP ROLE booksync")


@pytest.mark.slow
class TestARoleOfTheSameName:
    """docker-compose.yml has this role."""

    def test_shared_tables_stay_in_public_up_and_down(self, namesake: str) -> None:
        for _ in range(2):
            migrate(namesake)
            found = schemas_of(namesake, "users", "reminders", "customers_cache", "handovers")
            assert found == {
                "users": "public",
                "reminders": "public",
                "customers_cache": "booksync",
                "handovers": "booksync",
            }
            migrate(namesake, Target.LEGACY)
            assert schemas_of(namesake, "users", "customers_cache") == {"users": "public"}

    def test_a_database_of_the_previous_release_is_upgraded(self, namesake: str) -> None:
        as_the_previous_release(namesake)
        migrate(namesake)
        assert schemas_of(namesake, "sync_runs", "users") == {"sync_runs": "booksync", "users": "public"}

    def test_the_former_names_are_found(self, namesake: str) -> None:
        migrate(namesake)
        with psycopg.connect(namesake, autocommit=True) as connection:
            for table in ("customers_cache", "skipped_invoices", "resyncs", "reminder_contacts", "set_aside_records"):
                assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
            claimed = connection.execute("SELECT contact_id, handover_id FROM claim_due_reminders()")
            assert claimed.fetchall() == []


@pytest.mark.slow
def test_rights_on_tables_and_functions_are_copied(url: str, database: Database) -> None:
    role = f"sender_{uuid.uuid4().hex}"
    as_the_previous_release(url)
    database.rows(f"CREATE ROLE {role} LOGIN")
    database.rows(f"GRANT SELECT, UPDATE ON skipped_invoices TO {role}")
    database.rows("REVOKE EXECUTE ON FUNCTION claim_due_reminders(integer, uuid, timestamptz) FROM PUBLIC")
    database.rows(f"GRANT EXECUTE ON FUNCTION claim_due_reminders(integer, uuid, timestamptz) TO {role}")
    database.rows("ALTER FUNCTION claim_due_reminders(integer, uuid, timestamptz) SECURITY DEFINER")
    migrate(url)
    try:
        with psycopg.connect(as_role(url, role), autocommit=True) as sender:
            for name in ("public.skipped_invoices", "booksync.waiting_invoices"):
                assert sender.execute(f"UPDATE {name} SET reason = reason").rowcount == 0
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    sender.execute(f"DELETE FROM {name}")
            for name in ("public.claim_due_reminders", "booksync.claim_due_reminders"):
                assert sender.execute(f"SELECT * FROM {name}()").fetchall() == []
    finally:
        database.rows(f"DROP OWNED BY {role}")
        database.rows(f"DROP ROLE {role}")


@pytest.mark.starts_as(HEAD)
def test_the_former_names_accept_what_the_previous_release_writes(database: Database) -> None:
    user = database.a_user()
    database.rows("SET search_path = public")
    insert = """
        INSERT INTO customers_cache AS cached (user_id, zoho_customer_id) VALUES (%s, 'C1')
        ON CONFLICT (user_id, zoho_customer_id) DO UPDATE SET updated_at = now() RETURNING (xmax = 0) AS is_new
    """
    assert [database.row(insert, user)["is_new"] for _ in range(2)] == [True, False]
    database.rows("SELECT id FROM customers_cache FOR NO KEY UPDATE SKIP LOCKED")
    database.rows("UPDATE resyncs SET waiting_for = 'a sync' WHERE ctid = ANY(ARRAY(SELECT ctid FROM resyncs))")
    database.rows("UPDATE resyncs SET taken_at = now()")
    assert database.rows("DELETE FROM customers_cache RETURNING zoho_customer_id") == [{"zoho_customer_id": "C1"}]


@pytest.mark.slow
class TestWhereTheMoveIsRefused:
    """Nothing is changed before the refusal."""

    def test_without_the_right_to_create_a_schema(self, url: str, database: Database) -> None:
        role = f"owner_{uuid.uuid4().hex}"
        database.rows(f"CREATE ROLE {role} LOGIN")
        database.rows(f"GRANT USAGE, CREATE ON SCHEMA public TO {role}")
        try:
            with pytest.raises(MigrationError, match="run `CREATE SCHEMA booksync AUTHORIZATION`"):
                migrate(as_role(url, role))
            database.rows(f"CREATE SCHEMA booksync AUTHORIZATION {role}")
            migrate(as_role(url, role))
            assert schemas_of(url, "customers_cache") == {"customers_cache": "booksync"}
        finally:
            database.rows(f"DROP OWNED BY {role}")
            database.rows(f"DROP ROLE {role}")

    def test_with_another_applications_table_in_the_way(self, url: str, database: Database) -> None:
        database.rows("CREATE SCHEMA booksync")
        database.rows("CREATE TABLE booksync.handovers (id uuid)")
        with pytest.raises(MigrationError, match=r"The table booksync\.handovers is there, but it is not booksync's"):
            migrate(url)
        assert schemas_of(url, "customers_cache") == {"customers_cache": "public"}
