"""Databases for tests: copies of a migrated template, which are emptied and used again.

Emptying takes less than a tenth of the time of a new copy. A database whose schema a test has changed is dropped. One
session of each copy stays open from test to test, because a new one would first read the catalog of all tables that it
empties.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from sandbox.servers import EmbeddedPostgres

#: The name of the migrated database that tests copy.
TEMPLATE = "booksync_template"

Connection = psycopg.Connection[tuple[object, ...]]

#: The catalogs that show a change of the schema or of a right, and the column that names their object.
_CATALOGS = {
    "pg_attrdef": "adrelid",
    "pg_attribute": "attrelid",
    "pg_class": "oid",
    "pg_constraint": "oid",
    "pg_default_acl": "oid",
    "pg_enum": "oid",
    "pg_policy": "oid",
    "pg_proc": "oid",
    "pg_rewrite": "ev_class",
    "pg_trigger": "tgrelid",
    "pg_type": "oid",
}
#: Postgres's own objects have lower numbers.
_FIRST_OID = 16384
_STATE = " UNION ALL ".join(
    [
        f"SELECT '{name}', count(*), count(*) FILTER (WHERE xmin::text::bigint >= %(mark)s) FROM {name} WHERE {oid} >= "
        f"{_FIRST_OID}"
        for name, oid in _CATALOGS.items()
    ]
    + ["SELECT 'schemas', count(*), count(*) FILTER (WHERE xmin::text::bigint >= %(mark)s) FROM pg_namespace"]
)
_SETTINGS = """
    SELECT 'database', datconnlimit, hashtext(coalesce(datacl::text, '') || datallowconn)
      FROM pg_database WHERE datname = current_database()
    UNION ALL
    SELECT 'settings', count(*), 0 FROM pg_db_role_setting
     WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_TABLES = """
    SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('public', 'booksync')
"""
_END_SESSIONS = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_RESET_SEQUENCES = """
    SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) FROM pg_sequences
"""
#: Tables whose rows autovacuum has counted. With the counts of an earlier test, Postgres plans nested loops over
#: thousands of rows in a larger test. VACUUM of an empty table resets its count.
_COUNTED = """
    SELECT format('%I.%I', nspname, relname) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
     WHERE relkind = 'r' AND relpages > 0 AND nspname IN ('public', 'booksync')
"""


@dataclass(frozen=True, slots=True)
class _Copy:
    name: str
    url: str
    session: Connection
    mark: int  #: no change of the schema before this transaction
    state: tuple[object, ...]  #: of the schema
    kept: tuple[tuple[str, object], ...]  #: the tables with rows, and these rows' digest
    emptied: str  #: the statements that delete all other rows


class Databases:
    """The copies of one template on one server."""

    def __init__(self, postgres: EmbeddedPostgres, template: str) -> None:
        self._postgres = postgres
        self._template = template
        self._unused: list[_Copy] = []

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a database that nothing else uses, as the template was."""
        copy = self._unused.pop() if self._unused else self._new()
        yield copy.url
        if _is_emptied(copy):
            self._unused.append(copy)
        else:
            copy.session.close()
            self._postgres.drop_database(copy.name)

    def close(self) -> None:
        """End the sessions of the copies."""
        for copy in self._unused:
            copy.session.close()

    def _new(self) -> _Copy:
        name = f"test_{uuid.uuid4().hex}"
        url = self._postgres.create_database(name, template=self._template)
        session = psycopg.connect(url, autocommit=True)
        (mark,) = _one(session, "SELECT pg_current_xact_id()::text::bigint")
        assert isinstance(mark, int)
        tables = [str(table) for (table,) in session.execute(_TABLES)]
        kept = tuple((table, digest) for table in tables if (digest := _digest(session, table)) is not None)
        others = [table for table in tables if table not in dict(kept)]
        session.execute("SET session_replication_role = replica")
        emptied = "".join(f"DELETE FROM {table};" for table in others)
        return _Copy(name, url, session, mark, _state(session, mark), kept, emptied)


def _is_emptied(copy: _Copy) -> bool:
    """Ends all sessions and deletes all rows; False if the database is not as the template was."""
    session = copy.session
    try:
        session.execute(_END_SESSIONS)
        if _state(session, copy.mark) != copy.state:
            return False
        session.execute(copy.emptied.encode())
        session.execute(_RESET_SEQUENCES)
        for (table,) in session.execute(_COUNTED).fetchall():
            if table not in dict(copy.kept):
                session.execute(f"VACUUM {table}".encode())
        return all(_digest(session, table) == digest for table, digest in copy.kept)
    except psycopg.Error:
        return False


def _state(connection: Connection, mark: int) -> tuple[object, ...]:
    return tuple(connection.execute(f"{_STATE} UNION ALL {_SETTINGS}".encode(), {"mark": mark}).fetchall())


def _digest(connection: Connection, table: str) -> object:
    """The digest of a table's rows; None for no rows."""
    (digest,) = _one(connection, f"SELECT md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM {table} AS t")
    return digest


def _one(connection: Connection, query: str) -> tuple[object, ...]:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row
