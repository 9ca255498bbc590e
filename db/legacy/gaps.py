"""Gaps in the older application's tables that phase 1 fills, and that the downgrade to `legacy` restores.

A missing column is added. A text column `reminders.step` becomes a column of numbers. Texts other than the plain
number, such as " 3 " or "+7", are stored in migration_step_texts for the downgrade.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import sqlalchemy as sa
from psycopg.errors import InvalidTextRepresentation, NumericValueOutOfRange
from sqlalchemy import Connection

from db.legacy import bridge
from db.migrations.additions import detail_of, forget, note
from db.migrations.errors import MigrationRefusedError
from db.migrations.steps import Raw, patiently

_NOW: Final = "timestamptz NOT NULL DEFAULT now()"

#: Columns that may be missing: times that the database can set itself, and facts that the next sync reads from Zoho.
FILLABLE: Final[Mapping[str, Mapping[str, str]]] = {
    "users": {},
    "invoices_cache": {
        "invoice_number": "text",
        "status": "text",
        "date": "date",
        "due_date": "date",
        "total": "numeric",
        "balance": "numeric",
        "currency_code": "text",
        "zoho_last_modified_at": "timestamptz",
        "local_last_synced_at": _NOW,
        "created_at": _NOW,
        "updated_at": _NOW,
    },
    "reminders": {"created_at": _NOW, "updated_at": _NOW},
    "sync_metadata": {"last_invoice_sync_at": "timestamptz", "created_at": _NOW, "updated_at": _NOW},
}

_STEP: Final = "reminders.step as a number"

#: The pattern of the texts that PostgreSQL 15 reads as a smallint. Later releases also read "0x1F", which is refused.
_NUMBER: Final = r"^[ \t\n\r\f\v]*[+-]?[0-9]+[ \t\n\r\f\v]*$"

_NO_NUMBERS: Final = f"""
    SELECT count(*) FROM reminders WHERE {{step}} IS NOT NULL AND CASE
        WHEN {{step}} ~ '{_NUMBER}' THEN {{step}}::numeric NOT BETWEEN -32768 AND 32767 ELSE true END
"""  # noqa: S608
_DOUBLED: Final = """
    SELECT count(*) FROM (
        SELECT FROM reminders WHERE {step} IS NOT NULL GROUP BY {invoice_id}, {step}::smallint HAVING count(*) > 1
    ) AS doubled
"""
#: Objects that prevent Postgres from changing the type of a column. The views of the bridge are not listed, because
#: they are dropped and recreated.
_DEPENDENTS: Final = """
    SELECT DISTINCT pg_describe_object(depend.classid, depend.objid, 0)
    FROM pg_depend AS depend
    LEFT JOIN pg_rewrite ON depend.classid = 'pg_rewrite'::regclass AND pg_rewrite.oid = depend.objid
    LEFT JOIN pg_class AS view ON view.oid = pg_rewrite.ev_class
    LEFT JOIN pg_constraint ON depend.classid = 'pg_constraint'::regclass AND pg_constraint.oid = depend.objid
    LEFT JOIN pg_index ON depend.classid = 'pg_class'::regclass AND pg_index.indexrelid = depend.objid
    LEFT JOIN pg_attrdef ON depend.classid = 'pg_attrdef'::regclass AND pg_attrdef.oid = depend.objid
    WHERE depend.refobjid = 'reminders'::regclass AND depend.refobjsubid = (
        SELECT attnum FROM pg_attribute WHERE attrelid = 'reminders'::regclass AND attname = :step
    ) AND (
        pg_index.indpred IS NOT NULL OR pg_index.indexprs IS NOT NULL OR pg_attrdef.adnum <> depend.refobjsubid OR
        pg_rewrite.oid IS NOT NULL AND view.relnamespace IS DISTINCT FROM to_regnamespace('booksync_legacy')
        OR pg_constraint.contype IN ('c', 'f', 'x')
        OR depend.classid IN ('pg_policy'::regclass, 'pg_trigger'::regclass)
    )
    ORDER BY 1
"""

_KEEP_TEXTS: Final = """
    CREATE TABLE migration_step_texts AS
    SELECT id AS reminder_id, step::text AS step FROM reminders WHERE step::smallint::text <> step;
    ALTER TABLE migration_step_texts ADD CONSTRAINT pk_migration_step_texts PRIMARY KEY (reminder_id)
"""
_RESTORED_TEXT: Final = """
    CREATE OR REPLACE FUNCTION booksync_step_text(reminder uuid, number smallint) RETURNS text
    LANGUAGE sql STABLE RETURN coalesce(
        (SELECT step FROM migration_step_texts WHERE reminder_id = reminder AND step::smallint = number), number::text
    )
"""


def missing_columns(table: str, found: set[str]) -> list[str]:
    """The missing columns of a legacy table that booksync can add."""
    return [column for column in FILLABLE[table] if column not in found]


def fillable_columns(table: str) -> list[str]:
    """The definitions of all columns that `missing_columns` may find missing in a table."""
    return [f"{column} {definition}" for column, definition in FILLABLE[table].items()]


def step_problems(connection: Connection, *, step: str = "step", invoice_id: str = "invoice_id") -> Iterator[str]:
    """The reasons why a text column `reminders.step` cannot become a number.

    Before its adoption a table may have other names for the two columns, such as "invoiceId".
    """
    quote = connection.dialect.identifier_preparer.quote
    quoted = {"step": quote(step), "invoice_id": quote(invoice_id)}
    name = f"reminders.{step}"
    if count := connection.scalar(sa.text(_NO_NUMBERS.format(**quoted))):
        yield (
            f"{name} is text, and {count} {'row holds' if count == 1 else 'rows hold'} no whole number from"
            " -32768 to 32767: correct them"
        )
    elif count := connection.scalar(sa.text(_DOUBLED.format(**quoted))):
        yield (
            f"{name} is text, and as numbers {count} keys ({invoice_id}, {step}) are there more than once:"
            " leave one row each"
        )
    for dependent in connection.scalars(sa.text(_DEPENDENTS), {"step": step}):
        yield f"{name} is text, and {dependent} depends on that: drop it first, and create it again afterwards"


def is_step_text(connection: Raw) -> bool:
    """Whether the older application stores the reminder's step as text."""
    found = connection.execute("""
        SELECT FROM pg_attribute WHERE attrelid = 'reminders'::regclass AND attname = 'step'
            AND NOT attisdropped AND atttypid IN ('text'::regtype, 'varchar'::regtype)
    """)
    return found.fetchone() is not None


def step_to_number(connection: Raw) -> None:
    """Turn `reminders.step` into a number if it is text. The table is rewritten in one transaction.

    Raises:
        MigrationRefusedError: a row written since the last check holds a text that is not a whole number.
    """
    if not is_step_text(connection):
        return
    found = connection.execute("""
        SELECT format_type(atttypid, atttypmod), pg_get_expr(adbin, adrelid)
        FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE attrelid = 'reminders'::regclass AND attname = 'step'
    """).fetchone()
    assert found is not None
    kind, default = found
    new_default = f", ALTER COLUMN step SET DEFAULT ({default})::text::smallint" if default else ""

    def turn() -> None:
        with connection.transaction():
            _allow_a_rewrite(connection)
            connection.execute(_KEEP_TEXTS, prepare=False)
            connection.execute(
                f"""
                {bridge.taken_down(connection)}
                ALTER TABLE reminders ALTER COLUMN step DROP DEFAULT,
                    ALTER COLUMN step TYPE smallint USING step::smallint {new_default};
                {bridge.rebuilt(connection)}
            """,
                prepare=False,
            )
            bridge.share(connection, list(bridge.noted(connection)))
            note(connection, _STEP, {"type": kind, "default": default})

    try:
        patiently(turn)
    except (InvalidTextRepresentation, NumericValueOutOfRange):
        raise MigrationRefusedError(
            "reminders.step is text, and a row holds no whole number from -32768 to 32767: correct it"
        ) from None


def step_to_text(connection: Raw) -> None:
    """Undo `step_to_number`: restore every text of `reminders.step`."""
    detail = detail_of(connection, _STEP)
    if detail is None:
        return
    kind, default = detail["type"], detail["default"]
    old_default = f", ALTER COLUMN step SET DEFAULT {default}" if default else ""

    def turn() -> None:
        with connection.transaction():
            _allow_a_rewrite(connection)
            # The texts are restored by a function, because an UPDATE would fire the older application's own triggers.
            connection.execute(_RESTORED_TEXT)
            connection.execute(
                f"""
                {bridge.taken_down(connection)}
                ALTER TABLE reminders ALTER COLUMN step DROP DEFAULT,
                    ALTER COLUMN step TYPE {kind} USING booksync_step_text(id, step) {old_default};
                {bridge.rebuilt(connection)}
            """,
                prepare=False,
            )
            connection.execute("DROP FUNCTION booksync_step_text(uuid, smallint)")
            connection.execute("DROP TABLE migration_step_texts")
            bridge.share(connection, list(bridge.noted(connection)))
            forget(connection, _STEP)

    patiently(turn)


def _allow_a_rewrite(connection: Raw) -> None:
    connection.execute("SET LOCAL statement_timeout = '4h'")
    connection.execute("LOCK TABLE reminders IN ACCESS EXCLUSIVE MODE")
