"""Phase 3: the same additions for a database that had left phase 2 before numbers had a second verdict."""

from db.migrations import numbers, placement
from db.migrations.steps import letting_others_work

revision = "0011_numbers_phase3"
down_revision = "0010_handover_phase3"


def upgrade() -> None:
    with letting_others_work() as connection:
        if not placement.is_begun(connection):
            numbers.add(connection)
        numbers.fill_verdicts(connection)


def downgrade() -> None:
    """Do nothing: booksync also works in phase 2 and needs these additions there."""
