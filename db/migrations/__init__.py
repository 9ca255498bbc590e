"""The schema's versions: bring a database to one (`booksync migrate`), and tell which one it has (`/readyz`)."""

from db.migrations.errors import MigrationError, MigrationRefusedError
from db.migrations.revisions import Target, current_revision, expected_head, is_current
from db.migrations.runner import AppliedRevision, MigrationOutcome, migrate

__all__ = [
    "AppliedRevision",
    "MigrationError",
    "MigrationOutcome",
    "MigrationRefusedError",
    "Target",
    "current_revision",
    "expected_head",
    "is_current",
    "migrate",
]
