"""Columns of booksync beside columns of the application whose types booksync cannot use: their counterparts.

Such a column of the application stays, with its type, default, key and references. booksync gets a column of its own,
and a trigger keeps the two equal, so that each application reads and writes its own type. If both columns would have
the same name, the application's becomes `legacy_…`, and a view shows it under its former name (see `bridge`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import orjson
from psycopg import sql

from db.legacy.bridge import SCHEMA
from db.migrations.schemas import Raw, host_schema

#: The trigger's name. It precedes the names of the other triggers of booksync, so these see both columns filled.
TRIGGER: Final = "booksync_counterparts"


@dataclass(frozen=True, slots=True)
class Counterpart:
    """A column that booksync adds beside the application's."""

    column: str  #: booksync's column
    kind: str  #: its type in SQL
    default: str | None  #: the value, in SQL, of a row that has neither
    found: str  #: the application's column
    found_kind: str  #: its type in SQL
    to_ours: str  #: see `Conversion`
    to_theirs: str

    @property
    def kept(self) -> str:
        """The name of the application's column after the adoption."""
        return f"legacy_{self.found}" if self.found == self.column else self.found


def statements(connection: Raw, table: str, columns: Sequence[Counterpart], invoice_key: str) -> Iterator[sql.Composed]:
    """The statements that add the columns and their trigger; they change the catalogue only.

    `invoice_key` is the application's key of invoices_cache, as it is called after the adoption.
    """
    if not columns:
        return
    host = sql.SQL(host_schema(connection))
    place = sql.SQL("{}.{}").format(host, sql.Identifier(table))
    for each in columns:
        if each.kept != each.found:
            yield sql.SQL("ALTER TABLE {} RENAME COLUMN {} TO {}").format(
                place, sql.Identifier(each.found), sql.Identifier(each.kept)
            )
        yield sql.SQL("ALTER TABLE {} ADD COLUMN {} {}").format(place, sql.Identifier(each.column), sql.SQL(each.kind))
    function = sql.Identifier(SCHEMA, f"{table}_counterparts")
    names = {"invoices": f"{host_schema(connection)}.invoices_cache", "invoice_key": _quoted(connection, invoice_key)}
    inserted = "".join(_of_insert(connection, each, names) for each in columns)
    updated = "".join(_of_update(connection, each, names) for each in columns)
    body = f"\nBEGIN\n    IF TG_OP = 'INSERT' THEN{inserted}\n    ELSE{updated}\n    END IF;\n    RETURN NEW;\nEND\n"
    yield sql.SQL(
        "CREATE OR REPLACE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
        " SET search_path = {}, pg_temp AS {}"
    ).format(function, host, sql.SQL(f"$booksync${body}$booksync$"))
    names_of_columns = orjson.dumps({each.column: each.kept for each in columns}).decode()
    yield sql.SQL("COMMENT ON FUNCTION {}() IS {}").format(function, sql.Literal(names_of_columns))
    yield sql.SQL(
        "CREATE OR REPLACE TRIGGER {} BEFORE INSERT OR UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION {}()"
    ).format(sql.Identifier(TRIGGER), place, function)


def noted(connection: Raw, table: str) -> Mapping[str, str]:
    """booksync's columns that an adoption has added to a table → the application's columns."""
    row = connection.execute(
        """
        SELECT obj_description(tgfoid, 'pg_proc') FROM pg_trigger
        WHERE tgrelid = to_regclass(%s) AND tgname = %s
        """,
        [table, TRIGGER],
    ).fetchone()
    columns: Mapping[str, str] = orjson.loads(row[0]) if row else {}
    return columns


def unfilled(columns: Mapping[str, str]) -> sql.Composed:
    """The condition of the rows whose counterparts have no value yet. `columns` are those of `noted`."""
    return sql.SQL(" OR ").join(
        sql.SQL("{} IS NULL AND {} IS NOT NULL").format(sql.Identifier(ours), sql.Identifier(theirs))
        for ours, theirs in columns.items()
    )


def filling(connection: Raw, table: str, columns: Mapping[str, str]) -> str:
    """The statement that fills the columns of the rows, some blocks at a time; each batch is one transaction.

    The trigger of these columns makes the values. Rows written in the meantime have them already.
    """
    one = sql.Identifier(next(iter(columns)))
    return (
        sql.SQL("""DO $booksync$
DECLARE
    last_block bigint := pg_relation_size({literal}) / current_setting('block_size')::bigint;
    block bigint := 0;
BEGIN
    WHILE block <= last_block LOOP
        UPDATE {table} SET {one} = {one}
        WHERE ctid >= format('(%s,0)', block)::tid AND ctid < format('(%s,0)', block + 16)::tid
            AND ({unfilled});
        COMMIT;
        block := block + 16;
    END LOOP;
END $booksync$""")
        .format(
            literal=sql.Literal(f"{host_schema(connection)}.{table}"),
            table=sql.SQL(f"{host_schema(connection)}.{table}"),
            one=one,
            unfilled=unfilled(columns),
        )
        .as_string(connection)
    )


def _of_insert(connection: Raw, each: Counterpart, names: Mapping[str, str]) -> str:
    ours, theirs, to_ours, to_theirs = _expressions(connection, each, names)
    # A default CURRENT_TIMESTAMP gives a column without a time zone the session's local time.
    is_default = f"{theirs} IS NULL" + (f" OR {theirs} = now()::{each.found_kind}" if each.default == "now()" else "")
    default = (
        ""
        if each.default is None
        else f"""
        IF {ours} IS NULL AND ({is_default}) THEN
            {ours} := {each.default};
        END IF;"""
    )
    return f"""{default}
        IF {ours} IS NULL THEN
            {ours} := {to_ours};
        ELSIF {theirs} IS NULL OR ({to_ours}) IS DISTINCT FROM {ours} THEN
            {theirs} := {to_theirs};
        END IF;"""


def _of_update(connection: Raw, each: Counterpart, names: Mapping[str, str]) -> str:
    ours, theirs, to_ours, to_theirs = _expressions(connection, each, names)
    return f"""
        IF {ours} IS DISTINCT FROM {ours.replace("NEW", "OLD", 1)} THEN
            {theirs} := {to_theirs};
        ELSIF {theirs} IS DISTINCT FROM {theirs.replace("NEW", "OLD", 1)} OR {ours} IS NULL THEN
            {ours} := {to_ours};
        END IF;"""


def _expressions(connection: Raw, each: Counterpart, names: Mapping[str, str]) -> tuple[str, str, str, str]:
    ours, theirs = f"NEW.{_quoted(connection, each.column)}", f"NEW.{_quoted(connection, each.kept)}"
    values = {"ours": ours, "theirs": theirs, "kind": each.found_kind, **names}
    return ours, theirs, each.to_ours.format_map(values), each.to_theirs.format_map(values)


def _quoted(connection: Raw, name: str) -> str:
    return sql.Identifier(name).as_string(connection)
