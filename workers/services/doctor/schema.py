"""The check of the schema: missing migrations, or a newer schema than this release knows."""

from db.migrations.revisions import SchemaFit, SchemaState
from workers.services.doctor.findings import Finding, Part, error, parted

_CAUSES = {
    SchemaFit.OLDER: "this release was deployed without its migrations",
    SchemaFit.NEWER: "a later release has migrated the database, and this release is still running",
}


def check_schema(state: SchemaState | None) -> list[Finding]:
    """Return the trouble of a schema that does not fit this release; none if its state is unknown."""
    if state is None or state.fit is SchemaFit.FITS:
        return []
    what, next_step = parted(state.lack)
    return [error(Part.SCHEMA, f"schema_{state.fit}", what, cause=_CAUSES[state.fit], next_step=next_step)]
