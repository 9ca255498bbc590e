"""The revisions that this release knows, and the one that a database has."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Final

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from db.migrations.errors import MigrationError

#: Our own, because the host application may keep alembic's default table in the same database.
VERSION_TABLE: Final = "booksync_alembic_version"

#: Beside this package, wherever the process was started: a checkout, an editable install, a container's folder.
_FOLDER: Final = Path(__file__).resolve().parents[2] / "alembic"


class Target(StrEnum):
    """Where a migration can go. A phase ends with the last revision that carries its name: phase1 is `0004_phase1`.

    The names are not alembic's branch labels: such a label belongs to the whole line of revisions, not to one of them.
    """

    LEGACY = "legacy"  #: the application before booksync
    PHASE1 = "phase1"  #: the cache is there; the legacy application notices nothing
    PHASE2 = "phase2"  #: invoices know their customer; both applications write side by side
    PHASE3 = "phase3"  #: invoices keep no copy of their customer any more
    HEAD = "head"  #: the newest revision of this release


def alembic_config() -> Config:
    """Alembic's configuration, whatever the working directory.

    Raises:
        MigrationError: this installation lacks the revisions.
    """
    if not (_FOLDER / "versions").is_dir():
        raise MigrationError(
            f"The migrations are not in {_FOLDER}: run from booksync's own folder, or an editable install of it"
        )
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config


@lru_cache(maxsize=1)
def known_revisions() -> Sequence[str]:
    """Every revision of this release, oldest first."""
    script = ScriptDirectory.from_config(alembic_config())
    return tuple(reversed([revision.revision for revision in script.walk_revisions()]))


def expected_head() -> str:
    """The newest revision of this release: what its code needs the database to have."""
    return known_revisions()[-1]


def revision_of(target: Target) -> str:
    """The revision that a target stands for."""
    if target is Target.HEAD:
        return expected_head()
    return next(revision for revision in reversed(known_revisions()) if revision.endswith(f"_{target}"))


def current_revision(connection: Connection) -> str | None:
    """The revision that the database has; None before the first one."""
    # Asked by name first: a failed SELECT would cost the caller its transaction.
    if connection.scalar(text("SELECT to_regclass(:name)"), {"name": VERSION_TABLE}) is None:
        return None
    revision: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608
    return revision


class SchemaFit(StrEnum):
    """How a database's schema stands to the code of this release."""

    FITS = "fits"
    OLDER = "older"  #: migrations are missing, or all of them
    NEWER = "newer"  #: a later release has migrated it


@dataclass(frozen=True, slots=True)
class SchemaState:
    """The revision that a database has (None before the first one), and whether this release can work with it."""

    revision: str | None
    fit: SchemaFit

    @property
    def lack(self) -> str:
        """What is wrong and what to do, as a sentence without its full stop; "" where nothing is wrong."""
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
    """Beside an older application the way leads to the end of phase 2; after it, to the newest revision."""
    known, phase2 = known_revisions(), revision_of(Target.PHASE2)
    is_before_phase3 = known.index(revision) <= known.index(phase2)
    needed = phase2 if is_before_phase3 else expected_head()
    found = f"The schema is at {revision}, older than this release needs ({needed})"
    way = ", with `--to phase2` while an older application uses the tables" if is_before_phase3 else ""
    return f"{found}: run `booksync migrate`{way}"


#: What the newest revisions add last: half of an upgrade is not enough.
_LAST_ADDITION: Final = text("""
    SELECT 1 FROM pg_attribute
     WHERE attrelid = to_regclass('api_use') AND attname = 'probed_at' AND NOT attisdropped
""")


def schema_state(connection: Connection) -> SchemaState:
    """How the database stands to this release, which works from phase 2 on, beside the legacy application.

    Revisions after phase 2 may be older than the end of phase 2 itself, which a later release has moved.
    """
    revision, known = current_revision(connection), known_revisions()
    if revision is not None and revision not in known:
        return SchemaState(revision, SchemaFit.NEWER)
    is_old = revision is None or known.index(revision) < known.index(revision_of(Target.PHASE2))
    if is_old or connection.scalar(_LAST_ADDITION) is None:
        return SchemaState(revision, SchemaFit.OLDER)
    return SchemaState(revision, SchemaFit.FITS)
