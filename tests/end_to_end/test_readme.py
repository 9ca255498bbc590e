"""The README's way to production, with stand-ins for what needs a network, a superuser's account or a person."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from sandbox.servers.ports import LOOPBACK
from sandbox.zoho.control import SandboxControl
from tests.end_to_end.installation import PROGRAMS, PROJECT

_USER = "7d9f3c52-6f0e-4b7a-9d0c-0f6b4f6a8f11"

#: Programs of the block → the shell script that stands in for each.
_STAND_INS = {
    "python3": "mkdir -p venv/bin && : > venv/bin/activate",
    "pip": ":",
    "sudo": f'[ "$3" = createdb ] || exec {sys.executable} -c '
    "'import os, psycopg, sys; psycopg.connect(os.environ[\"ADMIN\"], autocommit=True).execute(sys.stdin.read())'",
    "editor": 'printf "%s\\n" ZOHO_CLIENT_ID=sandbox-client ZOHO_CLIENT_SECRET=sandbox-secret '
    '"REDIS_URL=$REDIS" >> "$1"',
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with what the release has."""
    shutil.copy(PROJECT / ".env.example", tmp_path)
    (tmp_path / "bin").mkdir()
    for name, script in _STAND_INS.items():
        program = tmp_path / "bin" / name
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
    return tmp_path


def block(database: str, zoho: SandboxControl) -> str:
    """The README's block, for this database and the simulator's organisation."""
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    (commands,) = re.findall(r"<!-- PRODUCTION: .*?```sh\n(.*?)```", readme, re.DOTALL)
    url = make_url(database)
    address = f"{LOOPBACK}:{url.port}/{url.database}"
    return (
        str(commands)
        .replace("127.0.0.1:5432/booksync", address)
        .replace("--user ID", f"--user {_USER}")
        .replace("--organization NUMBER", f"--organization {zoho.organization_id} --json")
    )


def test_the_commands_of_the_readme_lead_to_a_connection(
    folder: Path, postgres_url: str, redis_url: str, zoho: SandboxControl
) -> None:
    environment = {
        "PATH": f"{folder / 'bin'}:{PROGRAMS}:{os.environ['PATH']}",
        "PYTHONPATH": str(PROJECT),
        "ADMIN": postgres_url,
        "REDIS": redis_url,
        "ZOHO_API_URL": zoho.url,
        "ZOHO_ACCOUNTS_URL": zoho.url,
        "BOOKSYNC_GRANT_CODE": zoho.grant_code(),
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block(postgres_url, zoho)],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (folder / ".env").stat().st_mode & 0o777 == 0o600
    with psycopg.connect(postgres_url) as database:
        assert database.execute("SELECT status FROM booksync.zoho_connections").fetchall() == [("active",)]
        owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'booksync'"
        assert database.execute(owners).fetchall() == [("booksync_owner",)]
