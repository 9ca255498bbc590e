"""Phase 3: the same additions for a database that had left phase 2 before reminders were opened for handovers."""

from db.migrations import handover, placement
from db.migrations.steps import letting_others_work

revision = "0010_handover_phase3"
down_revision = "0009_phase3"


def upgrade() -> None:
    with letting_others_work() as connection:
        if not placement.is_begun(connection):
            handover.add(connection)


def downgrade() -> None:
    """Do nothing: booksync also works in phase 2 and needs these additions there."""
