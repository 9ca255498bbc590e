"""The folder of the migrations: `alembic/` next to the packages in a checkout, `db/alembic/` in an installed wheel."""

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_INSTALLED: Final = _PACKAGE / "alembic"

#: The folder with alembic's script, found from this file: the working directory does not matter. Next to an installed
#: package the folder `alembic` is the library, so the other place is looked at first.
FOLDER: Final = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent / "alembic"

#: The SQL of released revisions.
SQL: Final = FOLDER / "sql"

#: The SQL functions of the present release.
FUNCTIONS: Final = _PACKAGE / "functions"
