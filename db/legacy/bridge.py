"""A bridge for a legacy application with camelCase columns: views that show the columns under their old names.

The columns of the tables have booksync's names. The application finds the views first if `booksync_legacy` precedes the
tables' schema in its `search_path`. It then reads and writes through the views, and the triggers act on the tables. The
schema's comment records the columns of the views, so that the views can be created again when phase 3 is undone.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import orjson
from psycopg import sql

from db.migrations.schemas import host_schema
from db.migrations.steps import Raw

SCHEMA: Final = "booksync_legacy"

#: Table → (the column's name, the name that the legacy application uses), in the table's order of columns.
Names = Mapping[str, Sequence[tuple[str, str]]]


def build(connection: Raw, names: Names) -> sql.Composed:
    """The statements that create the views over legacy tables whose columns already have booksync's names."""
    host = sql.SQL(host_schema(connection))
    parts: list[sql.Composable] = [sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SCHEMA))]
    for table, columns in names.items():
        view = sql.Identifier(SCHEMA, table)
        shown = sql.SQL(", ").join(
            sql.SQL("{} AS {}").format(sql.Identifier(column), sql.Identifier(name)) for column, name in columns
        )
        parts += [
            sql.SQL("DROP VIEW IF EXISTS {}").format(view),
            sql.SQL("CREATE VIEW {} AS SELECT {} FROM {}.{}{}").format(
                view, shown, host, sql.Identifier(table), _own_rows(table, columns)
            ),
        ]
    noted = orjson.dumps(names).decode()
    parts.append(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(SCHEMA), sql.Literal(noted)))
    return sql.SQL("; ").join(parts)


def _own_rows(table: str, columns: Sequence[tuple[str, str]]) -> sql.Composable:
    """The condition of the application's rows, where it has one row for each user and booksync adds others."""
    user = next((column for column, name in columns if name.replace("_", "").lower() == "userid"), "user_id")
    if table != "sync_metadata" or user == "user_id":
        return sql.SQL("")
    return sql.SQL(" WHERE {} IS NOT NULL").format(sql.Identifier(user))


def share(connection: Raw, tables: Sequence[str]) -> None:
    """Grant each role with rights on a legacy table the same rights on its view."""
    if grants := sharing(connection, tables):
        connection.execute(grants, prepare=False)


def sharing(connection: Raw, tables: Sequence[str]) -> str:
    """The statements of `share`."""
    grants = connection.execute(
        """
        SELECT DISTINCT table_name, grantee FROM information_schema.role_table_grants
        WHERE quote_ident(table_schema) = %s AND table_name = ANY(%s) AND grantee <> current_user ORDER BY 1, 2
        """,
        [host_schema(connection), list(tables)],
    ).fetchall()
    parts = []
    for table, role in grants:
        to = sql.SQL("PUBLIC") if role == "PUBLIC" else sql.Identifier(role)
        parts += [
            sql.SQL("GRANT USAGE ON SCHEMA {} TO {};\n").format(sql.Identifier(SCHEMA), to),
            sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {};\n").format(sql.Identifier(SCHEMA, table), to),
        ]
    return sql.Composed(parts).as_string(connection)


def noted(connection: Raw) -> Names:
    """The columns of the views, from the schema's comment; empty if the database never had such views."""
    row = connection.execute(
        "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s", [SCHEMA]
    ).fetchone()
    names: Names = orjson.loads(row[0]) if row and row[0] else {}
    return names


def rebuilt(connection: Raw) -> str:
    """The statements that create the views again; an empty string if the database never had such views."""
    names = noted(connection)
    return build(connection, names).as_string(connection) + ";" if names else ""


def taken_down(connection: Raw) -> str:
    """The statements that drop the views; the record of the views' columns stays."""
    return "".join(f"DROP VIEW IF EXISTS {SCHEMA}.{table};\n" for table in noted(connection))
