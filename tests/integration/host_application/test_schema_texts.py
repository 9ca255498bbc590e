"""`booksync schema` prints text that Django, Drizzle, Prisma and Postgres take, and that agrees with the views."""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner, Result

from db.migrations.host_views import VIEWS
from db.session import Session
from tests.integration.db.look import altered, row, rows
from tests.integration.host_application.programs import DRIZZLE, output_of
from tests.integration.migrations.orms.node_packages import node_modules
from tests.integration.migrations.orms.tools import HERE as ORMS
from tests.integration.migrations.orms.tools import Prisma
from tests.programs import needed_program
from workers.cli.app import app
from workers.services.host_schema import Notation, schema_text

HERE = Path(__file__).parent


def printed(engine: Engine, notation: Notation) -> str:
    with engine.connect() as db:
        return schema_text(db, notation)


def expected(engine: Engine) -> dict[str, object]:
    """What a program of a host application must print."""
    customer = row(engine, "SELECT customer_id::text AS id FROM booksync.customers")["id"]
    calls = [each["id"] for each in rows(engine, "SELECT reminder_id::text AS id FROM booksync.due_calls ORDER BY 1")]
    return {"customers": [customer], "calls": calls, "taken": calls, "reported": 2}


def read(output: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads(output)
    return found | {"calls": sorted(found["calls"]), "taken": sorted(found["taken"])}


@pytest.mark.slow
@pytest.mark.usefixtures("due")
def test_django_reads_the_views_and_calls_the_functions(engine: Engine, database_url: str, tmp_path: Path) -> None:
    (tmp_path / "host").mkdir()
    (tmp_path / "host" / "__init__.py").touch()
    (tmp_path / "host" / "models.py").write_text(printed(engine, Notation.DJANGO))
    promised = expected(engine)
    command = [sys.executable, str(HERE / "django_app" / "run.py")]
    output = output_of(command, tmp_path, DATABASE_URL=database_url, PYTHONPATH=str(tmp_path))
    assert read(output) == promised


@pytest.mark.slow
@pytest.mark.usefixtures("due")
def test_drizzle_reads_the_views_and_calls_the_functions(engine: Engine, database_url: str, tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(node_modules("drizzle", DRIZZLE))
    shutil.copy(HERE / "drizzle_run.mjs", tmp_path)
    (tmp_path / "booksync.ts").write_text(printed(engine, Notation.DRIZZLE))
    promised = expected(engine)
    output = output_of([needed_program("node"), "drizzle_run.mjs"], tmp_path, DATABASE_URL=database_url)
    assert read(output) == promised


@pytest.mark.slow
def test_prisma_takes_the_views_and_makes_no_migration_of_them(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    head = """
        datasource db {
          provider = "postgresql"
          schemas = ["public", "booksync"]
        }
        generator client {
          provider = "prisma-client-js"
          previewFeatures = ["views"]
        }
    """
    (tmp_path / "node_modules").symlink_to(node_modules("prisma", Prisma.packages))
    shutil.copy(ORMS / "prisma" / "diff.mjs", tmp_path)
    (tmp_path / "schema.prisma").write_text(head + printed(engine, Notation.PRISMA))
    command = [needed_program("node"), "diff.mjs", "empty", "schema.prisma"]
    statements = output_of(command, tmp_path, DATABASE_URL=database_url)
    assert re.findall(r"^(?:CREATE|ALTER|DROP) (?!SCHEMA).*", statements, re.MULTILINE) == []


_COLUMNS = text("""
    SELECT attname, format_type(atttypid, NULL), col_description(attrelid, attnum)
      FROM pg_attribute WHERE attrelid = CAST(:table AS regclass) AND attnum > 0 ORDER BY attnum
""")
_SIGNATURES = text("""
    SELECT proname, pg_get_function_arguments(oid), pg_get_function_result(oid) FROM pg_proc
     WHERE pronamespace = CAST(:schema AS regnamespace) AND proname IN ('claim_due_reminders', 'report_outcome')
     ORDER BY proname
""")


def described(db: Session, schema: str) -> list[object]:
    """Columns, types and comments of the views or their stand-ins, and the functions without the former contact_id."""
    columns = [list(db.execute(_COLUMNS, {"table": f"{schema}.{view.name}"})) for view in VIEWS]
    functions = [
        [re.sub(r"contact_id uuid, |, contact_id uuid", "", part) for part in found]
        for found in db.execute(_SIGNATURES, {"schema": schema})
    ]
    return [columns, functions]


def test_the_sql_makes_stand_ins_with_the_same_columns_and_signatures(engine: Engine) -> None:
    statements = printed(engine, Notation.SQL)
    with altered(engine, "ALTER SCHEMA booksync RENAME TO kept") as db:
        db.exec_driver_sql(statements)
        assert described(db, "booksync") == described(db, "kept")


def schema(*options: str) -> Result:
    return CliRunner().invoke(app, ("schema", *options))


@pytest.mark.usefixtures("resources")
def test_the_command_prints_the_text_as_it_is(engine: Engine) -> None:
    shown = schema("--drizzle")
    assert (shown.exit_code, shown.stdout) == (0, printed(engine, Notation.DRIZZLE))
    as_json = json.loads(schema("--sql", "--json").stdout)
    assert as_json == {"notation": "sql", "schema": printed(engine, Notation.SQL)}


@pytest.mark.parametrize("options", [(), ("--sql", "--django")])
def test_the_command_needs_exactly_one_notation(options: tuple[str, ...]) -> None:
    refused = schema(*options)
    assert refused.exit_code == 2
    assert "Give one of --prisma, --drizzle, --django and --sql." in " ".join(refused.output.replace("│", " ").split())
