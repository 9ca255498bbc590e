"""The backfill: it makes customers out of the copies in invoices, and links the invoices to them (FR-3: customer_id).

The backfill also records a receipt of every copy. It is safe while both applications write: if an application changes a
row during the backfill, the triggers link the row and record its receipt. Each step can be repeated, and skips the rows
that are already done.
"""

import uuid
from collections.abc import Sequence
from functools import partial
from typing import Final

from db.legacy.copied_customers import make_all_customers
from db.legacy.customer_phones import judge_phones
from db.legacy.phone_rule import phone_rule
from db.legacy.receipts import unaccounted
from db.migrations.batches import over_rows
from db.migrations.errors import MigrationError
from db.migrations.steps import Raw

_ROUNDS: Final = 3


def backfill(connection: Raw) -> None:
    """Link every invoice and every reminder to its customer, and record a receipt of each.

    Raises:
        MigrationError: rows still lack a receipt after several passes.
    """
    for attempt in range(_ROUNDS):
        make_all_customers(connection)
        link = partial(_link_invoices, connection, thorough=attempt > 0)
        over_rows(connection, "invoices", "invoices_cache", link)
        over_rows(connection, "reminders", "reminders", partial(link_reminders, connection))
        # A further pass finds the rows that were missed because the triggers were switched off.
        if not (left := unaccounted(connection)):
            judge_phones(connection, phone_rule())
            return
    raise MigrationError(f"{left} invoices have no receipt: another program writes to the table without the triggers")


_LINK_INVOICES: Final = """
    WITH linked AS (
        UPDATE invoices_cache AS invoice SET customer_id = customer.id
        FROM customers_cache AS customer
        WHERE invoice.id = ANY(%(ids)s)
            AND invoice.customer_id IS NULL
            AND customer.user_id = invoice.user_id
            AND customer.zoho_customer_id = booksync_zoho_id(invoice.zoho_customer_id)
        RETURNING invoice.*, booksync_merged(
            invoice.customer_name, invoice.customer_phone, customer_country_code, customer_timezone, customer
        ) AS lost
    )
    INSERT INTO migration_receipt (
        table_name, row_id, user_id, customer_id, outcome, won_by, winners, recorded_by, legacy, merged, unfit
    )
    SELECT
        'invoices_cache', id, linked.user_id, linked.customer_id,
        CASE WHEN lost = '{}' THEN 'moved' ELSE 'merged' END, maker.row_id, coalesce(maker.winners, '{}'), 'backfill',
        booksync_copy(customer_name, customer_phone, customer_country_code, customer_timezone),
        lost, booksync_unfit(customer_country_code, customer_timezone)
    FROM linked
    LEFT JOIN LATERAL (
        SELECT receipt.row_id, receipt.winners FROM migration_receipt AS receipt
        WHERE receipt.customer_id = linked.customer_id AND receipt.made_customer ORDER BY receipt.id LIMIT 1
    ) AS maker ON true
"""

# Selects rows without a customer; if thorough, also rows with a customer but without a receipt. The rows are locked, so
# that no other session changes a row before its receipt is written.
_ACCOUNT_FOR_THE_REST: Final = """
    INSERT INTO migration_receipt (
        table_name, row_id, user_id, customer_id, outcome, reason, recorded_by, legacy, merged, unfit
    )
    SELECT
        'invoices_cache', invoice.id, invoice.user_id, invoice.customer_id,
        CASE WHEN invoice.customer_id IS NULL THEN 'quarantined' WHEN lost = '{}' THEN 'moved' ELSE 'merged' END,
        CASE WHEN invoice.customer_id IS NULL
            THEN booksync_quarantine_reason(invoice.user_id, invoice.zoho_customer_id) END,
        'backfill', copy,
        CASE WHEN invoice.customer_id IS NULL THEN '{}' ELSE lost END,
        CASE WHEN invoice.customer_id IS NULL THEN '{}'
            ELSE booksync_unfit(invoice.customer_country_code, invoice.customer_timezone) END
    FROM invoices_cache AS invoice
    LEFT JOIN customers_cache AS customer ON customer.id = invoice.customer_id
    LEFT JOIN LATERAL (
        SELECT receipt.legacy, receipt.customer_id FROM migration_receipt AS receipt
        WHERE receipt.row_id = invoice.id AND receipt.table_name = 'invoices_cache' AND NOT receipt.is_moved_out
        ORDER BY receipt.id DESC LIMIT 1
    ) AS last ON true
    CROSS JOIN LATERAL booksync_copy(
        invoice.customer_name, invoice.customer_phone, invoice.customer_country_code, invoice.customer_timezone
    ) AS copy
    CROSS JOIN LATERAL booksync_merged(
        invoice.customer_name, invoice.customer_phone, invoice.customer_country_code, invoice.customer_timezone,
        customer
    ) AS lost
    WHERE invoice.id = ANY(%(ids)s)
        AND (%(thorough)s OR invoice.customer_id IS NULL)
        AND (last.legacy IS DISTINCT FROM copy OR last.customer_id IS DISTINCT FROM invoice.customer_id)
        AND (
            invoice.customer_id IS NOT NULL
            OR booksync_quarantine_reason(invoice.user_id, invoice.zoho_customer_id) IS NOT NULL
        )
    FOR NO KEY UPDATE OF invoice
"""


def _link_invoices(connection: Raw, ids: Sequence[uuid.UUID], *, thorough: bool) -> None:
    connection.execute(_LINK_INVOICES, {"ids": ids})
    connection.execute(_ACCOUNT_FOR_THE_REST, {"ids": ids, "thorough": thorough})


def link_reminders(connection: Raw, ids: Sequence[uuid.UUID]) -> None:
    """Give these reminders the customer of their invoice, wherever the two customers differ.

    The function may be called again, because an invoice may be given another customer after its reminders were linked.
    """
    connection.execute(
        """
        UPDATE reminders AS reminder SET customer_id = invoice.customer_id
        FROM invoices_cache AS invoice
        WHERE reminder.id = ANY(%(ids)s)
            AND invoice.id = reminder.invoice_id
            AND reminder.customer_id IS DISTINCT FROM invoice.customer_id
        """,
        {"ids": ids},
    )


def link_late_invoices(connection: Raw) -> None:
    """Link invoices that could not be linked in the backfill, because their user was unknown then.

    The customers that the triggers have created since the backfill get the verdicts on their phones, too.
    """
    late = "WHERE customer_id IS NULL AND booksync_quarantine_reason(user_id, zoho_customer_id) IS NULL"
    if connection.execute(f"SELECT FROM invoices_cache {late} LIMIT 1").fetchone() is not None:
        make_all_customers(connection)
    link = partial(_link_invoices, connection, thorough=False)
    over_rows(connection, "late invoices", "invoices_cache", link, where_null="customer_id")
    judge_phones(connection, phone_rule())
