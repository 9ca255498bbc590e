"""The triggers for the time in which both the legacy application and booksync write."""

import orjson

from db.legacy.vocabulary import (
    LONGEST_COUNTRY,
    LONGEST_ID,
    NO_ID_WORDS,
    PUNCTUATION,
    countries,
    country_names,
    zones,
)
from db.migrations.schemas import SCHEMA, host_schema, search_path, with_user_id_type
from db.migrations.scripts import SQL
from db.migrations.steps import Raw, briefly


def side_by_side(connection: Raw) -> str:
    """The statements that create the triggers for the time in which both applications write."""
    statements = (SQL / "side_by_side.sql").read_text()
    values = {
        "countries": _literal(_json(countries())),
        "country_names": _literal(_json(country_names())),
        "longest_country": str(LONGEST_COUNTRY),
        "zones": _literal(_json(zones())),
        "no_id_words": _literal(_json(NO_ID_WORDS)),
        "punctuation": _literal(PUNCTUATION),
        "longest_id": str(LONGEST_ID),
    }
    for name, value in values.items():
        statements = statements.replace(f"{{{{{name}}}}}", value)
    return with_user_id_type(connection, statements)


def side_by_side_end(connection: Raw) -> str:
    """The statements that drop the triggers for the time in which both applications write."""
    return with_user_id_type(connection, (SQL / "side_by_side_end.sql").read_text())


def renew_triggers(connection: Raw) -> None:
    """Create the side-by-side triggers again, if the database has them, because the tables that they use have moved.

    The triggers' functions are created in the schema that is now the first one of the search_path.
    """
    if _has_triggers(connection):
        briefly(connection, _dropped(connection) + _path(search_path(connection)) + side_by_side(connection))


def with_new_triggers(connection: Raw, first: str, moved: str) -> str:
    """The statements `moved`, which move the customers' table, with statements that renew the side-by-side triggers.

    The triggers are dropped before the move and created after it. Otherwise the next write of an older application's
    open session would fail, because such a session has cached the triggers' functions with the former table. The new
    functions are in the schema `first`. They find the tables of both schemas, because other tables move later.
    """
    if not moved or not _has_triggers(connection):
        return moved
    host = host_schema(connection)
    path = f"{SCHEMA}, {host}" if first == SCHEMA else f"{host}, {SCHEMA}"
    return _dropped(connection) + moved + _path(path) + side_by_side(connection)


def _has_triggers(connection: Raw) -> bool:
    found = "SELECT FROM pg_trigger WHERE tgrelid = 'invoices_cache'::regclass AND tgname = 'booksync_link_invoice'"
    return connection.execute(found).fetchone() is not None


def _dropped(connection: Raw) -> str:
    return _path(f"{SCHEMA}, {host_schema(connection)}") + side_by_side_end(connection)


def _path(schemas: str) -> str:
    return f"SELECT set_config('search_path', '{_literal(schemas)}', true);\n"


def _json(value: dict[str, str] | tuple[str, ...]) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _literal(text: str) -> str:
    return text.replace("'", "''")
