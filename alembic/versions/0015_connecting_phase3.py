"""Phase 3: the same additions for a database that had left phase 2 before connections had further states and grants."""

from db.migrations import (
    call_lists,
    grants,
    host_views,
    number_countries,
    operators,
    processes,
    refused_webhooks,
    schedules,
    searches,
    states,
    verifications,
)
from db.migrations.steps import letting_others_work

revision = "0015_connecting_phase3"
down_revision = "0014_indexes_phase3"


def upgrade() -> None:
    with letting_others_work() as connection:
        states.add(connection)
        processes.add(connection)
        grants.add(connection)
        operators.add(connection)
        verifications.add(connection)
        searches.add(connection)
        call_lists.add(connection)
        schedules.add(connection)
        host_views.add(connection)
        refused_webhooks.add(connection)
        number_countries.add(connection)


def downgrade() -> None:
    """Do nothing: booksync also works in phase 2 and needs these additions there."""
