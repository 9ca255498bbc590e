"""Applications over three ORMs, with the ORM's own tool: Prisma, Drizzle and Django."""

import json
import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from tests.integration.migrations.orms.node_packages import node_modules
from tests.programs import needed_program

HERE: Final = Path(__file__).parent
_SECONDS: Final = 120
#: The application finds the views first.
BRIDGED: Final = "-c search_path=booksync_legacy,public"

#: What an application reads: its invoices, its reminders, and its rows of sync_metadata.
Rows = list[list[dict[str, Any]]]


class Application(ABC):
    """An application that writes through its ORM. `options` are those of its sessions."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.options = ""

    @abstractmethod
    def install(self) -> None:
        """Create the tables by the ORM's tool."""

    @abstractmethod
    def run(self, *number: str) -> Rows:
        """Write an invoice of this number, with its reminder, and return all rows as the application sees them."""

    @abstractmethod
    def proposals(self) -> str:
        """What the ORM's tool would change in the database now, with the lines of docs/migrating.md."""

    def _output(self, command: Sequence[str], **environment: str) -> str:
        variables = os.environ | {"DATABASE_URL": self.url, "PGOPTIONS": self.options} | environment
        done = subprocess.run(
            command, cwd=self.folder, env=variables, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        return done.stdout


class Django(Application):
    """Whole numbers as ids, varchar columns, and NOT NULL without defaults."""

    def install(self) -> None:
        shutil.copytree(HERE / "django_app", self.folder, dirs_exist_ok=True)
        self._manage("makemigrations", "billing")
        self._manage("migrate")

    def run(self, *number: str) -> Rows:
        output = self._output([sys.executable, "application_run.py", *number], **self._settings())
        rows: Rows = json.loads(output)
        return rows

    def proposals(self) -> str:
        return self._output([sys.executable, "proposals.py"], BOOKSYNC="adopted", **self._settings()).strip()

    def _manage(self, *arguments: str) -> None:
        self._output([sys.executable, "-m", "django", *arguments], **self._settings())

    def _settings(self) -> dict[str, str]:
        return {"DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": str(self.folder)}


class Drizzle(Application):
    """Serial ids, times without zone, ENUMs and double precision."""

    packages = ("drizzle-kit@0.31.11", "drizzle-orm@0.45.4", "pg@8.23.1")

    def install(self) -> None:
        shutil.copytree(HERE / "drizzle", self.folder, dirs_exist_ok=True)
        (self.folder / "node_modules").symlink_to(node_modules("drizzle", self.packages))
        self._push("before.config.ts", "--force")

    def run(self, *number: str) -> Rows:
        rows: Rows = json.loads(self._output([needed_program("node"), "application_run.mjs", *number]))
        return rows

    def proposals(self) -> str:
        output = self._push("after.config.ts", "--verbose", "--strict")
        return "" if "No changes detected" in output else output

    def _push(self, config: str, *options: str) -> str:
        kit = self.folder / "node_modules" / "drizzle-kit" / "bin.cjs"
        return self._output([needed_program("node"), str(kit), "push", "--config", config, *options], PGOPTIONS="")


class Prisma(Application):
    """Ids that the client makes, times without zone, ENUMs, and one row of sync_metadata for each user.

    Its schema engine is real: the package for WebAssembly needs no download beside npm's. Its client is not run; the
    statements are the ones that it sends, with the schema of `@@schema`.
    """

    packages = (
        "@prisma/schema-engine-wasm@7.10.0-7.561d7b42579a2459cc8edf3788918b626c640023",
        "@prisma/adapter-pg@7.10.1",
        "@prisma/driver-adapter-utils@7.10.1",
        "pg@8.23.1",
    )

    def install(self) -> None:
        shutil.copytree(HERE / "prisma", self.folder, dirs_exist_ok=True)
        (self.folder / "node_modules").symlink_to(node_modules("prisma", self.packages))
        with self._session() as session:
            session.execute(self._diff("empty", "schema.prisma").encode())

    def run(self, *number: str) -> Rows:
        schema = "booksync_legacy" if self.options else "public"
        statements = (HERE / "prisma" / "statements.sql").read_text().replace("{schema}", schema)
        *writing, invoices, reminders, syncs = statements.split(";\n")
        with self._session() as session:
            for each in writing if number else []:
                session.execute(each.encode(), {"number": number[0]})
            reading = (invoices, reminders, syncs)
            rows: Rows = [session.execute(each.encode()).fetchall() for each in reading]
        return rows

    def proposals(self) -> str:
        with self._session() as session:
            found = session.execute("""
                SELECT schemaname || '.' || tablename AS name FROM pg_tables
                WHERE schemaname = 'booksync' OR tablename = 'booksync_alembic_version'
            """)
            external = [row["name"] for row in found]
        for table in ("invoices_cache", "reminders", "sync_metadata"):
            external += [f"public.{table}", f"booksync_legacy.{table}"]
        output = self._diff("database", "after.prisma", EXTERNAL=",".join(external))
        return output.replace("-- This is an empty migration.", "").strip()

    def _diff(self, start: str, schema: str, **environment: str) -> str:
        return self._output([needed_program("node"), "diff.mjs", start, schema], **environment)

    def _session(self) -> "psycopg.Connection[dict[str, Any]]":
        return psycopg.connect(self.url, autocommit=True, row_factory=dict_row)
