"""Phase 2: permission checks for reminders, opening of handovers by a person, and reported outcomes."""

from db.migrations import handover, numbers
from db.migrations.steps import letting_others_work, undo_if_begun

revision = "0007a_handover_phase2"
down_revision = "0007_phase2"


def upgrade() -> None:
    with letting_others_work() as connection:
        handover.add(connection)


def downgrade() -> None:
    undo_if_begun("0007b_numbers_phase2", numbers.BEGUN)
    with letting_others_work() as connection:
        handover.remove(connection)
