"""What a command opens: the means of a process, over a schema that this release can work with."""

from collections.abc import Iterator
from contextlib import contextmanager

from workers.boot import resources
from workers.boot.resources import Resources
from workers.boot.schema import require_schema


@contextmanager
def open_resources(application_name: str) -> Iterator[Resources]:
    """Opens the resources of a command, which ends at once where the schema is not the right one.

    Raises:
        SettingsError: a setting is missing or malformed.
        SchemaTooNewError: a later release has migrated the database.
        SchemaTooOldError: migrations are missing.
    """
    with resources.open_resources(application_name) as opened:
        require_schema(opened.engine)
        yield opened
