"""The schema that this release needs. A process waits for missing migrations, and ends if the schema is too new."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import Engine

from db.failures import DatabaseError, FailureKind, failure_of
from db.migrations.revisions import SchemaFit, SchemaState, schema_state
from domain.errors import BooksyncError
from workers.observability.worker_states import WorkerState

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0


class UnfitSchemaError(BooksyncError):
    """This release cannot work with the database's schema: migrate the database, or upgrade booksync."""

    def __init__(self, state: SchemaState) -> None:
        super().__init__(f"{state.lack}.")


class SchemaTooNewError(UnfitSchemaError):
    """The database has a newer schema than this release knows: upgrade booksync."""


class SchemaTooOldError(UnfitSchemaError):
    """Migrations are missing: run `booksync migrate`."""


@dataclass(frozen=True, slots=True)
class _Lack:
    """Why a process waits: the database lacks migrations, or Postgres does not work."""

    state: WorkerState
    sentence: str
    reason: str


def wait_for_schema(
    engine: Engine, pause: Callable[[float], bool], *, waits_as: Callable[[WorkerState], None] = lambda _: None
) -> bool:
    """Return True once the database has the schema; False if `pause` reports that the process must end.

    `pause` waits for the given seconds, and returns True if the process must end. The function also waits
    while Postgres does not work. `waits_as` is called with the state that a worker reports during each wait.

    Raises:
        SchemaTooNewError: the database has a revision that this release does not know.
    """
    logged = None
    while (lack := _lack(engine)) is not None:
        waits_as(lack.state)
        if lack != logged:
            log.warning(lack.sentence, action="schema.waiting", reason=lack.reason)
            logged = lack
        if pause(_LOOK_SECONDS):
            return False
    return True


def require_schema(engine: Engine) -> None:
    """Check once that the schema fits, for a command that does not wait.

    Raises:
        SchemaTooNewError: the database has a revision that this release does not know.
        SchemaTooOldError: migrations are missing.
    """
    with engine.connect() as db:
        state = schema_state(db)
    if state.fit is SchemaFit.NEWER:
        raise SchemaTooNewError(state)
    if state.fit is SchemaFit.OLDER:
        raise SchemaTooOldError(state)


def _lack(engine: Engine) -> _Lack | None:
    try:
        require_schema(engine)
    except SchemaTooOldError as error:
        return _Lack(
            WorkerState.SCHEMA_TOO_OLD, "This process waits, because the database lacks migrations", str(error)
        )
    except DatabaseError as error:
        failure = failure_of(error)
        if failure.kind is FailureKind.DEFECT:
            raise
        return _Lack(
            WorkerState.NO_DATABASE,
            "This process waits, because Postgres does not work",
            failure.sentence(engine.url),
        )
    return None
