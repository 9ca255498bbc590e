"""A migration in progress: as a process that a test can kill, and held in the middle of a transaction."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from db.migrations.revisions import Target
from tests.fork_server import BOOKSYNC, ForkedProcess, fork_server
from tests.integration.migrations.applications import Database

#: The last revision whose tables are all in the host's schema.
BEFORE_THE_MOVE = "0007c_containment_phase2"


def started(url: str, to: Target) -> ForkedProcess:
    """The running process."""
    with Path(os.devnull).open("w") as nowhere:
        return fork_server().start(
            BOOKSYNC,
            ["booksync", "migrate", "--to", to],
            dict(os.environ) | {"DATABASE_URL": url},
            stdout=nowhere.fileno(),
            stderr=nowhere.fileno(),
        )


_HOLD = """
    CREATE FUNCTION hold() RETURNS event_trigger LANGUAGE plpgsql SET lock_timeout = 0 AS $$ BEGIN
        IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = '{name}') THEN
            PERFORM pg_advisory_xact_lock(77);
        END IF;
    END $$;
    CREATE EVENT TRIGGER hold ON ddl_command_end WHEN TAG IN ('CREATE VIEW', 'ALTER TABLE') EXECUTE FUNCTION hold()
"""


@contextmanager
def holding(database: Database, name: str) -> Iterator[None]:
    """Hold a transaction that creates a view of this name, or brings a table to it, until the block ends."""
    database.rows("SELECT pg_advisory_lock(77)")
    database.rows(_HOLD.format(name=name))
    try:
        yield
    finally:
        database.rows("SELECT pg_advisory_unlock(77)")
        database.rows("DROP EVENT TRIGGER hold; DROP FUNCTION hold()")
