"""Prints the SQL that Django's migrations would run next, with the models as they are after the adoption."""

from io import StringIO
from pathlib import Path

import django
from django.core.management import call_command

django.setup()

# With managed = False the next migration changes only Django's own record of the models.
call_command("makemigrations", "billing", stdout=StringIO())
newest = max(path.stem for path in (Path(__file__).parent / "billing" / "migrations").glob("0*.py"))
output = StringIO()
call_command("sqlmigrate", "billing", newest, stdout=output, no_color=True)
for line in output.getvalue().splitlines():
    if line and not line.startswith("--") and line not in ("BEGIN;", "COMMIT;"):
        print(line)
