"""A migration in progress: as a process that a test can kill, and held in the middle of a transaction."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from db.migrations.revisions import Target
from tests.integration.migrations.applications import Database

ROOT = Path(__file__).resolve().parents[3]

#: The last revision whose tables are all in the host's schema.
BEFORE_THE_MOVE = "0007c_containment_phase2"


def started(url: str, to: Target) -> "subprocess.Popen[bytes]":
    """The running process."""
    return subprocess.Popen(
        [sys.executable, "-c", "from workers.cli import main; main()", "migrate", "--to", to],
        cwd=ROOT,
        env=dict(os.environ) | {"DATABASE_URL": url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
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
