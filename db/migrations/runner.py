"""The work of `booksync migrate`: upgrade or downgrade, one revision after the other."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationInfo
from alembic.script import Script
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from db.failures import FailureKind, failure_of
from db.migrations import unfinished
from db.migrations.batches import Progress
from db.migrations.errors import MigrationError, MigrationRefusedError
from db.migrations.revisions import (
    SchemaFit,
    SchemaState,
    Target,
    current_revision,
    expected_head,
    known_revisions,
    revision_of,
    revisions_folder,
)
from db.migrations.turn import WAIT_SECONDS, one_at_a_time


@dataclass(frozen=True, slots=True)
class AppliedRevision:
    """A revision that was applied or undone."""

    revision: str
    title: str
    upgraded: bool  #: False: the revision was undone


@dataclass(frozen=True, slots=True)
class MigrationOutcome:
    """The result of a migration. `from_revision` is None for a database that had no revision."""

    from_revision: str | None
    to_revision: str
    applied: tuple[AppliedRevision, ...]  #: the revisions in order of execution


def alembic_config() -> Config:
    """Alembic's configuration, independently of the working directory.

    Raises:
        MissingRevisionsError: this installation lacks the revisions.
    """
    config = Config()
    config.set_main_option("script_location", str(revisions_folder()).replace("%", "%%"))
    return config


def migrate(
    database_url: str,
    to: Target | str = Target.HEAD,
    *,
    on_revision: Callable[[AppliedRevision], None] = lambda _: None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    wait_seconds: float = WAIT_SECONDS,
    adopted: bool = False,
) -> MigrationOutcome:
    """Bring the database to `to`, a target or a revision, up or down (TR-3: migrations in phases).

    `on_revision` is called for every completed revision, `on_progress` for every batch of rows. Each revision is
    committed separately. Two migrations of one database run one after the other. `adopted` means that `adopt` has just
    prepared the legacy tables.

    Raises:
        MigrationRefusedError: a revision found rows that it would damage.
        MigrationError: any other reason that prevents the migration to `to`.
    """
    revision = _resolve(to)
    applied: list[AppliedRevision] = []

    def note(**happened: Any) -> None:
        done = applied_revision(happened["step"])
        applied.append(done)
        on_revision(done)

    with one_at_a_time(database_url, wait_seconds=wait_seconds) as connection:
        start = current_revision(connection)
        connection.commit()
        try:
            _run(connection, start, revision, note, on_progress, adopted=adopted)
        except (psycopg.Error, DBAPIError) as error:
            raise _told(error, database_url, applied[-1].revision if applied else start) from error
    return MigrationOutcome(start, revision, tuple(applied))


def _told(error: psycopg.Error | DBAPIError, url: str, last: str | None) -> MigrationError:
    failure = failure_of(error)
    if failure.kind in (FailureKind.TRY_AGAIN, FailureKind.TIMEOUT):
        return MigrationError(
            f"Another session was in the way after {last}, and a migration waits only briefly: run it again"
        )
    if failure.kind is FailureKind.UNREACHABLE:
        return MigrationError(
            f"The connection to Postgres was lost after {last} ({failure.cause}): run the migration again,"
            " it goes on where it stopped"
        )
    if failure.kind not in (FailureKind.DEFECT, FailureKind.SCHEMA):
        return MigrationError(
            f"The migration stopped after {last}. {failure.sentence(url)} Then run the migration again, it goes on"
            " where it stopped"
        )
    return MigrationError(
        f"Postgres refused a statement after {last} ({failure.cause}; Postgres' log names it): running the"
        " migration again does not help before the cause is gone, then it goes on where it stopped"
    )


def applied_revision(step: MigrationInfo) -> AppliedRevision:
    """Convert alembic's record of a migration step to an `AppliedRevision`."""
    script = step.up_revision
    assert isinstance(script, Script)
    return AppliedRevision(script.revision, script.doc.removesuffix("."), step.is_upgrade)


def _resolve(to: Target | str) -> str:
    if to in known_revisions():
        return to
    try:
        return revision_of(Target(to))
    except ValueError:
        raise MigrationError(
            f"A migration goes to {', '.join(Target)} or a revision such as {expected_head()}, not to {to}"
        ) from None


def _run(
    connection: Connection,
    start: str | None,
    revision: str,
    note: Callable[..., None],
    on_progress: Callable[[Progress], None],
    *,
    adopted: bool,
) -> None:
    known = known_revisions()
    if start is not None and start not in known:
        raise MigrationError(SchemaState(start, SchemaFit.NEWER).lack)
    config = alembic_config()
    config.attributes["connection"] = connection
    config.attributes["on_version_apply"] = note
    config.attributes["on_progress"] = on_progress
    config.attributes["adopted"] = adopted
    if start is not None and unfinished.is_half_undone(connection, start):
        start = known[known.index(start) - 1]
        command.downgrade(config, start)
    if start is None or known.index(start) < known.index(revision):
        command.upgrade(config, revision)
    elif start != revision:
        unfinished.note_downgrade(connection, revision)
        try:
            command.downgrade(config, revision)
        except MigrationRefusedError:
            connection.rollback()
            unfinished.forget_downgrade(connection)  # A revision refuses before its first change.
            raise
    unfinished.forget_downgrade(connection)
