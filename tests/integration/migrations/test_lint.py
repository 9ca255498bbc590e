"""squawk over the SQL of the migrations: no long lock of a table, and no break of another application."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from db.migrations.revisions import Target
from db.migrations.runner import migrate

_CHANGES = re.compile(r"\s*(?:--.*\n\s*)*(?:CREATE|ALTER|DROP|COMMENT|SET (?:lock|statement)_timeout)", re.IGNORECASE)

#: squawk's rules that do not apply, each with its reason.
_EXCLUDED = {
    "ban-drop-column": "phase 3 is there to drop the old columns, once the legacy application is gone",
    "ban-drop-constraint": "dropped objects are recreated at once, so that a revision can be repeated, or a CHECK that"
    " NOT NULL has replaced",
    "ban-drop-not-null": "only a disconnected connection has no secrets, and no release gives it work",
    "ban-drop-function": "they are booksync's own, and no application calls them",
    "ban-set-schema": "a view stays under the former name, with the table's grants",
    "renaming-table": "a view stays under the former name",
    "renaming-object": "constraints follow the name of their table, and no statement of booksync names them",
    "renaming-column": "the view keeps the former name of the column",
    "prefer-bigint-over-int": "counters of steps and attempts; no key is of 32 bits",
}


@pytest.fixture
def squawk() -> str:
    beside_python = Path(sys.executable).parent / "squawk"
    found = shutil.which(str(beside_python)) or shutil.which("squawk")
    if found is None:
        assert "CI" not in os.environ, "squawk is not installed: it comes with requirements-dev.txt"
        pytest.skip("squawk is not installed")
    return found


@pytest.mark.slow
def test_squawk_reports_nothing(url: str, squawk: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate(url, Target.LEGACY)
    with monkeypatch.context() as patched:
        sent = Sent(patched)
        migrate(url)
    assert any("DROP COLUMN IF EXISTS customer_name" in statement for statement in sent.alone)
    assert any("CREATE TABLE customers_cache" in statement for statement in sent.together)

    for name, statements, options in (("alone", sent.alone, []), ("together", sent.together, [_TOGETHER])):
        script = tmp_path / f"{name}.sql"
        script.write_text("SET lock_timeout = '1s';\nSET statement_timeout = '1min';\n" + "\n".join(statements))
        said = subprocess.run(
            [squawk, "--pg-version=15.0", f"--exclude={','.join(_EXCLUDED)}", "--reporter=gcc", *options, script],
            capture_output=True,
            text=True,
        )
        assert said.stdout == ""
        assert said.returncode == 0, said.stderr


_TOGETHER = "--assume-in-transaction"


class Sent:
    """The schema changes that a migration sends: alone, or together in a revision's transaction."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.alone: list[str] = []
        self.together: list[str] = []
        execute = psycopg.Cursor.execute

        def recorded(cursor: Any, query: Any, *arguments: Any, **options: Any) -> Any:
            statement = query.decode() if isinstance(query, bytes) else query
            statement = statement if isinstance(statement, str) else statement.as_string(cursor)
            if _CHANGES.match(statement):
                self._note(statement.strip().rstrip(";"), alone=cursor.connection.autocommit)
            return execute(cursor, query, *arguments, **options)

        monkeypatch.setattr(psycopg.Cursor, "execute", recorded)

    def _note(self, statement: str, *, alone: bool) -> None:
        if not alone:
            self.together.append(f"{statement};")
        elif ";\n" in statement:
            # By the protocol, several statements in one string are one transaction.
            self.alone.append(f"BEGIN;\n{statement};\nCOMMIT;")
        else:
            self.alone.append(f"{statement};")
