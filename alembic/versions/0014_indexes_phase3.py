"""Phase 3: indexes for explain, for open invoices and for totals of large caches."""

from db.migrations import indexes
from db.migrations.steps import letting_others_work

revision = "0014_indexes_phase3"
down_revision = "0013_schema_phase3"


def upgrade() -> None:
    with letting_others_work() as connection:
        indexes.add(connection)


def downgrade() -> None:
    with letting_others_work() as connection:
        indexes.remove(connection)
