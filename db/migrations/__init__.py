"""The schema's versions: migrate a database (`booksync migrate`), and report its version (`/readyz`)."""

from db.migrations.batches import Progress
from db.migrations.errors import MigrationError, MigrationRefusedError
from db.migrations.revisions import SchemaFit, SchemaState, Target, current_revision, expected_head, schema_state
from db.migrations.runner import AppliedRevision, MigrationOutcome, migrate

__all__ = [
    "AppliedRevision",
    "MigrationError",
    "MigrationOutcome",
    "MigrationRefusedError",
    "Progress",
    "SchemaFit",
    "SchemaState",
    "Target",
    "current_revision",
    "expected_head",
    "migrate",
    "schema_state",
]
