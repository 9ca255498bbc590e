"""Users that booksync adds to the host's table, or cannot add."""

import uuid
from collections.abc import Iterator

import psycopg
import pytest

from db import users
from db.engine import new_engine
from domain.users import UserId
from sandbox.servers import EmbeddedPostgres

_REFUSING_TRIGGER = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'ask the application'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION refuse()
"""


@pytest.fixture(scope="module")
def url(postgres: EmbeddedPostgres) -> Iterator[str]:
    name = f"users_{uuid.uuid4().hex}"
    yield postgres.create_database(name)
    postgres.drop_database(name)


def _make(url: str, table: str, user_id: UserId) -> list[object]:
    """Add the user to the host's table, and return all ids in it."""
    with psycopg.connect(url, autocommit=True) as host:
        host.execute("DROP TABLE IF EXISTS users; DROP FUNCTION IF EXISTS refuse()")
        host.execute(table.encode())
    engine = new_engine(url, application_name="tests")
    try:
        with engine.begin() as db:
            users.make_if_missing(db, user_id)
            return list(db.exec_driver_sql("SELECT id FROM users").scalars())
    finally:
        engine.dispose()


@pytest.mark.parametrize(
    ("table", "user_id"),
    [
        ("CREATE TABLE users (id text PRIMARY KEY)", "clx2k9q0a0000"),
        ("CREATE TABLE users (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY)", 7),
    ],
    ids=["text", "identity"],
)
def test_a_missing_user_is_added_where_an_id_is_enough(url: str, table: str, user_id: UserId) -> None:
    assert _make(url, table, user_id) == [user_id]


@pytest.mark.parametrize(
    ("table", "user_id", "reason"),
    [
        ("CREATE TABLE users (id text PRIMARY KEY, email text NOT NULL)", "clx2", 'null value in column "email"'),
        ("CREATE TABLE users (id varchar(5) PRIMARY KEY)", "clx2k9q0a0000", "too long for type character varying"),
        ("CREATE TABLE users (id integer PRIMARY KEY)", 3_000_000_000, "integer out of range"),
        (f"CREATE TABLE users (id integer PRIMARY KEY); {_REFUSING_TRIGGER}", 7, "ask the application"),
    ],
    ids=["required column", "too long", "too large", "trigger"],
)
def test_a_user_that_cannot_be_added_is_named_with_the_reason(
    url: str, table: str, user_id: UserId, reason: str
) -> None:
    with pytest.raises(users.UnknownUserError, match=rf"no user {user_id}, and booksync cannot add it \(.*{reason}"):
        _make(url, table, user_id)
