"""Phase 2: booksync's tables and functions in the schema booksync; the shared tables stay where they are."""

from functools import partial

from db.legacy.side_by_side import renew_triggers, with_new_triggers
from db.migrations import grants, placement
from db.migrations.schemas import SCHEMA, host_schema
from db.migrations.steps import letting_others_work, undo_if_begun

revision = "0007d_schema_phase2"
down_revision = "0007c_containment_phase2"


def upgrade() -> None:
    with letting_others_work() as connection:
        placement.move(connection, around_customers=partial(with_new_triggers, connection, SCHEMA))


def downgrade() -> None:
    undo_if_begun("0007e_connecting_phase2", grants.BEGUN)
    with letting_others_work() as connection:
        host = host_schema(connection)
        placement.undo(connection, around_customers=partial(with_new_triggers, connection, host))
        renew_triggers(connection)
        placement.drop_schema(connection)
