"""New columns on the legacy application's tables.

The application can ignore them: all are nullable or have a default. No table is rewritten, except `reminders` where the
application stores the step as text. The foreign keys hold for new rows from now on; the next revision checks the
existing rows. Each table is changed in its own short transaction. Columns that the application lacks are added as well.
"""

from db.legacy.gaps import fillable_columns, step_to_number, step_to_text
from db.legacy.pending import cancel_own
from db.migrations.additions import add_columns, build_index, columns_of, drop_columns, drop_index
from db.migrations.steps import briefly, letting_others_work, undo_if_begun

revision = "0003_new_columns"
down_revision = "0002_own_tables"


_NEW = {
    "invoices_cache": (
        "connection_id uuid",
        "observed_at timestamptz",
        "sync_hash text NOT NULL DEFAULT ''",
        "plan_at timestamptz",
        "plan_outcome text",
        "expected_payment_date date",
    ),
    "reminders": (
        "day date",
        "closes_at timestamptz",
        "contact_id uuid",
    ),
    "sync_metadata": (
        "connection_id uuid",
        "last_customer_sync_at timestamptz",
        "last_full_sync_at timestamptz",
    ),
}
_REFERENCES = (
    ("invoices_cache", "connection_id", "zoho_connections"),
    ("reminders", "contact_id", "reminder_contacts"),
    ("sync_metadata", "connection_id", "zoho_connections"),
)


def upgrade() -> None:
    with letting_others_work() as connection:
        for table, columns in _NEW.items():
            add_columns(connection, table, [*columns, *fillable_columns(table)])
        step_to_number(connection)
        for table, column, target in _REFERENCES:
            name = f"fk_{table}_{column}"
            briefly(
                connection,
                f"""
                ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name};
                ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({column}) REFERENCES {target} (id) NOT VALID
            """,
            )
        build_index(connection, "ix_sync_metadata_user_id", "sync_metadata (user_id)")
        briefly(connection, "ALTER TABLE sync_metadata DROP CONSTRAINT IF EXISTS uq_sync_metadata_connection_id")
        build_index(connection, "uq_sync_metadata_connection_id", "sync_metadata (connection_id)", unique=True)
        briefly(
            connection,
            """
            ALTER TABLE sync_metadata
                ADD CONSTRAINT uq_sync_metadata_connection_id UNIQUE USING INDEX uq_sync_metadata_connection_id
        """,
        )


def downgrade() -> None:
    undo_if_begun("0004_phase1", "SELECT WHERE to_regclass('ix_reminders_due') IS NOT NULL")
    with letting_others_work() as connection:
        # If a killed downgrade has already dropped these columns, it had changed their rows before that.
        if "closes_at" in columns_of(connection, "reminders"):
            cancel_own(connection)
        if "connection_id" in columns_of(connection, "sync_metadata"):
            briefly(connection, _ONE_ROW_A_USER)
        drop_index(connection, "ix_sync_metadata_user_id")
        for table, columns in _NEW.items():
            drop_columns(
                connection,
                table,
                [*columns, *fillable_columns(table)],
                constraints=[f"fk_{referrer}_{column}" for referrer, column, _ in _REFERENCES if referrer == table],
            )
        step_to_text(connection)


# The legacy application expects one row per user: its own row, or else the oldest of the connections' rows.
_ONE_ROW_A_USER = """
    DELETE FROM sync_metadata AS extra USING sync_metadata AS other
    WHERE extra.connection_id IS NOT NULL
        AND other.user_id = extra.user_id
        AND (other.connection_id IS NULL OR (other.created_at, other.id) < (extra.created_at, extra.id))
"""
