"""The revisions that this release has, and the revision that a database is at."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, text

from db.migrations.schemas import SCHEMA, VERSION_TABLE
from db.migrations.scripts import FOLDER


class Target(StrEnum):
    """A target of a migration (the end of a phase).

    A phase ends with the last revision whose name ends with the phase: phase1 with `0004_phase1`.
    """

    LEGACY = "legacy"  #: the application before booksync
    PHASE1 = "phase1"  #: the cache exists; the legacy application is not affected
    PHASE2 = "phase2"  #: invoices refer to their customer; both applications write at the same time
    PHASE3 = "phase3"  #: invoices no longer keep a copy of their customer
    HEAD = "head"  #: the newest revision of this release


class MissingRevisionsError(RuntimeError):
    """This installation lacks the revisions."""


def revisions_folder() -> Path:
    """The folder with alembic's script.

    Raises:
        MissingRevisionsError: this installation lacks the folder.
    """
    if not (FOLDER / "versions").is_dir():
        raise MissingRevisionsError(f"The migrations are not in {FOLDER}: install booksync's wheel again")
    return FOLDER


@lru_cache(maxsize=1)
def known_revisions() -> tuple[str, ...]:
    """Every revision of this release, oldest first.

    The revisions are ordered by their file names, so that a process that only compares revisions need not load alembic
    or the revisions' files.
    """
    return tuple(sorted(path.stem for path in (revisions_folder() / "versions").glob("[0-9]*.py")))


def expected_head() -> str:
    """The newest revision of this release."""
    return known_revisions()[-1]


def revision_of(target: Target) -> str:
    """The last revision of a migration target."""
    if target is Target.HEAD:
        return expected_head()
    return next(revision for revision in reversed(known_revisions()) if revision.endswith(f"_{target}"))


_FIND_TABLE: Final = text("SELECT coalesce(to_regclass(:moved), to_regclass(:name))::text")


def version_table(connection: Connection) -> str | None:
    """The qualified name of the table that stores the database's revision; None before the first revision."""
    name: str | None = connection.scalar(_FIND_TABLE, {"moved": f"{SCHEMA}.{VERSION_TABLE}", "name": VERSION_TABLE})
    return name


def current_revision(connection: Connection) -> str | None:
    """The revision that the database is at; None before the first one."""
    # The version table's name is checked first, because a failed SELECT would abort the caller's transaction.
    table = version_table(connection)
    if table is None:
        return None
    revision: str | None = connection.scalar(text(f"SELECT version_num FROM {table}"))  # noqa: S608
    return revision


class SchemaFit(StrEnum):
    """Whether a database's schema fits the code of this release."""

    FITS = "fits"
    OLDER = "older"  #: too old: some or all migrations are missing
    NEWER = "newer"  #: too new: a later release has migrated the database


@dataclass(frozen=True, slots=True)
class SchemaState:
    """The revision of the database (None before the first one), and whether this release can work with it."""

    revision: str | None
    fit: SchemaFit

    @property
    def lack(self) -> str:
        """What is wrong with the schema, and the next step, as a sentence without full stop; empty if it fits."""
        match self.fit:
            case SchemaFit.NEWER:
                known = expected_head()
                return f"The schema is at {self.revision}, newer than this release knows ({known}): upgrade booksync"
            case SchemaFit.OLDER if self.revision is None:
                return "The database has no booksync tables yet: run `booksync migrate`"
            case SchemaFit.OLDER:
                return _older(str(self.revision))
            case SchemaFit.FITS:
                return ""


def _older(revision: str) -> str:
    """The sentence for a schema at `revision`, which is too old. It names the revision that is needed.

    Before phase 3 an older application may use the tables, so the end of phase 2 is enough. After that the newest
    revision is needed.
    """
    known, phase2 = known_revisions(), revision_of(Target.PHASE2)
    is_before_phase3 = known.index(revision) <= known.index(phase2)
    needed = phase2 if is_before_phase3 else expected_head()
    found = f"The schema is at {revision}, older than this release needs ({needed})"
    way = ", with `--to phase2` while an older application uses the tables" if is_before_phase3 else ""
    return f"{found}: run `booksync migrate`{way}"


#: This query returns a row if the last change of the newest revisions is done. Without it the schema counts as older.
_LAST_ADDITION: Final = text("""
    SELECT 1 FROM pg_attribute
     WHERE attrelid = to_regclass('reminders') AND attname = 'handover_id' AND NOT attisdropped
       AND to_regclass('booksync.booksync_alembic_version') IS NOT NULL
       AND to_regclass('booksync.processes') IS NOT NULL
""")


def schema_state(connection: Connection) -> SchemaState:
    """Whether the database's schema fits this release. A schema at or after the end of phase 2 can fit.

    Such a schema is too old nevertheless if it lacks the latest addition: later releases add revisions at the end of
    phase 2.
    """
    revision, known = current_revision(connection), known_revisions()
    if revision is not None and revision not in known:
        return SchemaState(revision, SchemaFit.NEWER)
    is_old = revision is None or known.index(revision) < known.index(revision_of(Target.PHASE2))
    if is_old or connection.scalar(_LAST_ADDITION) is None:
        return SchemaState(revision, SchemaFit.OLDER)
    return SchemaState(revision, SchemaFit.FITS)
