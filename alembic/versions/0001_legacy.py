"""The legacy application's tables.

Where the application is installed, its tables are taken as they are: only what is missing is made. Here, on an empty
database, they are what booksync's own tests and demo start from.
"""

import sqlalchemy as sa
from alembic import op

from db.migrations.errors import MigrationRefusedError
from db.migrations.legacy import legacy_tables

revision = "0001_legacy"
down_revision = None


def upgrade() -> None:
    for name, parts in legacy_tables().items():
        _adopt(name, *parts)


def downgrade() -> None:
    tables = list(legacy_tables())[::-1]
    if full := [name for name in tables if _holds_rows(name)]:
        raise MigrationRefusedError(
            f"The legacy application has rows in {', '.join(full)}: booksync does not drop them"
        )
    op.execute("DROP SCHEMA IF EXISTS booksync_legacy CASCADE")
    for name in tables:
        op.drop_table(name)


def _adopt(name: str, *parts: sa.schema.SchemaItem) -> None:
    table = op.create_table(name, *parts, if_not_exists=True)
    found = {column["name"] for column in sa.inspect(op.get_bind()).get_columns(name)}
    if missing := [column.name for column in table.columns if column.name not in found]:
        raise MigrationRefusedError(
            f"The table {name} is there, but without {', '.join(missing)}: add what is missing, or run"
            " `booksync migrate --adopt` where the names are in camelCase"
        )


def _holds_rows(name: str) -> bool:
    a_row = sa.select(sa.literal(1)).select_from(sa.table(name))
    return bool(op.get_bind().scalar(sa.select(sa.exists(a_row))))
