"""booksync's own tables.

The customers, the connections, and the runs with what they stage. Nobody but booksync knows them, so they come and go
without anybody's notice.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002_own_tables"
down_revision = "0001_legacy"

_TABLES = (
    "dead_letters",
    "set_aside_records",
    "seen_records",
    "staged_contacts",
    "staged_persons",
    "sync_runs",
    "skipped_invoices",
    "api_use",
    "customers_cache",
    "zoho_connections",
)


def upgrade() -> None:
    _connections()
    _customers()
    _runs()
    _staging()
    _leftovers()


def downgrade() -> None:
    for name in _TABLES:
        op.drop_table(name)


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
        _user(),
        _connection(nullable=True),
        _text("zoho_customer_id"),
        _text("status", server_default="active"),
        _text("customer_name", server_default=""),
        _text("company_name", server_default=""),
        _text("primary_contact_person_id", nullable=True),
        _text("primary_phone", nullable=True),
        _text("phone_problem", nullable=True),
        _text("primary_email", nullable=True),
        sa.Column("contact_persons", JSONB, server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("bulk_omits_persons", sa.Boolean, server_default=sa.text("false"), nullable=False),
        _text("country_code", nullable=True),
        _text("time_zone", nullable=True),
        sa.Column("payment_reminder_enabled", sa.Boolean),
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


def _runs() -> None:
    op.create_table(
        "sync_runs",
        _id(),
        _user(),
        _connection(),
        _text("mode"),
        sa.Column("allow_deletions", sa.Boolean, server_default=sa.text("false"), nullable=False),
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
        sa.Column("message_id", sa.Text, unique=True, nullable=False),
        _text("queue_name"),
        _text("actor_name"),
        sa.Column("arguments", JSONB, nullable=False),
        _text("error"),
        _text("traceback", nullable=True),
        _now("created_at"),
    )


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()"))


def _user() -> sa.Column[Any]:
    return sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id"), nullable=False)


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
