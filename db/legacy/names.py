"""The names of all objects that the revisions create, and a search for other objects that already have such a name.

Objects of the older application are never dropped or replaced. A name that is taken is reported before anything is
changed.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from db.migrations.shared_tables import SHARED_TABLES, STATE_COLUMNS, state_column_taken

#: The names of booksync's own tables.
TABLES: Final = (
    "api_use",
    "customers_cache",
    "dead_letters",
    "do_not_call",
    "failed_records",
    "handover_outcomes",
    "held_deletions",
    "key_canary",
    "migration_added",
    "migration_progress",
    "migration_receipt",
    "migration_stamps",
    "migration_step_texts",
    "phone_confirmations",
    "reminder_contacts",
    "reminder_policies",
    "resyncs",
    "scheduler_marks",
    "seen_records",
    "set_aside_records",
    "skipped_invoices",
    "staged_contacts",
    "staged_persons",
    "sync_runs",
    "webhook_events",
    "zoho_connections",
)

#: Index → its definition without the name; a shared table may already have an equal index.
SHARED_INDEXES: Final[Mapping[str, str]] = {
    "ix_invoices_cache_connection_id": "invoices_cache (connection_id)",
    "ix_invoices_cache_customer_id": "invoices_cache (customer_id)",
    "ix_invoices_cache_newest_copy": "",
    "ix_invoices_cache_plan_at": "invoices_cache (connection_id, plan_at) WHERE plan_at IS NOT NULL",
    "ix_reminders_contact_id": "reminders (contact_id) WHERE contact_id IS NOT NULL",
    "ix_reminders_customer_id": "reminders (customer_id)",
    "ix_reminders_handover_id": "reminders (handover_id) WHERE handover_id IS NOT NULL",
    "ix_reminders_due": "reminders (scheduled_at) WHERE status = 'scheduled'",
    "ix_sync_metadata_user_id": "sync_metadata (user_id)",
    "uq_sync_metadata_connection_id": "",
}

OWN_INDEXES: Final = (
    *(f"pk_{table}" for table in TABLES),
    "ix_customers_cache_connection_id",
    "ix_customers_cache_country_unknown",
    "ix_customers_cache_valid_phone",
    "ix_dead_letters_open_last_died_at",
    "ix_dead_letters_retry_run_id",
    "ix_handover_outcomes_customer_id",
    "ix_handover_outcomes_invoice_id",
    "ix_migration_receipt_made_customer",
    "ix_migration_receipt_moved_out",
    "ix_migration_receipt_row_id",
    "ix_reminder_contacts_connection_id",
    "ix_reminder_contacts_post_at",
    "ix_reminder_contacts_user_id_phone_day",
    "ix_resyncs_sent",
    "ix_resyncs_waiting",
    "ix_skipped_invoices_connection_id_zoho_customer_id",
    "ix_staged_persons_run_id_zoho_customer_id",
    "ix_sync_runs_connection_id_started_at",
    "ix_sync_runs_sweep_at",
    "ix_webhook_events_connection_id_received_at",
    "uq_customers_cache_user_id_zoho_customer_id",
    "uq_dead_letters_open",
    "uq_set_aside_records_connection_id_kind_record_id_reason",
    "uq_skipped_invoices_connection_id_zoho_invoice_id",
    "uq_sync_runs_one_running",
    "uq_webhook_events_connection_id_entity_record_id_number",
    "uq_zoho_connections_user_id_organization_id",
)

#: The names of constraints on the shared tables.
CONSTRAINTS: Final = (
    "ck_invoices_cache_customer_id_required",
    "ck_reminders_customer_id_required",
    "ck_reminders_phone_required",
    "fk_invoices_cache_connection_id",
    "fk_invoices_cache_customer_id",
    "fk_reminders_contact_id",
    "fk_reminders_customer_id",
    "fk_reminders_handover_id",
    "fk_sync_metadata_connection_id",
    "uq_sync_metadata_connection_id",
)

FUNCTIONS: Final = (
    "booksync_account_invoice",
    "booksync_clock_problem",
    "booksync_copy",
    "booksync_country",
    "booksync_country_named",
    "booksync_customer_of_copy",
    "booksync_drop_reminders",
    "booksync_is_shared",
    "booksync_link_invoice",
    "booksync_link_reminder",
    "booksync_local_time",
    "booksync_merged",
    "booksync_no_id_reason",
    "booksync_phone",
    "booksync_quarantine_reason",
    "booksync_step_text",
    "booksync_trim",
    "booksync_unfit",
    "booksync_zoho_id",
    "booksync_zone",
    "claim_due_reminders",
    "due_reminders",
    "reminder_checks",
    "report_outcome",
)

TRIGGERS: Final = (
    "booksync_account_invoice",
    "booksync_account_new_invoice",
    "booksync_drop_reminders",
    "booksync_link_invoice",
    "booksync_link_reminder",
)

_RELATIONS: Final = """
    SELECT relation.relname, relation.relkind, pg_get_indexdef(relation.oid), owner.relname
    FROM pg_class AS relation
    LEFT JOIN pg_index AS index ON index.indexrelid = relation.oid
    LEFT JOIN pg_class AS owner ON owner.oid = index.indrelid
    WHERE relation.relnamespace = to_regnamespace(current_schema()) AND relation.relname = ANY(:names)
    ORDER BY 1
"""
_FUNCTIONS: Final = """
    SELECT DISTINCT proname FROM pg_proc
    WHERE pronamespace = to_regnamespace(current_schema()) AND proname = ANY(:names) ORDER BY 1
"""
_CONSTRAINTS: Final = """
    SELECT conname, relname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
    WHERE relnamespace = to_regnamespace(current_schema()) AND relname = ANY(:tables) AND conname = ANY(:names)
    ORDER BY 1
"""
_TRIGGERS: Final = """
    SELECT tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
    WHERE relnamespace = to_regnamespace(current_schema()) AND relname = ANY(:tables) AND tgname = ANY(:names)
    ORDER BY 1
"""
_COLUMNS: Final = """
    SELECT attname FROM pg_attribute
    WHERE attrelid = to_regclass(:table) AND attname = ANY(:names) AND attnum > 0 AND NOT attisdropped ORDER BY 1
"""

#: The columns by which a table migration_receipt is known to be booksync's. A downgrade keeps this table if it cannot
#: restore all rows.
_RECEIPT_COLUMNS: Final = {"row_id", "legacy", "is_moved_out"}

_WAY_OUT: Final = "rename it, or put it in another schema"


def taken(connection: Connection) -> Iterator[str]:
    """One sentence for each name that booksync needs and that another object has.

    The database must not have objects of booksync yet.
    """
    yield from _relations(connection)
    for (name,) in connection.execute(sa.text(_FUNCTIONS), {"names": list(FUNCTIONS)}):
        yield f"The function {name} is there, but it is not booksync's: {_WAY_OUT}"
    shared = list(SHARED_TABLES)
    for name, table in connection.execute(sa.text(_CONSTRAINTS), {"tables": shared, "names": list(CONSTRAINTS)}):
        yield f"The constraint {name} of {table} is there, but it is not booksync's: rename it"
    for name, table in connection.execute(sa.text(_TRIGGERS), {"tables": shared, "names": list(TRIGGERS)}):
        yield f"The trigger {name} of {table} is there, but it is not booksync's: rename it"
    for table, columns in STATE_COLUMNS.items():
        for (column,) in connection.execute(sa.text(_COLUMNS), {"table": table, "names": list(columns)}):
            yield state_column_taken(table, column)


def shareable_columns(table: str) -> list[sa.Column[Any]]:
    """Columns that both applications may use: facts from Zoho, and their hash. Each call returns new objects.

    booksync treats the older application's values as its own earlier values, and replaces them with Zoho's.
    """
    if table == "invoices_cache":
        return [
            sa.Column("sync_hash", sa.Text, server_default="", nullable=False),
            sa.Column("expected_payment_date", sa.Date),
            sa.Column("ach_payment_initiated", sa.Boolean),
            sa.Column("unprocessed_payment", sa.Numeric),
            sa.Column("sub_status", sa.Text),
            sa.Column("payment_reminder_enabled", sa.Boolean),
        ]
    if table == "sync_metadata":
        return [
            sa.Column("last_customer_sync_at", sa.TIMESTAMP(timezone=True)),
            sa.Column("last_full_sync_at", sa.TIMESTAMP(timezone=True)),
        ]
    return []


def _relations(connection: Connection) -> Iterator[str]:
    names = [*TABLES, *SHARED_INDEXES, *OWN_INDEXES]
    has_receipts = _holds_receipts(connection)
    for name, kind, definition, owner in connection.execute(sa.text(_RELATIONS), {"names": names}):
        if has_receipts and "migration_receipt" in (name, owner):
            continue
        if owner is None:
            yield f"The {_KINDS.get(kind, 'relation')} {name} is there, but it is not booksync's: {_WAY_OUT}"
        elif _plain(definition) != _plain(f"CREATE INDEX {name} ON {SHARED_INDEXES.get(name)}"):
            yield f"The index {name} of {owner} is there, but it is not booksync's: rename it"


_KINDS: Final = {"r": "table", "p": "table", "v": "view", "m": "view", "S": "sequence"}


def _holds_receipts(connection: Connection) -> bool:
    found = connection.scalars(sa.text(_COLUMNS), {"table": "migration_receipt", "names": list(_RECEIPT_COLUMNS)})
    return set(found) == _RECEIPT_COLUMNS


def _plain(definition: str) -> str:
    """An index's definition without the parts that Postgres adds, for comparisons."""
    return re.sub(
        r"USING btree|::text|[()\s]|\bON \w+\.", lambda found: "ON" if found[0][:2] == "ON" else "", definition
    )
