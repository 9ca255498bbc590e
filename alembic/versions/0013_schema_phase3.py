"""Phase 3: the same move for a database that had left phase 2 before booksync had a schema of its own."""

from db.migrations import placement
from db.migrations.steps import letting_others_work

revision = "0013_schema_phase3"
down_revision = "0012_containment_phase3"


def upgrade() -> None:
    with letting_others_work() as connection:
        placement.move(connection)


def downgrade() -> None:
    """Do nothing: booksync also works in phase 2 and needs the schema there."""
