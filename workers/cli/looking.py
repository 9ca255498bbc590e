"""Opens what a command needs that only shows states. Such a command loads neither the HTTP client nor the queue."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

from workers.boot import basics
from workers.boot.basics import Basics
from workers.boot.schema import require_schema

OpenedT = TypeVar("OpenedT", bound=Basics)


def open_basics(application_name: str) -> AbstractContextManager[Basics]:
    """Open the basics of a command, and end the command at once if the schema does not fit.

    Raises:
        SettingsError: a setting is missing or malformed.
        SchemaTooNewError, SchemaTooOldError: see `if_schema_fits`.
    """
    return if_schema_fits(basics.open_basics(application_name))


@contextmanager
def if_schema_fits(opening: AbstractContextManager[OpenedT]) -> Iterator[OpenedT]:
    """Open what a command needs, and end the command at once if the schema does not fit.

    Raises:
        SchemaTooNewError: a later release has migrated the database.
        SchemaTooOldError: migrations are missing.
    """
    with opening as opened:
        require_schema(opened.engine)
        yield opened
