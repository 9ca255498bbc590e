"""New columns on the legacy application's tables.

The application can ignore them: all are nullable or have a default. No table is rewritten. The invoices' foreign key
holds for new rows from now on; the next revision checks the old ones.
"""

from alembic import op

revision = "0003_new_columns"
down_revision = "0002_own_tables"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE invoices_cache
            ADD COLUMN connection_id uuid,
            ADD COLUMN observed_at timestamptz,
            ADD COLUMN sync_hash text NOT NULL DEFAULT '',
            ADD COLUMN plan_at timestamptz,
            ADD COLUMN plan_outcome text,
            ADD CONSTRAINT fk_invoices_cache_connection_id
                FOREIGN KEY (connection_id) REFERENCES zoho_connections (id) NOT VALID
    """)
    # One row a user or connection: small enough for plain indexes.
    op.execute("""
        ALTER TABLE sync_metadata
            ADD COLUMN connection_id uuid,
            ADD COLUMN last_customer_sync_at timestamptz,
            ADD COLUMN last_full_sync_at timestamptz,
            ADD CONSTRAINT fk_sync_metadata_connection_id
                FOREIGN KEY (connection_id) REFERENCES zoho_connections (id),
            ADD CONSTRAINT uq_sync_metadata_connection_id UNIQUE (connection_id)
    """)
    op.execute("CREATE INDEX ix_sync_metadata_user_id ON sync_metadata (user_id)")


def downgrade() -> None:
    # The legacy application expects one row a user: of several connections' rows the oldest stays.
    op.execute("""
        DELETE FROM sync_metadata AS extra USING sync_metadata AS older
        WHERE extra.connection_id IS NOT NULL
            AND older.user_id = extra.user_id
            AND (older.created_at, older.id) < (extra.created_at, extra.id)
    """)
    op.execute("DROP INDEX ix_sync_metadata_user_id")
    op.execute("""
        ALTER TABLE sync_metadata
            DROP COLUMN connection_id,
            DROP COLUMN last_customer_sync_at,
            DROP COLUMN last_full_sync_at
    """)
    op.execute("""
        ALTER TABLE invoices_cache
            DROP COLUMN connection_id,
            DROP COLUMN observed_at,
            DROP COLUMN sync_hash,
            DROP COLUMN plan_at,
            DROP COLUMN plan_outcome
    """)
