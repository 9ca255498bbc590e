"""Rebuilds the old columns of invoices: from the receipt of a row if it has one, else from the row's customer."""

import uuid
from collections.abc import Sequence

from db.migrations.batches import over_rows
from db.migrations.steps import Raw


def rebuild_copies(connection: Raw) -> None:
    """Fill the invoices' old columns, and record receipts for values without one.

    A row regains the values that it had when the columns were dropped, unless its customer has changed since.
    """
    over_rows(connection, "old columns", "invoices_cache", lambda ids: _rebuild(connection, ids))


def _rebuild(connection: Raw, ids: Sequence[uuid.UUID]) -> None:
    connection.execute(
        """
        WITH rebuilt AS (
            SELECT
                invoice.id, invoice.user_id, invoice.customer_id,
                receipt.legacy IS NULL AS is_new,
                coalesce(receipt.legacy, booksync_copy(
                    customer.customer_name, customer.primary_phone, customer.country_code, customer.time_zone
                )) AS copy
            FROM invoices_cache AS invoice
            LEFT JOIN customers_cache AS customer ON customer.id = invoice.customer_id
            LEFT JOIN LATERAL (
                SELECT last.legacy, last.customer_id FROM migration_receipt AS last
                WHERE last.row_id = invoice.id AND last.table_name = 'invoices_cache' AND NOT last.is_moved_out
                ORDER BY last.id DESC LIMIT 1
            ) AS receipt ON receipt.customer_id = invoice.customer_id
            WHERE invoice.id = ANY(%(ids)s)
        ), filled AS (
            UPDATE invoices_cache AS invoice SET
                customer_name = copy ->> 'customer_name',
                customer_phone = copy ->> 'customer_phone',
                customer_country_code = copy ->> 'customer_country_code',
                customer_timezone = copy ->> 'customer_timezone'
            FROM rebuilt WHERE rebuilt.id = invoice.id
        )
        INSERT INTO migration_receipt (table_name, row_id, user_id, customer_id, outcome, recorded_by, legacy)
        SELECT 'invoices_cache', id, user_id, customer_id, 'moved', 'downgrade', copy FROM rebuilt WHERE is_new
        """,
        {"ids": ids},
    )
