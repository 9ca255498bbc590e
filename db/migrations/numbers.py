"""The schema for valid numbers that are not callable, for countries, and for truth checks.

Two revisions apply this schema, one at the end of phase 2, one at the end of phase 3. The module `handover` gives the
reason. Every statement can be repeated.
"""

from typing import Final

from db.migrations.additions import add_columns, build_index, drop_columns, drop_index
from db.migrations.errors import MigrationRefusedError
from db.migrations.schemas import with_user_id_type
from db.migrations.scripts import SQL
from db.migrations.steps import Raw, at_length, briefly

_COLUMNS: Final = {
    "zoho_connections": (
        "truth_checked_at timestamptz",
        "truth_check jsonb",
    ),
    "customers_cache": (
        "country_unknown text",
        "phone_not_callable text",
        "truth_checked_at timestamptz",
    ),
    "invoices_cache": ("truth_checked_at timestamptz",),
}

_TABLES: Final = """
    CREATE TABLE IF NOT EXISTS phone_confirmations (
        customer_id uuid NOT NULL REFERENCES customers_cache (id) ON DELETE CASCADE,
        phone_text text NOT NULL,
        phone text NOT NULL,
        note text NOT NULL,
        confirmed_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_phone_confirmations PRIMARY KEY (customer_id, phone_text)
    )
"""

_INDEXES: Final = {
    "ix_customers_cache_country_unknown": "customers_cache (connection_id) WHERE country_unknown IS NOT NULL",
    # The index covers only numbers in E.164, because other texts may be too long for an index.
    "ix_customers_cache_valid_phone": "customers_cache (user_id, primary_phone) WHERE phone_problem IS NULL",
}

#: Fills the column phone_not_callable of customers made from copies, who were judged before the column existed.
_FILL: Final = """
    UPDATE customers_cache SET phone_not_callable = phone_verdict ->> 'not_callable'
    WHERE phone_not_callable IS NULL AND observed_at IS NULL AND phone_verdict ->> 'not_callable' IS NOT NULL
"""

#: An earlier release stored no country where it did not recognise Zoho's text, and Russia for Nigeria's "NGA". The
#: contacts with such countries are requested again, because they may not change for a long time. Only verdicts of
#: earlier releases lack `doubts`.
_ASK_AGAIN: Final = """
    UPDATE customers_cache AS customer SET asked_version = NULL
    WHERE asked_version IS NOT NULL AND NOT phone_verdict ? 'doubts' AND position('+' IN phone_verdict ->> 'raw') = 0
        AND (
            country_code IS NULL AND country_unknown IS NULL
            OR country_code = 'RU' AND NOT EXISTS (
                SELECT FROM zoho_connections AS home
                WHERE home.id = customer.connection_id AND home.country_code = 'RU'
            )
        )
"""

_FUNCTION_END: Final = "DROP FUNCTION IF EXISTS booksync_is_shared({{user_id}}, text, integer);"

#: A table of this name without booksync's columns belongs to another application.
_FOREIGN: Final = """
    SELECT WHERE to_regclass('phone_confirmations') IS NOT NULL
        AND NOT '{customer_id,phone_text,phone,note,confirmed_at}'::text[] <@ ARRAY(
            SELECT attname::text FROM pg_attribute
            WHERE attrelid = to_regclass('phone_confirmations') AND attnum > 0 AND NOT attisdropped
        )
"""

#: This query returns a row if `add` has begun to change the schema.
BEGUN: Final = "SELECT WHERE to_regclass('phone_confirmations') IS NOT NULL"


def add(connection: Raw) -> None:
    """Add the columns, tables and functions of this schema, where they are missing; `handover.add` must run first.

    Raises:
        MigrationRefusedError: another application has a table of the same name.
    """
    if _is_foreign(connection):
        raise MigrationRefusedError(
            "The table phone_confirmations is there, but it is not booksync's: rename it, or put it in another schema"
        )
    briefly(connection, _TABLES)
    for table, columns in _COLUMNS.items():
        add_columns(connection, table, columns)
    fill_verdicts(connection)
    at_length(connection, _ASK_AGAIN)
    for name, definition in _INDEXES.items():
        build_index(connection, name, definition)
    briefly(connection, with_user_id_type(connection, (SQL / "0011_number_checks.sql").read_text()))


def fill_verdicts(connection: Raw) -> None:
    """Copy the reason why a number is not callable from the verdict to a column, for customers made from the copies.

    The end of phase 3 repeats this for the customers that the triggers have created since `add`.
    """
    at_length(connection, _FILL)


def remove(connection: Raw) -> None:
    """Remove what `add` made, and restore the previous functions."""
    former = (SQL / "0010_reminder_functions.sql").read_text() + _FUNCTION_END
    briefly(connection, with_user_id_type(connection, former))
    for name in _INDEXES:
        drop_index(connection, name)
    for table, columns in _COLUMNS.items():
        drop_columns(connection, table, columns)
    if not _is_foreign(connection):
        briefly(connection, "DROP TABLE IF EXISTS phone_confirmations")


def _is_foreign(connection: Raw) -> bool:
    return connection.execute(_FOREIGN).fetchone() is not None
