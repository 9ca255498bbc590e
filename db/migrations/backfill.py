"""The backfill: customers out of the copies that invoices hold, links to them, and a receipt of every copy (FR-3).

Safe while both applications write: a row that one of them changes meanwhile is linked and accounted for by the
triggers. Each step can be repeated; what is done already is passed over.
"""

import uuid
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from db.migrations.batches import over_keys, over_rows
from db.migrations.customer_phones import judge_phones
from db.migrations.errors import MigrationError
from db.migrations.receipts import unaccounted
from db.migrations.steps import Raw, at_length, build_index, drop_index, planning_without
from db.migrations.vocabulary import LONGEST_ID

#: It serves the backfill alone, and is gone with its end.
NEWEST_COPY_INDEX: Final = "ix_invoices_cache_newest_copy"
_NEWEST_FIRST: Final = "updated_at DESC NULLS LAST, zoho_last_modified_at DESC NULLS LAST, id"
#: As customers have it; what is too long is cut, so that an index takes it, and still too long.
_ZOHO_ID: Final = f"left(booksync_trim(zoho_customer_id), {LONGEST_ID + 1})"
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
            # Last: a copy is compared with the number as it was written.
            judge_phones(connection)
            return
    raise MigrationError(f"{left} invoices could not be accounted for: somebody writes past the triggers")


def _make_all_customers(connection: Raw) -> None:
    build_index(connection, NEWEST_COPY_INDEX, f"invoices_cache (user_id, ({_ZOHO_ID}), {_NEWEST_FIRST})")
    # Where the statistics do not know the new index yet, every batch would sort the whole table.
    with planning_without(connection, "sort", "incremental_sort", "bitmapscan"):
        over_keys(connection, "customers", partial(_make_customers, connection))
    drop_index(connection, NEWEST_COPY_INDEX)
    at_length(connection, "ANALYZE customers_cache")


def _newest(column: str, holds: str) -> str:
    """Of a customer's copies the newest value that a customer can hold, as `holds` tells of it, and whose it is."""
    return f"""
        SELECT id, {column} AS value FROM invoices_cache AS copy
        WHERE (user_id, {_ZOHO_ID}) = (newest.user_id, newest.zoho_id) AND {holds.format(f"copy.{column}")}
        ORDER BY user_id, {_ZOHO_ID}, {_NEWEST_FIRST} LIMIT 1
    """  # noqa: S608 - made of constants


# Each customer's newest copy, and for each of its columns the newest copy that holds something. In the order of the
# index, so that a batch reads only its own part of it.
_MAKE_CUSTOMERS: Final = f"""
    WITH newest AS (
        SELECT DISTINCT ON (user_id, {_ZOHO_ID}) id AS invoice_id, user_id, {_ZOHO_ID} AS zoho_id
        FROM invoices_cache
        WHERE (user_id, {_ZOHO_ID}) > (%(user)s, %(zoho_id)s)
        ORDER BY user_id, {_ZOHO_ID}, {_NEWEST_FIRST}
        LIMIT {_CUSTOMERS_A_BATCH}
    ), chosen AS (
        SELECT
            newest.*, name.value AS name, phone.value AS phone, country.value AS country, zone.value AS zone,
            jsonb_strip_nulls(jsonb_build_object(
                'customer_name', nullif(name.id, invoice_id), 'customer_phone', nullif(phone.id, invoice_id),
                'customer_country_code', nullif(country.id, invoice_id),
                'customer_timezone', nullif(zone.id, invoice_id)
            )) AS winners
        FROM newest
        LEFT JOIN LATERAL ({_newest("customer_name", "booksync_trim({}) <> ''")}) AS name ON true
        LEFT JOIN LATERAL ({_newest("customer_phone", "booksync_trim({}) <> ''")}) AS phone ON true
        LEFT JOIN LATERAL ({_newest("customer_country_code", "booksync_country({}) IS NOT NULL")}) AS country ON true
        LEFT JOIN LATERAL ({_newest("customer_timezone", "booksync_zone({}) IS NOT NULL")}) AS zone ON true
        WHERE booksync_quarantine_reason(newest.user_id, newest.zoho_id) IS NULL
    ), made AS (
        INSERT INTO customers_cache (
            user_id, zoho_customer_id, customer_name, primary_phone, phone_problem, country_code, time_zone
        )
        SELECT
            user_id, zoho_id, coalesce(name, ''), booksync_phone(phone),
            CASE WHEN booksync_phone(phone) !~ '^\\+[1-9][0-9]{{6,14}}$' THEN 'unknown_region' END,
            booksync_country(country), booksync_zone(zone)
        FROM chosen
        ORDER BY user_id, zoho_id
        ON CONFLICT (user_id, zoho_customer_id) DO NOTHING
        RETURNING *
    ), linked AS (
        UPDATE invoices_cache AS invoice SET customer_id = made.id
        FROM made JOIN chosen ON (chosen.user_id, chosen.zoho_id) = (made.user_id, made.zoho_customer_id)
        WHERE invoice.id = chosen.invoice_id
        RETURNING
            invoice.*, winners, booksync_merged(
                invoice.customer_name, invoice.customer_phone, customer_country_code, customer_timezone,
                made.customer_name, primary_phone, country_code, time_zone
            ) AS lost
    ), accounted AS (
        INSERT INTO migration_receipt (
            table_name, row_id, user_id, customer_id, outcome, won_by, winners, made_customer, recorded_by,
            legacy, merged, unfit
        )
        SELECT
            'invoices_cache', id, user_id, customer_id, CASE WHEN lost = '{{}}' THEN 'moved' ELSE 'merged' END,
            id, winners, true, 'backfill',
            booksync_copy(customer_name, customer_phone, customer_country_code, customer_timezone),
            lost, booksync_unfit(customer_country_code, customer_timezone)
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
        table_name, row_id, user_id, customer_id, outcome, won_by, winners, recorded_by, legacy, merged, unfit
    )
    SELECT
        'invoices_cache', id, compared.user_id, compared.customer_id,
        CASE WHEN lost = '{}' THEN 'moved' ELSE 'merged' END, maker.row_id, coalesce(maker.winners, '{}'), 'backfill',
        booksync_copy(customer_name, customer_phone, customer_country_code, customer_timezone),
        lost, booksync_unfit(customer_country_code, customer_timezone)
    FROM compared
    LEFT JOIN LATERAL (
        SELECT receipt.row_id, receipt.winners FROM migration_receipt AS receipt
        WHERE receipt.customer_id = compared.customer_id AND receipt.made_customer ORDER BY receipt.id LIMIT 1
    ) AS maker ON true
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
    """Link what can be linked since the backfill went by: invoices of a user who was unknown then.

    The phones of customers whom the triggers have made meanwhile are judged, too.
    """
    late = "WHERE customer_id IS NULL AND booksync_quarantine_reason(user_id, zoho_customer_id) IS NULL"
    if connection.execute(f"SELECT FROM invoices_cache {late} LIMIT 1").fetchone() is not None:
        _make_all_customers(connection)
    link = partial(_link_invoices, connection, thorough=False)
    over_rows(connection, "late invoices", "invoices_cache", link, where_null="customer_id")
    judge_phones(connection)
