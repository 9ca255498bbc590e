"""Phase 2: phone numbers that are valid but not callable, countries that are not recognised, and truth checks."""

from db.legacy.side_by_side import side_by_side
from db.migrations import containment, numbers
from db.migrations.steps import briefly, letting_others_work, undo_if_begun

revision = "0007b_numbers_phase2"
down_revision = "0007a_handover_phase2"


def upgrade() -> None:
    with letting_others_work() as connection:
        numbers.add(connection)
        # A database that reached phase 2 under an earlier release still has the triggers of that release.
        briefly(connection, side_by_side(connection))


def downgrade() -> None:
    undo_if_begun("0007c_containment_phase2", containment.BEGUN)
    with letting_others_work() as connection:
        numbers.remove(connection)
