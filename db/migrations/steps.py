"""What revisions share.

A revision is either one transaction, or wholly inside `letting_others_work`, where each statement is committed by
itself and can be repeated: what stops half-way is simply run again.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import op
from psycopg.errors import LockNotAvailable
from sqlalchemy.exc import OperationalError

_TRIES = 20


@contextmanager
def letting_others_work() -> Iterator[None]:
    """For statements that take as long as the table is big, and let others read and write it meanwhile."""
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("SET statement_timeout = 0")
        yield
        op.execute("SET lock_timeout = '5s'")
        op.execute("SET statement_timeout = '60s'")


def build_index(name: str, definition: str) -> None:
    """Build an index while the table is in use; only within `letting_others_work`."""
    # One that was interrupted stays behind, unusable but in the name's place.
    op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
    op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {definition}")


def drop_index(name: str) -> None:
    """Undo `build_index`; only within `letting_others_work`."""
    op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def giving_way(statement: str) -> None:
    """Change many rows that others write as well; only within `letting_others_work`.

    Who waits for a row for less than Postgres' `deadlock_timeout` (1 s) is not the one who costs the other his work.
    """
    op.execute("SET lock_timeout = '100ms'")
    for tries_left in reversed(range(_TRIES)):
        try:
            op.execute(statement)
            break
        except OperationalError as error:
            if not isinstance(error.orig, LockNotAvailable) or not tries_left:
                raise
    op.execute("SET lock_timeout = 0")
