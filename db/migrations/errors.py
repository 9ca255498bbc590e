"""What keeps a database from another version of the schema: one sentence each."""

from alembic.util import CommandError


class MigrationError(CommandError):
    """A migration did not run to its end; what it had committed stays, and running it again goes on from there.

    A `CommandError`, because alembic's own command line prints that one as a line instead of a traceback.
    """


class MigrationRefusedError(MigrationError):
    """A revision found rows or tables that it would harm, and has left them as they are."""


class InTheWayError(MigrationError):
    """Another session kept a row or a table for longer than the migration waits."""
