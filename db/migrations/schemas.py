"""The two schemas of an installation: the host's with the shared tables, and booksync's own."""

from typing import Any, Final, cast

import psycopg
from psycopg.rows import tuple_row
from sqlalchemy import Connection

Raw = psycopg.Connection[Any]

SCHEMA: Final = "booksync"

#: The table with the database's revision. This table moves last: if it is in booksync's schema, the move is complete.
VERSION_TABLE: Final = "booksync_alembic_version"

# Selects the schema of the shared tables, else the first one that new tables would go to. A role that is called
# booksync finds booksync's own schema first, because "$user" precedes `public` in the default search_path.
_HOST: Final = """
    SELECT coalesce(
        (SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = coalesce(
            to_regclass('invoices_cache'), to_regclass('users'), to_regclass('reminders'), to_regclass('sync_metadata')
        )),
        (SELECT quote_ident(schema) FROM unnest(current_schemas(false)) WITH ORDINALITY AS path (schema, place)
         WHERE schema <> %s ORDER BY place LIMIT 1),
        'public'
    )
"""


def raw(connection: Connection) -> Raw:
    """The psycopg connection under SQLAlchemy's."""
    return cast(Raw, connection.connection.driver_connection)


def host_schema(connection: Raw) -> str:
    """The host's schema, which has the shared tables; quoted where needed."""
    return str(_scalar(connection, _HOST, SCHEMA))


def search_path(connection: Raw) -> str:
    """The search_path in which Postgres finds every table, before and after the move to booksync's schema.

    Postgres creates new objects in the first schema of the search_path: booksync's after the move, else the host's.
    """
    host = host_schema(connection)
    is_moved = _scalar(connection, "SELECT to_regclass(%s) IS NOT NULL", f"{SCHEMA}.{VERSION_TABLE}")
    return f"{SCHEMA}, {host}" if is_moved and host != SCHEMA else host


def use_schemas(connection: Raw) -> None:
    """Set the session's search_path to the value of `search_path`."""
    _scalar(connection, "SELECT set_config('search_path', %s, false)", search_path(connection))


#: A column that refers to users.id has one of these types.
_USER_ID_TYPES: Final = {
    "uuid": "uuid",
    "text": "text",
    "character varying": "text",
    "bigint": "bigint",
    "integer": "bigint",
    "smallint": "bigint",
}


def user_id_type(connection: Raw) -> str:
    """The type of the columns that refer to users.id: uuid, text or bigint.

    If the table users does not exist, the result is uuid, because booksync then creates the table. It is also uuid if
    users.id has any other type; adoption refuses such a table.
    """
    found = _scalar(
        connection,
        """
        SELECT (SELECT format_type(atttypid, NULL) FROM pg_attribute
                WHERE attrelid = to_regclass('users') AND attname = 'id')
        """,
    )
    return _USER_ID_TYPES.get(found, "uuid")


def with_user_id_type(connection: Raw, statements: str) -> str:
    """The statements with the type of users.id in place of `{{user_id}}`."""
    placeholder = "{{user_id}}"
    return statements.replace(placeholder, user_id_type(connection)) if placeholder in statements else statements


def _scalar(connection: Raw, query: str, *values: object) -> Any:
    row = connection.cursor(row_factory=tuple_row).execute(query, values).fetchone()
    assert row is not None
    return row[0]
