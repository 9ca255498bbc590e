"""The legacy application's tables.

Where the application is installed, its tables are taken as they are: only what is missing is made. Here, on an empty
database, they are what booksync's own tests and demo start from.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from db.migrations.errors import MigrationRefusedError

revision = "0001_legacy"
down_revision = None

_TABLES = ("reminders", "invoices_cache", "sync_metadata", "users")


def upgrade() -> None:
    _adopt("users", _id())
    _adopt(
        "invoices_cache",
        _id(),
        _user(),
        sa.Column("zoho_invoice_id", sa.Text, nullable=False),
        sa.Column("zoho_customer_id", sa.Text),
        sa.Column("customer_name", sa.Text),
        sa.Column("customer_phone", sa.Text),
        sa.Column("customer_country_code", sa.Text),
        sa.Column("customer_timezone", sa.Text),
        sa.Column("invoice_number", sa.Text),
        sa.Column("status", sa.Text),
        sa.Column("date", sa.Date),
        sa.Column("due_date", sa.Date),
        sa.Column("total", sa.Numeric),
        sa.Column("balance", sa.Numeric),
        sa.Column("currency_code", sa.Text),
        sa.Column("zoho_last_modified_at", sa.TIMESTAMP(timezone=True)),
        _now("local_last_synced_at"),
        _now("created_at"),
        _now("updated_at"),
        sa.UniqueConstraint("user_id", "zoho_invoice_id"),
    )
    _adopt(
        "reminders",
        _id(),
        _user(),
        sa.Column("invoice_id", sa.Uuid, sa.ForeignKey("invoices_cache.id"), nullable=False),
        sa.Column("step", sa.SmallInteger, nullable=False),
        sa.Column("scheduled_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("phone", sa.Text),
        sa.Column("status", sa.Text, server_default="scheduled", nullable=False),
        _now("created_at"),
        _now("updated_at"),
        sa.UniqueConstraint("invoice_id", "step"),
    )
    _adopt(
        "sync_metadata",
        _id(),
        _user(),
        sa.Column("last_invoice_sync_at", sa.TIMESTAMP(timezone=True)),
        _now("created_at"),
        _now("updated_at"),
    )


def downgrade() -> None:
    if full := [name for name in _TABLES if _holds_rows(name)]:
        raise MigrationRefusedError(
            f"The legacy application has rows in {', '.join(full)}: booksync does not drop them"
        )
    for name in _TABLES:
        op.drop_table(name)


def _adopt(name: str, *parts: sa.schema.SchemaItem) -> None:
    table = op.create_table(name, *parts, if_not_exists=True)
    found = {column["name"] for column in sa.inspect(op.get_bind()).get_columns(name)}
    if missing := [column.name for column in table.columns if column.name not in found]:
        raise MigrationRefusedError(f"The table {name} is there, but without {', '.join(missing)}: add what is missing")


def _holds_rows(name: str) -> bool:
    a_row = sa.select(sa.literal(1)).select_from(sa.table(name))
    return bool(op.get_bind().scalar(sa.select(sa.exists(a_row))))


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()"))


def _user() -> sa.Column[Any]:
    return sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id"), nullable=False)


def _now(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False)
