"""booksync's own tables.

They hold the customers, the connections, and the runs with their staged rows. Only booksync uses these tables, so
creating and dropping them does not affect the legacy application.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from db.legacy.found import refuse_taken
from db.legacy.tables import USER_ID_TYPES
from db.migrations.additions import start_notes
from db.migrations.schemas import raw, user_id_type
from db.migrations.steps import briefly, letting_others_work, take_turns, undo_if_begun

revision = "0002_own_tables"
down_revision = "0001_legacy"

_TABLES = (
    "scheduler_marks",
    "resyncs",
    "webhook_events",
    "dead_letters",
    "set_aside_records",
    "seen_records",
    "staged_contacts",
    "staged_persons",
    "sync_runs",
    "skipped_invoices",
    "reminder_contacts",
    "reminder_policies",
    "api_use",
    "customers_cache",
    "zoho_connections",
    "migration_progress",
    "migration_added",
)

_NEW_COLUMNS_ARE_THERE = """
    SELECT FROM pg_attribute
    WHERE attname = 'connection_id' AND attrelid = ANY('{invoices_cache,sync_metadata}'::regclass[])
"""


def upgrade() -> None:
    refuse_taken(op.get_bind())
    take_turns("users")
    _connections()
    _customers()
    _reminding()
    _runs()
    _staging()
    _leftovers()
    _webhooks()
    _receipts()


def downgrade() -> None:
    undo_if_begun("0003_new_columns", _NEW_COLUMNS_ARE_THERE)
    # Drop each table separately: each DROP locks the tables that it refers to, including those of the legacy
    # application.
    with letting_others_work() as connection:
        for name in _TABLES:
            briefly(connection, f"DROP TABLE IF EXISTS {name}")
    # migration_receipt stays if it holds a legacy row that could not be restored because another row has its place.
    if not op.get_bind().scalar(sa.text("SELECT EXISTS (SELECT FROM migration_receipt)")):
        op.drop_table("migration_receipt")


def _connections() -> None:
    op.create_table(
        "zoho_connections",
        _id(),
        _user(),
        _text("organization_id"),
        _text("data_center"),
        _text("status", server_default="active"),
        _text("parked_reason", nullable=True),
        _text("refresh_token_encrypted"),
        _text("webhook_secret_encrypted"),
        _text("access_token_encrypted", nullable=True),
        _moment("access_token_expires_at"),
        _text("api_domain", nullable=True),
        _text("time_zone"),
        _text("country_code", nullable=True),
        _text("currency_code", nullable=True),
        sa.Column(
            "refreshed_at",
            sa.ARRAY(sa.DateTime(timezone=True)),
            server_default=sa.text("'{}'::timestamptz[]"),
            nullable=False,
        ),
        _moment("no_refresh_before"),
        _moment("bulk_persons_refused_at"),
        sa.Column("persons_pages", sa.Integer),
        _moment("next_sync_at"),
        _moment("next_full_sync_at"),
        _text("phones_judged_with", nullable=True),
        _now("created_at"),
        _now("updated_at"),
        sa.UniqueConstraint("user_id", "organization_id"),
    )
    op.create_table(
        "api_use",
        sa.Column("organization_id", sa.Text, primary_key=True),
        _moment("last_call_at"),
        _moment("paused_until"),
        _text("paused_reason", nullable=True),
        _now("updated_at"),
    )


def _customers() -> None:
    op.create_table(
        "customers_cache",
        _id(),
        # CASCADE: customers made from copies must not prevent the legacy application from deleting their user.
        _user(ondelete="CASCADE"),
        _connection(nullable=True),
        _text("zoho_customer_id"),
        _text("status", server_default="active"),
        _text("customer_name", server_default=""),
        _text("company_name", server_default=""),
        _text("primary_contact_person_id", nullable=True),
        _text("primary_phone", nullable=True),
        _text("phone_problem", nullable=True),
        sa.Column("phone_verdict", JSONB, server_default=sa.text("'{}'::jsonb"), nullable=False),
        _text("primary_email", nullable=True),
        sa.Column("contact_persons", JSONB, server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("bulk_omits_persons", sa.Boolean, server_default=sa.text("false"), nullable=False),
        _text("country_code", nullable=True),
        _text("time_zone", nullable=True),
        sa.Column("payment_reminder_enabled", sa.Boolean),
        _moment("switch_asked_at"),
        _moment("details_observed_at"),
        _moment("zoho_last_modified_at"),
        _moment("observed_at"),
        _text("sync_hash", server_default=""),
        _now("local_last_synced_at"),
        _now("created_at"),
        _now("updated_at"),
        sa.UniqueConstraint("user_id", "zoho_customer_id"),
    )
    op.create_index("ix_customers_cache_connection_id", "customers_cache", ["connection_id"])
    op.create_table(
        "skipped_invoices",
        _id(),
        _user(),
        _connection(),
        _text("zoho_invoice_id"),
        _text("zoho_customer_id"),
        _text("reason"),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("invoice", JSONB, nullable=False),
        _moment("observed_at", nullable=False),
        _now("created_at"),
        _now("updated_at"),
        sa.UniqueConstraint("connection_id", "zoho_invoice_id"),
    )
    op.create_index(
        "ix_skipped_invoices_connection_id_zoho_customer_id", "skipped_invoices", ["connection_id", "zoho_customer_id"]
    )


def _reminding() -> None:
    op.create_table(
        "reminder_policies",
        sa.Column("connection_id", sa.Uuid, sa.ForeignKey("zoho_connections.id"), primary_key=True),
        sa.Column("rules", JSONB, nullable=False),
        _now("created_at"),
        _now("updated_at"),
    )
    op.create_table(
        "reminder_contacts",
        _id(),
        _user(),
        _connection(),
        _text("phone"),
        sa.Column("day", sa.Date, nullable=False),
        _moment("handed_over_at", nullable=False),
        _moment("post_at"),
        _count("post_attempts"),
        _moment("posted_at"),
        _text("post_problem", nullable=True),
    )
    op.create_index(
        "ix_reminder_contacts_post_at",
        "reminder_contacts",
        ["post_at"],
        postgresql_where=sa.text("post_at IS NOT NULL"),
    )
    op.create_index("ix_reminder_contacts_user_id_phone_day", "reminder_contacts", ["user_id", "phone", "day"])
    op.create_index("ix_reminder_contacts_connection_id", "reminder_contacts", ["connection_id"])


def _runs() -> None:
    op.create_table(
        "sync_runs",
        _id(),
        _user(),
        _connection(),
        _text("mode"),
        sa.Column("allow_deletions", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("is_scheduled", sa.Boolean, server_default=sa.text("false"), nullable=False),
        _text("status", server_default="running"),
        _text("phase"),
        _count("step"),
        sa.Column("position", JSONB, server_default=sa.text("'{}'::jsonb"), nullable=False),
        _count("attempts"),
        _moment("not_before"),
        _text("waiting_for", nullable=True),
        _moment("claimed_until"),
        _moment("sweep_at", nullable=False),
        sa.Column("counters", JSONB, server_default=sa.text("'{}'::jsonb"), nullable=False),
        _count("api_calls"),
        _text("degraded_reason", nullable=True),
        _text("error", nullable=True),
        _now("started_at"),
        _moment("finished_at"),
    )
    running = sa.text("status = 'running'")
    op.create_index("uq_sync_runs_one_running", "sync_runs", ["connection_id"], unique=True, postgresql_where=running)
    op.create_index("ix_sync_runs_sweep_at", "sync_runs", ["sweep_at"], postgresql_where=running)
    op.create_index("ix_sync_runs_connection_id_started_at", "sync_runs", ["connection_id", "started_at"])


def _staging() -> None:
    op.create_table(
        "staged_persons",
        _run(),
        sa.Column("contact_person_id", sa.Text, primary_key=True),
        _text("zoho_customer_id"),
        sa.Column("person", JSONB, nullable=False),
    )
    op.create_index("ix_staged_persons_run_id_zoho_customer_id", "staged_persons", ["run_id", "zoho_customer_id"])
    op.create_table(
        "staged_contacts",
        _run(),
        sa.Column("zoho_customer_id", sa.Text, primary_key=True),
        sa.Column("contact", JSONB, nullable=False),
        sa.Column("needs_details", sa.Boolean, nullable=False),
        _moment("observed_at", nullable=False),
    )
    op.create_table(
        "seen_records",
        _run(),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("record_id", sa.Text, primary_key=True),
        sa.Column("is_gone", sa.Boolean, server_default=sa.text("false"), nullable=False),
    )


def _leftovers() -> None:
    op.create_table(
        "set_aside_records",
        _id(),
        _connection(),
        _text("kind"),
        _text("record_id", nullable=True),
        _text("reason"),
        _now("first_seen_at"),
        _now("last_seen_at"),
        sa.UniqueConstraint("connection_id", "kind", "record_id", "reason", postgresql_nulls_not_distinct=True),
    )
    op.create_table(
        "dead_letters",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        _text("subject"),
        _text("status", server_default="open"),
        _text("cause"),
        _text("queue_name"),
        _text("actor_name"),
        sa.Column("arguments", JSONB, nullable=False),
        _connection(nullable=True),
        sa.Column("run_id", sa.Uuid, nullable=True),
        _text("message_id", nullable=True),
        _text("error_type"),
        _text("error"),
        _text("traceback", nullable=True),
        _text("fingerprint"),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("deaths", sa.Integer, server_default=sa.text("1"), nullable=False),
        _now("first_died_at"),
        _now("last_died_at"),
        sa.Column("retry_run_id", sa.Uuid, nullable=True),
        _moment("closed_at"),
        _text("note", nullable=True),
        sa.Column("history", JSONB, server_default=sa.text("'[]'::jsonb"), nullable=False),
    )
    is_open = sa.text("status = 'open'")
    op.create_index(
        "uq_dead_letters_open",
        "dead_letters",
        ["subject", "actor_name", "fingerprint"],
        unique=True,
        postgresql_where=is_open,
    )
    op.create_index("ix_dead_letters_open_last_died_at", "dead_letters", ["last_died_at"], postgresql_where=is_open)
    op.create_index(
        "ix_dead_letters_retry_run_id",
        "dead_letters",
        ["retry_run_id"],
        postgresql_where=sa.text("retry_run_id IS NOT NULL"),
    )


def _webhooks() -> None:
    op.create_table(
        "webhook_events",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        _connection(),
        _text("entity"),
        _text("record_id"),
        sa.Column("number", sa.Integer),
        _text("kind"),
        _moment("modified_at"),
        _text("digest", nullable=True),
        _text("outcome", nullable=True),
        _now("received_at"),
        _moment("handled_at"),
        sa.UniqueConstraint("connection_id", "entity", "record_id", "number"),
    )
    op.create_index("ix_webhook_events_connection_id_received_at", "webhook_events", ["connection_id", "received_at"])
    op.create_table(
        "resyncs",
        sa.Column("connection_id", sa.Uuid, sa.ForeignKey("zoho_connections.id"), primary_key=True),
        sa.Column("entity", sa.Text, primary_key=True),
        sa.Column("record_id", sa.Text, primary_key=True),
        _count("received"),
        _count("handled"),
        _now("waiting_since"),
        _now("not_before"),
        _text("waiting_for", nullable=True),
        _moment("sent_at"),
        _moment("taken_at"),
        _moment("claimed_until"),
        _count("attempts"),
        sa.Column("has_failed", sa.Boolean, server_default=sa.text("false"), nullable=False),
        _text("error", nullable=True),
    )
    waiting = sa.text("received > handled")
    op.create_index("ix_resyncs_waiting", "resyncs", ["not_before"], postgresql_where=waiting)
    op.create_index("ix_resyncs_sent", "resyncs", ["connection_id", "sent_at"], postgresql_where=waiting)
    op.create_table("scheduler_marks", sa.Column("name", sa.Text, primary_key=True), _now("marked_at"))


def _receipts() -> None:
    op.create_table(
        "migration_receipt",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        _text("table_name"),
        sa.Column("row_id", sa.Uuid, nullable=False),
        sa.Column("user_id", _user_id_type()),
        sa.Column("customer_id", sa.Uuid),
        _text("outcome"),
        _text("reason", nullable=True),
        sa.Column("won_by", sa.Uuid),
        sa.Column("winners", JSONB, server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("made_customer", sa.Boolean, server_default=sa.text("false"), nullable=False),
        _text("recorded_by"),
        sa.Column("legacy", JSONB, nullable=False),
        sa.Column("merged", sa.ARRAY(sa.Text), server_default=sa.text("'{}'::text[]"), nullable=False),
        sa.Column("unfit", sa.ARRAY(sa.Text), server_default=sa.text("'{}'::text[]"), nullable=False),
        sa.Column("is_moved_out", sa.Boolean, server_default=sa.text("false"), nullable=False),
        _now("recorded_at"),
        if_not_exists=True,
    )
    for name, columns, where in (
        ("ix_migration_receipt_row_id", ["row_id", "id"], None),
        ("ix_migration_receipt_made_customer", ["customer_id"], "made_customer"),
        ("ix_migration_receipt_moved_out", ["table_name", "id"], "is_moved_out"),
    ):
        condition = sa.text(where) if where else None
        op.create_index(name, "migration_receipt", columns, if_not_exists=True, postgresql_where=condition)
    op.create_table(
        "migration_progress",
        sa.Column("step", sa.Text, primary_key=True),
        sa.Column("position", JSONB, nullable=False),
        sa.Column("done", sa.BigInteger, nullable=False),
    )
    start_notes(raw(op.get_bind()))


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()"))


def _user(*, ondelete: str | None = None) -> sa.Column[Any]:
    return sa.Column("user_id", _user_id_type(), sa.ForeignKey("users.id", ondelete=ondelete), nullable=False)


def _user_id_type() -> type[sa.types.TypeEngine[Any]]:
    return USER_ID_TYPES[user_id_type(raw(op.get_bind()))]


def _connection(*, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column("connection_id", sa.Uuid, sa.ForeignKey("zoho_connections.id"), nullable=nullable)


def _run() -> sa.Column[Any]:
    return sa.Column("run_id", sa.Uuid, sa.ForeignKey("sync_runs.id", ondelete="CASCADE"), primary_key=True)


def _text(name: str, *, nullable: bool = False, server_default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=nullable, server_default=server_default)


def _count(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer, server_default=sa.text("0"), nullable=False)


def _moment(name: str, *, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), nullable=nullable)


def _now(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False)
