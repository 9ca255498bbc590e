"""Moves legacy rows that cannot have a customer from their tables into migration_receipt, and restores them."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from psycopg import sql
from psycopg.errors import ForeignKeyViolation

from db.migrations.batches import BATCH, over_keys, over_rows
from db.migrations.errors import MigrationRefusedError
from db.migrations.steps import Raw

#: The tables whose rows are moved. Invoices come before their reminders, because they are restored in this order.
_TABLES: Final = ("invoices_cache", "reminders")

_MOVE_OUT: Final[dict[str, str]] = {
    "reminders": """
        WITH gone AS (
            DELETE FROM reminders WHERE id = ANY(%(ids)s) AND customer_id IS NULL RETURNING *
        )
        INSERT INTO migration_receipt (
            table_name, row_id, user_id, outcome, reason, recorded_by, legacy, is_moved_out
        )
        SELECT
            'reminders', gone.id, gone.user_id, 'quarantined',
            CASE WHEN invoice.id IS NULL THEN 'unknown invoice' ELSE 'quarantined invoice' END,
            'phase3', to_jsonb(gone), true
        FROM gone LEFT JOIN invoices_cache AS invoice ON invoice.id = gone.invoice_id
    """,
    "invoices_cache": """
        WITH gone AS (
            DELETE FROM invoices_cache WHERE id = ANY(%(ids)s) AND customer_id IS NULL RETURNING *
        )
        INSERT INTO migration_receipt (
            table_name, row_id, user_id, outcome, reason, recorded_by, legacy, is_moved_out
        )
        SELECT
            'invoices_cache', id, user_id, 'quarantined', booksync_quarantine_reason(user_id, zoho_customer_id),
            'phase3', to_jsonb(gone), true
        FROM gone
    """,
}


def move_out(connection: Raw) -> None:
    """Move every row without a customer out of the legacy tables, into receipts.

    Raises:
        MigrationRefusedError: another table of the host application refers to such a row, or a reminder of such an
            invoice was sent.
    """
    _refuse_rows_that_others_need(connection)
    _refuse_what_was_sent(connection)
    for table in reversed(_TABLES):
        statement = _MOVE_OUT[table]

        def move(ids: Sequence[uuid.UUID], statement: str = statement) -> None:
            connection.execute(statement, {"ids": ids})

        over_rows(connection, f"{table}: move out", table, move, where_null="customer_id")


def _refuse_rows_that_others_need(connection: Raw) -> None:
    # Finds rows of the host application that refer to such a row: they would be deleted (ON DELETE CASCADE) or prevent
    # the move.
    ties = connection.execute("""
        SELECT conrelid::regclass::text, a.attname, confrelid::regclass::text, key.attname
        FROM pg_constraint JOIN pg_attribute AS a ON a.attrelid = conrelid AND a.attnum = conkey[1]
            JOIN pg_attribute AS key ON key.attrelid = confrelid AND key.attnum = confkey[1]
        WHERE contype = 'f' AND confrelid IN ('invoices_cache'::regclass, 'reminders'::regclass)
            AND conrelid NOT IN ('invoices_cache'::regclass, 'reminders'::regclass) AND cardinality(conkey) = 1
    """).fetchall()
    for table, column, target, key in ties:
        tied = sql.SQL(
            "SELECT count(*) FROM {} AS other JOIN {} AS ours ON ours.{} = other.{} WHERE ours.customer_id IS NULL"
        ).format(_table(table), _table(target), sql.Identifier(key), sql.Identifier(column))
        row = connection.execute(tied).fetchone()
        if row and row[0]:
            raise MigrationRefusedError(
                f"Phase 3 has to wait: {row[0]} rows of {table} refer to rows of {target} that have no customer and"
                " would be moved out; give these rows a zoho_customer_id, or remove the references"
            )


def _refuse_what_was_sent(connection: Raw) -> None:
    # Refused, because the next sync creates such an invoice again and does not know that its reminder was sent. (Not
    # for an unknown user.)
    row = connection.execute("""
        SELECT count(DISTINCT invoice.id) FROM invoices_cache AS invoice
        JOIN reminders AS reminder ON reminder.invoice_id = invoice.id
        JOIN users ON users.id = invoice.user_id
        WHERE invoice.customer_id IS NULL AND reminder.status NOT IN ('scheduled', 'cancelled', 'superseded')
    """).fetchone()
    if row and row[0]:
        raise MigrationRefusedError(
            f"Phase 3 has to wait: reminders of {row[0]} {'invoice' if row[0] == 1 else 'invoices'} without a customer"
            " were sent, and would be sent once more after the next sync: run `booksync sync CONNECTION --full` first,"
            " which links them, or give them their zoho_customer_id"
        )


def bring_back(connection: Raw) -> None:
    """Restore the moved rows unchanged. A row stays in its receipt if another row has the same key by now."""
    for table in _TABLES:
        insert = _insert(connection, table)

        def next_batch(after: Any, table: str = table, insert: sql.Composed = insert) -> tuple[int, Any]:
            ids = [row[0] for row in connection.execute(_MOVED_OUT, [table, after or 0, BATCH])]
            if ids:
                _bring(connection, insert, ids)
            return len(ids), ids[-1] if ids else None

        over_keys(connection, f"{table}: bring back", next_batch)


_MOVED_OUT: Final = """
    SELECT id FROM migration_receipt
    WHERE is_moved_out AND table_name = %s AND id > %s ORDER BY id LIMIT %s
"""


def _insert(connection: Raw, table: str) -> sql.Composed:
    columns = connection.execute(
        """
        SELECT attname FROM pg_attribute
        WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
        """,
        [table],
    )
    names = [sql.Identifier(name) for (name,) in columns]
    return sql.SQL("""
        WITH back AS (
            INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE
            SELECT {values} FROM migration_receipt AS receipt
            CROSS JOIN LATERAL jsonb_populate_record(NULL::{table}, receipt.legacy) AS moved
            WHERE receipt.id = ANY(%(ids)s) AND {fits}
            ON CONFLICT DO NOTHING RETURNING id
        )
        DELETE FROM migration_receipt AS receipt USING back
        WHERE receipt.id = ANY(%(ids)s) AND receipt.row_id = back.id
    """).format(
        table=sql.Identifier(table),
        names=sql.SQL(", ").join(names),
        values=sql.SQL(", ").join(sql.SQL("moved.{}").format(name) for name in names),
        fits=sql.SQL(_FITS[table]),
    )


#: Which rows are restored: every invoice, and a reminder if its invoice is in the table or was never known.
_FITS: Final[dict[str, str]] = {
    "invoices_cache": "true",
    "reminders": """(
        receipt.reason = 'unknown invoice'
        OR EXISTS (SELECT FROM invoices_cache AS invoice WHERE invoice.id = moved.invoice_id)
    )""",
}


def _bring(connection: Raw, insert: sql.Composed, ids: Sequence[int]) -> None:
    try:
        with connection.transaction():
            connection.execute(insert, {"ids": ids})
    except ForeignKeyViolation as error:
        # The constraint is not checked for old rows: the user (or invoice) did not exist when the row was moved out, or
        # was deleted since. The tables had such rows before, and get them back. The constraint still holds for new
        # rows.
        table, name = error.diag.table_name, error.diag.constraint_name
        assert table is not None
        assert name is not None
        rule = connection.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = to_regclass(%s) AND conname = %s",
            [table, name],
        ).fetchone()
        assert rule is not None
        target = {"table": _table(table), "name": sql.Identifier(name)}
        connection.execute(sql.SQL("ALTER TABLE {table} DROP CONSTRAINT {name}").format(**target))
        _bring(connection, insert, ids)
        kept = rule[0].removesuffix(" NOT VALID")
        connection.execute(
            sql.SQL("ALTER TABLE {table} ADD CONSTRAINT {name} {rule} NOT VALID").format(**target, rule=sql.SQL(kept))
        )


def _table(name: str) -> sql.Composable:
    """A table found by its `regclass` name, which is quoted where necessary."""
    return sql.SQL(name)
