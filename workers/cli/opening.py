"""Opens the resources of a command, but only if this release can work with the database's schema."""

from collections.abc import Iterator
from contextlib import contextmanager

from workers.boot import resources
from workers.boot.resources import Resources
from workers.boot.schema import require_schema


@contextmanager
def open_resources(application_name: str) -> Iterator[Resources]:
    """Open the resources of a command, and end the command at once if the schema does not fit.

    Raises:
        SettingsError: a setting is missing or malformed.
        SchemaTooNewError: a later release has migrated the database.
        SchemaTooOldError: migrations are missing.
    """
    with resources.open_resources(application_name) as opened:
        require_schema(opened.engine)
        yield opened
