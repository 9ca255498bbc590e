"""Opens the resources of a command, but only if this release can work with the database's schema."""

from contextlib import AbstractContextManager

from workers.boot import resources
from workers.boot.resources import Resources
from workers.cli.looking import if_schema_fits


def open_resources(application_name: str) -> AbstractContextManager[Resources]:
    """Open the resources of a command, and end the command at once if the schema does not fit.

    Raises:
        SettingsError: a setting is missing or malformed.
        SchemaTooNewError, SchemaTooOldError: see `if_schema_fits`.
    """
    return if_schema_fits(resources.open_resources(application_name))
