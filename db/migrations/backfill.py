"""The backfill: customers out of the copies that invoices hold, links to them, and a receipt of every copy (FR-3).

Safe while both applications write: a row that one of them changes meanwhile is linked and accounted for by the
triggers. Each step can be repeated; what is done already is passed over.
"""

import uuid
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from db.migrations.batches import over_keys, over_rows
from db.migrations.errors import MigrationError
from db.migrations.receipts import unaccounted
from db.migrations.steps import Raw, at_length, build_index, drop_index, patiently, planning_without

#: It serves the backfill alone, and is gone with its end.
NEWEST_COPY_INDEX: Final = "ix_invoices_cache_newest_copy"
_NEWEST_FIRST: Final = "updated_at DESC NULLS LAST, zoho_last_modified_at DESC NULLS LAST, id"
_FIRST_POSITION: Final = [str(uuid.UUID(int=0)), ""]
_CUSTOMERS_A_BATCH: Final = 200
_ROUNDS: Final = 3


def backfill(connection: Raw) -> None:
    """Link and account for every invoice and reminder.

    Raises:
        MigrationError: rows stay unaccounted for, however often they are gone through.
    """
    for attempt in range(_ROUNDS):
        _make_all_customers(connection)
        link = partial(_link_invoices, connection, thorough=attempt > 0)
        over_rows(connection, "invoices", "invoices_cache", link)
        over_rows(connection, "reminders", "reminders", partial(link_reminders, connection))
        # Rows can slip through where somebody switched the triggers off.
        if not (left := unaccounted(connection)):
            return
    raise MigrationError(f"{left} invoices could not be accounted for: somebody writes past the triggers")


def _make_all_customers(connection: Raw) -> None:
    build_index(
        connection, NEWEST_COPY_INDEX, f"invoices_cache (user_id, (booksync_trim(zoho_customer_id)), {_NEWEST_FIRST})"
    )
    # Where the statistics do not know the new index yet, every batch would sort the whole table.
    with planning_without(connection, "sort", "incremental_sort", "bitmapscan"):
        over_keys(connection, "customers", partial(_make_customers, connection))
    drop_index(connection, NEWEST_COPY_INDEX)
    at_length(connection, "ANALYZE customers_cache")


# The newest copy of each customer. In the order of the index, so that a batch reads only its own part of it.
_MAKE_CUSTOMERS: Final = f"""
    WITH newest AS (
        SELECT DISTINCT ON (user_id, booksync_trim(zoho_customer_id))
            id AS invoice_id, user_id, booksync_trim(zoho_customer_id) AS zoho_id,
            customer_name AS name, customer_phone AS phone, customer_country_code AS country, customer_timezone AS zone
        FROM invoices_cache
        WHERE (user_id, booksync_trim(zoho_customer_id)) > (%(user)s, %(zoho_id)s)
        ORDER BY user_id, booksync_trim(zoho_customer_id), {_NEWEST_FIRST}
        LIMIT {_CUSTOMERS_A_BATCH}
    ), made AS (
        INSERT INTO customers_cache (
            user_id, zoho_customer_id, customer_name, primary_phone, phone_problem, country_code, time_zone
        )
        SELECT
            user_id, zoho_id, coalesce(name, ''), booksync_phone(phone),
            CASE WHEN booksync_phone(phone) !~ '^\\+[1-9][0-9]{{6,14}}$' THEN 'unknown_region' END,
            booksync_country(country), booksync_zone(zone)
        FROM newest
        WHERE booksync_quarantine_reason(user_id, zoho_id) IS NULL
        ORDER BY user_id, zoho_id
        ON CONFLICT (user_id, zoho_customer_id) DO NOTHING
        RETURNING *
    ), linked AS (
        UPDATE invoices_cache AS invoice SET customer_id = made.id
        FROM made JOIN newest ON (newest.user_id, newest.zoho_id) = (made.user_id, made.zoho_customer_id)
        WHERE invoice.id = newest.invoice_id
        RETURNING
            invoice.*, made.customer_name AS its_name, made.primary_phone, made.country_code, made.time_zone
    ), accounted AS (
        INSERT INTO migration_receipt (
            table_name, row_id, user_id, customer_id, outcome, won_by, made_customer, recorded_by,
            legacy, merged, unfit
        )
        SELECT
            'invoices_cache', id, user_id, customer_id, 'moved', id, true, 'backfill',
            booksync_copy(customer_name, customer_phone, customer_country_code, customer_timezone),
            booksync_merged(
                customer_name, customer_phone, customer_country_code, customer_timezone,
                its_name, primary_phone, country_code, time_zone
            ),
            booksync_unfit(customer_country_code, customer_timezone)
        FROM linked
    )
    SELECT
        (SELECT count(*) FROM linked),
        (SELECT jsonb_build_array(user_id, zoho_id) FROM newest ORDER BY user_id DESC, zoho_id DESC LIMIT 1)
"""  # noqa: S608 - made of constants


def _make_customers(connection: Raw, position: Any) -> tuple[int, Any]:
    user, zoho_id = position or _FIRST_POSITION
    row = connection.execute(_MAKE_CUSTOMERS, {"user": uuid.UUID(user), "zoho_id": zoho_id}).fetchone()
    assert row is not None
    return row[0], row[1]


_LINK_INVOICES: Final = """
    WITH linked AS (
        UPDATE invoices_cache AS invoice SET customer_id = customer.id
        FROM customers_cache AS customer
        WHERE invoice.id = ANY(%(ids)s)
            AND invoice.customer_id IS NULL
            AND customer.user_id = invoice.user_id
            AND customer.zoho_customer_id = booksync_trim(invoice.zoho_customer_id)
        RETURNING
            invoice.*, customer.customer_name AS its_name, customer.primary_phone, customer.country_code,
            customer.time_zone
    ), compared AS (
        SELECT *, booksync_merged(
            customer_name, customer_phone, customer_country_code, customer_timezone,
            its_name, primary_phone, country_code, time_zone
        ) AS lost
        FROM linked
    )
    INSERT INTO migration_receipt (
        table_name, row_id, user_id, customer_id, outcome, won_by, recorded_by, legacy, merged, unfit
    )
    SELECT
        'invoices_cache', id, user_id, customer_id, CASE WHEN lost = '{}' THEN 'moved' ELSE 'merged' END,
        (
            SELECT winner.row_id FROM migration_receipt AS winner
            WHERE winner.customer_id = compared.customer_id AND winner.made_customer ORDER BY winner.id LIMIT 1
        ),
        'backfill',
        booksync_copy(customer_name, customer_phone, customer_country_code, customer_timezone),
        lost, booksync_unfit(customer_country_code, customer_timezone)
    FROM compared
"""

# Rows without a customer, and if thorough any that have one but lack their receipt. Locked, so that the receipt tells
# the row's last word.
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
        customer.customer_name, customer.primary_phone, customer.country_code, customer.time_zone
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
    """Give reminders the customers of their invoices, which may have changed since they were linked."""
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
    """Link what can be linked since the backfill went by: invoices of a user who was unknown then."""
    patiently(lambda: _link_late(connection))


def _link_late(connection: Raw) -> None:
    with connection.transaction():
        late = connection.execute(f"""
            SELECT id, booksync_customer_of_copy(
                user_id, zoho_customer_id, customer_name, customer_phone, customer_country_code, customer_timezone
            )
            FROM (
                SELECT DISTINCT ON (user_id, booksync_trim(zoho_customer_id)) * FROM invoices_cache
                WHERE customer_id IS NULL AND booksync_quarantine_reason(user_id, zoho_customer_id) IS NULL
                ORDER BY user_id, booksync_trim(zoho_customer_id), {_NEWEST_FIRST}
            ) AS newest_copy
        """).fetchall()  # noqa: S608 - made of constants
        if late:
            rows = connection.execute(
                "SELECT id FROM invoices_cache"
                " WHERE customer_id IS NULL AND booksync_quarantine_reason(user_id, zoho_customer_id) IS NULL"
            )
            _link_invoices(connection, [row[0] for row in rows], thorough=False)
