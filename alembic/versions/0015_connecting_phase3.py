"""Phase 3: the same additions for a database that had left phase 2 before connections had further states and grants."""

from db.migrations import grants, operators, processes, searches, states
from db.migrations.steps import letting_others_work

revision = "0015_connecting_phase3"
down_revision = "0014_indexes_phase3"


def upgrade() -> None:
    with letting_others_work() as connection:
        states.add(connection)
        processes.add(connection)
        grants.add(connection)
        operators.add(connection)
        searches.add(connection)


def downgrade() -> None:
    """Do nothing: booksync also works in phase 2 and needs these additions there."""
