"""Phase 3: invoices no longer keep a copy of their customer.

migration_receipt records the values of the old columns, so dropping them takes only a moment; the downgrade restores
every value. From this revision on booksync owns the reminders that the legacy application had planned.
"""

from db.legacy.bridge import noted, rebuilt, share, taken_down
from db.legacy.pending import give_back, take_over
from db.legacy.rebuild import rebuild_copies
from db.legacy.receipts import refuse_unaccounted
from db.legacy.side_by_side import side_by_side, side_by_side_end
from db.migrations.additions import PHONE_REQUIRED, ensure_notes, is_noted
from db.migrations.steps import briefly, letting_others_work

revision = "0009_phase3"
down_revision = "0008_customer_required"


# The older application's own NOT NULL must be restored by the downgrade.
_NOTE_PHONE = f"""
    INSERT INTO migration_added (name)
    SELECT '{PHONE_REQUIRED}' FROM pg_attribute
    WHERE attrelid = 'reminders'::regclass AND attname = 'phone' AND NOT attnotnull
    ON CONFLICT (name) DO NOTHING;
"""  # noqa: S608 - made of constants


def upgrade() -> None:
    with letting_others_work() as connection:
        refuse_unaccounted(connection)
        ensure_notes(connection)
        # One transaction: a concurrent write sees both the triggers and the old columns, or neither.
        briefly(
            connection,
            f"""
            {taken_down(connection)}
            {side_by_side_end(connection)}
            {_NOTE_PHONE}
            ALTER TABLE invoices_cache
                ALTER COLUMN customer_id SET NOT NULL,
                DROP CONSTRAINT IF EXISTS ck_invoices_cache_customer_id_required,
                DROP COLUMN IF EXISTS customer_name,
                DROP COLUMN IF EXISTS customer_phone,
                DROP COLUMN IF EXISTS customer_country_code,
                DROP COLUMN IF EXISTS customer_timezone;
            ALTER TABLE reminders
                ALTER COLUMN customer_id SET NOT NULL,
                ALTER COLUMN phone SET NOT NULL,
                DROP CONSTRAINT IF EXISTS ck_reminders_customer_id_required,
                DROP CONSTRAINT IF EXISTS ck_reminders_phone_required;
        """,
        )
        take_over(connection)


def downgrade() -> None:
    with letting_others_work() as connection:
        phone_may_be_missing = "ALTER COLUMN phone DROP NOT NULL," if is_noted(connection, PHONE_REQUIRED) else ""
        briefly(
            connection,
            f"""
            ALTER TABLE invoices_cache
                ALTER COLUMN customer_id DROP NOT NULL,
                ADD COLUMN IF NOT EXISTS customer_name text,
                ADD COLUMN IF NOT EXISTS customer_phone text,
                ADD COLUMN IF NOT EXISTS customer_country_code text,
                ADD COLUMN IF NOT EXISTS customer_timezone text,
                DROP CONSTRAINT IF EXISTS ck_invoices_cache_customer_id_required;
            ALTER TABLE invoices_cache ADD CONSTRAINT ck_invoices_cache_customer_id_required
                CHECK (customer_id IS NOT NULL) NOT VALID;
            ALTER TABLE reminders
                ALTER COLUMN customer_id DROP NOT NULL,
                {phone_may_be_missing}
                DROP CONSTRAINT IF EXISTS ck_reminders_customer_id_required,
                DROP CONSTRAINT IF EXISTS ck_reminders_phone_required;
            ALTER TABLE reminders
                ADD CONSTRAINT ck_reminders_customer_id_required CHECK (customer_id IS NOT NULL) NOT VALID,
                ADD CONSTRAINT ck_reminders_phone_required CHECK (phone IS NOT NULL) NOT VALID;
            DELETE FROM migration_added WHERE name = '{PHONE_REQUIRED}';
            {rebuilt(connection)}
            {side_by_side(connection)}
        """,  # noqa: S608 - made of constants
        )
        share(connection, list(noted(connection)))
        rebuild_copies(connection)
        give_back(connection)
