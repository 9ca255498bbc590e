"""A record of a downgrade in progress, so that the next migration first completes the step of a killed downgrade.

The database records a revision as undone only after all statements of the downgrade. Without this record, a killed
downgrade would leave the revision half undone, and an upgrade to that revision would do nothing.
"""

from sqlalchemy import Connection, text

from db.migrations.revisions import known_revisions, version_table

_PREFIX = "booksync: a downgrade is under way to "


_COMMENT = text("SELECT obj_description(CAST(:table AS regclass), 'pg_class')")


def note_downgrade(connection: Connection, target: str) -> None:
    """Record, in the comment of the version table, that a downgrade to `target` begins."""
    _comment(connection, f"'{_PREFIX}{target}'")


def forget_downgrade(connection: Connection) -> None:
    """Delete the record of the downgrade, because the downgrade has ended."""
    _comment(connection, "NULL")


def is_half_undone(connection: Connection, revision: str) -> bool:
    """Whether a killed downgrade may have undone a part of this revision."""
    comment = connection.scalar(_COMMENT, {"table": version_table(connection)})
    connection.commit()
    if comment is None or not comment.startswith(_PREFIX):
        return False
    known, target = known_revisions(), comment.removeprefix(_PREFIX)
    return target in known and known.index(target) < known.index(revision)


def _comment(connection: Connection, value: str) -> None:
    if (table := version_table(connection)) is not None:
        connection.execute(text(f"COMMENT ON TABLE {table} IS {value}"))
        connection.commit()
