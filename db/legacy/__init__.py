"""The one-time migration of the older application's tables: adoption, backfill, and the report of their values.

Only the revisions, `alembic/env.py` and the legacy options of `booksync migrate` import this package.
"""

from db.legacy.adoption import Adoption, adopt, plan, print_sql
from db.legacy.report import VALUE_COLUMNS, Report, report, values

__all__ = ["VALUE_COLUMNS", "Adoption", "Report", "adopt", "plan", "print_sql", "report", "values"]
