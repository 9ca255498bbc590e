"""The schema's versions: migrate a database (`booksync migrate`), and report its version (`/readyz`)."""

from db.migrations.adoption import Adoption, adopt, plan
from db.migrations.batches import Progress
from db.migrations.errors import MigrationError, MigrationRefusedError
from db.migrations.report import VALUE_COLUMNS, Report, report, values
from db.migrations.revisions import SchemaFit, SchemaState, Target, current_revision, expected_head, schema_state
from db.migrations.runner import AppliedRevision, MigrationOutcome, migrate

__all__ = [
    "VALUE_COLUMNS",
    "Adoption",
    "AppliedRevision",
    "MigrationError",
    "MigrationOutcome",
    "MigrationRefusedError",
    "Progress",
    "Report",
    "SchemaFit",
    "SchemaState",
    "Target",
    "adopt",
    "current_revision",
    "expected_head",
    "migrate",
    "plan",
    "report",
    "schema_state",
    "values",
]
