"""Errors of migrations: each message is one sentence."""

from alembic.util import CommandError


class MigrationError(CommandError):
    """A migration stopped before its end. Committed work stays, and the next `booksync migrate` continues from there.

    The class is a `CommandError`, because alembic's own command line prints such an error as one line.
    """


class MigrationRefusedError(MigrationError):
    """A revision would damage rows or tables, and left them unchanged."""


class InTheWayError(MigrationError):
    """Another session kept a row or a table for longer than the migration waits."""
