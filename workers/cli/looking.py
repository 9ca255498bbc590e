"""Opens what a command needs that only shows states. Such a command loads neither the HTTP client nor the queue."""

from collections.abc import Iterator
from contextlib import contextmanager

from workers.boot import basics
from workers.boot.basics import Basics
from workers.boot.schema import require_schema


@contextmanager
def open_basics(application_name: str) -> Iterator[Basics]:
    """Open the basics of a command, and end the command at once if the schema does not fit.

    Raises:
        SettingsError: a setting is missing or malformed.
        SchemaTooNewError: a later release has migrated the database.
        SchemaTooOldError: migrations are missing.
    """
    with basics.open_basics(application_name) as opened:
        require_schema(opened.engine)
        yield opened
