"""The legacy application's tables, as far as booksync knows them."""

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

#: The types that users.id, and the columns that refer to it, may have.
USER_ID_TYPES: Final[Mapping[str, type[sa.types.TypeEngine[Any]]]] = {
    "uuid": sa.Uuid,
    "text": sa.Text,
    "bigint": sa.BigInteger,
}


def legacy_tables(user_id: str = "uuid") -> Mapping[str, tuple[sa.schema.SchemaItem, ...]]:
    """The columns and constraints of each table, in the order of creation; each call returns new objects.

    `user_id` is the type of users.id: uuid, text or bigint. booksync itself creates users with uuid. The other types
    occur only where a host application has created the table users.
    """
    return {
        "users": (_id() if user_id == "uuid" else sa.Column("id", USER_ID_TYPES[user_id], primary_key=True),),
        "invoices_cache": (
            _id(),
            _user(user_id),
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
        ),
        "reminders": (
            _id(),
            _user(user_id),
            sa.Column("invoice_id", sa.Uuid, sa.ForeignKey("invoices_cache.id"), nullable=False),
            sa.Column("step", sa.SmallInteger, nullable=False),
            sa.Column("scheduled_at", sa.TIMESTAMP(timezone=True), nullable=False),
            sa.Column("phone", sa.Text),
            sa.Column("status", sa.Text, server_default="scheduled", nullable=False),
            _now("created_at"),
            _now("updated_at"),
            sa.UniqueConstraint("invoice_id", "step"),
        ),
        "sync_metadata": (
            _id(),
            _user(user_id),
            sa.Column("last_invoice_sync_at", sa.TIMESTAMP(timezone=True)),
            _now("created_at"),
            _now("updated_at"),
        ),
    }


#: Table → the key by which booksync finds a row.
UNIQUE: Final[Mapping[str, tuple[str, ...]]] = {
    "invoices_cache": ("user_id", "zoho_invoice_id"),
    "reminders": ("invoice_id", "step"),
}


def legacy_columns(table: str, user_id: str = "uuid") -> list[sa.Column[Any]]:
    """The columns of one legacy table."""
    return [part for part in legacy_tables(user_id)[table] if isinstance(part, sa.Column)]


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()"))


def _user(user_id: str) -> sa.Column[Any]:
    return sa.Column("user_id", USER_ID_TYPES[user_id], sa.ForeignKey("users.id"), nullable=False)


def _now(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False)
