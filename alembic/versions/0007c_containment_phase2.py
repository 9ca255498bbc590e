"""Phase 2: rotated webhook secrets, a canary for the encryption keys, and deletions that wait for a person."""

from db.migrations import containment, placement
from db.migrations.steps import letting_others_work, undo_if_begun

revision = "0007c_containment_phase2"
down_revision = "0007b_numbers_phase2"


def upgrade() -> None:
    with letting_others_work() as connection:
        containment.add(connection)


def downgrade() -> None:
    undo_if_begun("0007d_schema_phase2", placement.BEGUN)
    with letting_others_work() as connection:
        containment.remove(connection)
