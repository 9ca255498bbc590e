"""The legacy application's tables.

In a database of the legacy application, existing tables are kept unchanged if booksync can work with them, and only
missing tables are created. In an empty database, these tables are the starting point of booksync's own tests and demo.
"""

import sqlalchemy as sa
from alembic import op

from db.legacy.found import refuse_unadopted
from db.legacy.tables import legacy_tables
from db.migrations.errors import MigrationRefusedError
from db.migrations.schemas import raw, user_id_type

revision = "0001_legacy"
down_revision = None


def upgrade() -> None:
    config = op.get_context().config
    refuse_unadopted(op.get_bind(), adopted=config is not None and bool(config.attributes.get("adopted")))
    for name, parts in legacy_tables(user_id_type(raw(op.get_bind()))).items():
        op.create_table(name, *parts, if_not_exists=True)


def downgrade() -> None:
    tables = list(legacy_tables())[::-1]
    if full := [name for name in tables if _holds_rows(name)]:
        raise MigrationRefusedError(
            f"The legacy application has rows in {', '.join(full)}: booksync does not drop them"
        )
    op.execute("DROP SCHEMA IF EXISTS booksync_legacy CASCADE")
    for name in tables:
        op.drop_table(name)


def _holds_rows(name: str) -> bool:
    a_row = sa.select(sa.literal(1)).select_from(sa.table(name))
    return bool(op.get_bind().scalar(sa.select(sa.exists(a_row))))
