"""Phase 2: names and states of connections, rows of processes, OAuth clients, grants, operators, searches."""

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
from db.migrations.steps import letting_others_work, undo_if_begun

revision = "0007e_connecting_phase2"
down_revision = "0007d_schema_phase2"

_ROWS_ARE_REQUIRED = """
    SELECT FROM pg_constraint
    WHERE conname LIKE 'ck%required' AND conrelid = ANY('{invoices_cache,reminders}'::regclass[])
    UNION ALL
    SELECT FROM migration_receipt WHERE is_moved_out OR outcome = 'filled'
"""


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
    undo_if_begun("0008_customer_required", _ROWS_ARE_REQUIRED)
    with letting_others_work() as connection:
        number_countries.remove(connection)
        refused_webhooks.remove(connection)
        host_views.remove(connection)
        schedules.remove(connection)
        call_lists.remove(connection)
        searches.remove(connection)
        verifications.remove(connection)
        operators.remove(connection)
        grants.remove(connection)
        processes.remove(connection)
        states.remove(connection)
