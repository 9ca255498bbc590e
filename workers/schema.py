"""The schema that this release needs: who starts before the migrations waits for them, who is too old stops."""

from collections.abc import Callable

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from db.migrations import MigrationError, can_work, current_revision
from db.migrations.revisions import known_revisions

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0


class SchemaTooNewError(MigrationError):
    """The database has a newer schema than this release knows: deploy the newer release."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


def wait_for_schema(engine: Engine, pause: Callable[[float], bool]) -> bool:
    """Returns True once the database has the schema; False when `pause` says that nobody waits any more.

    `pause` waits for the seconds that it is given, and tells whether to stop waiting. A database that does not answer
    is waited for too.

    Raises:
        SchemaTooNewError: the database has a revision that this release does not know.
    """
    was_told = None
    while (lack := _lack(engine)) is not None:
        if lack != was_told:
            log.warning(lack, action="schema.waiting")
            was_told = lack
        if pause(_LOOK_SECONDS):
            return False
    return True


def _lack(engine: Engine) -> str | None:
    """What there is to wait for; None where nothing is."""
    try:
        with engine.connect() as connection:
            if can_work(connection):
                return None
            revision = current_revision(connection)
    except OperationalError:
        return "Postgres does not answer yet"
    if revision is not None and revision not in known_revisions():
        raise SchemaTooNewError
    return "Waiting for the migrations: run booksync migrate"
