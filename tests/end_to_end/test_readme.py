"""The README's way to production, with stand-ins for a network, a superuser's account and Zoho."""

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest
from sqlalchemy import make_url

from sandbox.servers.ports import LOOPBACK, free_port
from sandbox.zoho.clients import CLIENT_ID, CLIENT_SECRET
from sandbox.zoho.control import SandboxControl
from tests.end_to_end.installation import PROJECT
from tests.end_to_end.underway import eventually
from tests.processes import all_gone

_MOST_COMMANDS = 10
_SECONDS = 120

#: Programs of the block → the shell script that stands in for each. The packages that booksync needs are those of the
#: tests, so pip installs only the wheel.
_STAND_INS = {
    "python3": f"""{sys.executable} "$@"
        echo {sysconfig.get_path("purelib")} > "$(echo venv/lib/python*/site-packages)/needed.pth"
        cp bin/pip venv/bin/pip""",
    "pip": """case "$*" in *--require-hashes*) ;; *) exec venv/bin/python -m pip "$@" --no-index ;; esac""",
    "sudo": f"""[ "$3" = createdb ] || exec {sys.executable} -c '
import os, psycopg, sys
psycopg.connect(os.environ["ADMIN"], autocommit=True).execute(sys.stdin.read())'""",
}


def block() -> str:
    """The commands of the README."""
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    (commands,) = re.findall(r"<!-- PRODUCTION: .*?```sh\n(.*?)```", readme, re.DOTALL)
    return str(commands)


@dataclass(frozen=True)
class Newcomer:
    """A folder with what the release has, and the shell in which the README's commands run."""

    folder: Path
    port: int
    shell: "subprocess.Popen[bytes]"

    @property
    def settings(self) -> dict[str, str]:
        lines = (self.folder / ".env").read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)

    def status_of_console(self, password: str) -> int | None:
        """The status of the console's first page for this password; None before the web process runs."""
        try:
            return httpx.get(f"http://{LOOPBACK}:{self.port}/", auth=("", password), trust_env=False).status_code
        except httpx.TransportError:
            return None

    def run(self, *words: str, **more: str) -> None:
        program = self.folder / "venv" / "bin" / "booksync"
        environment = {"PATH": os.defpath, "HOME": str(self.folder)} | self.settings | more
        subprocess.run([program, *words], env=environment, cwd=self.folder, check=True, timeout=_SECONDS)


@pytest.fixture
def newcomer(
    tmp_path: Path, wheel: Path, postgres_url: str, redis_url: str, zoho: SandboxControl
) -> Iterator[Newcomer]:
    for file in (wheel, PROJECT / "requirements.txt"):
        shutil.copy(file, tmp_path)
    (tmp_path / "bin").mkdir()
    for name, script in _STAND_INS.items():
        program = tmp_path / "bin" / name
        program.write_text(f"#!/bin/sh -e\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
    port = free_port()
    environment = {
        "PATH": f"{tmp_path / 'bin'}:{os.defpath}",
        "HOME": str(tmp_path),
        "ADMIN": postgres_url,
        "PORT": f"{port}",
        "ZOHO_API_URL": zoho.url,
        "ZOHO_ACCOUNTS_URL": zoho.url,
    }
    commands = here(postgres_url, redis_url, port)
    with subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", commands], env=environment, cwd=tmp_path, start_new_session=True
    ) as shell:
        try:
            yield Newcomer(tmp_path, port, shell)
        finally:
            for process in family_of(shell):
                process.kill()


def here(postgres_url: str, redis_url: str, port: int) -> str:
    """The block for these servers."""
    url = make_url(postgres_url)
    replaced = {
        "127.0.0.1:5432/booksync": f"{LOOPBACK}:{url.port}/{url.database}",
        "redis://127.0.0.1:6379/0": redis_url,
        "http://127.0.0.1:8000": f"http://{LOOPBACK}:{port}",
        "ZOHO_CLIENT_ID=ID": f"ZOHO_CLIENT_ID={CLIENT_ID}",
        "ZOHO_CLIENT_SECRET=SECRET": f"ZOHO_CLIENT_SECRET={CLIENT_SECRET}",
    }
    commands = block()
    for documented, used in replaced.items():
        assert documented in commands
        commands = commands.replace(documented, used)
    return commands


def family_of(shell: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    try:
        parent = psutil.Process(shell.pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def test_the_way_has_at_most_ten_commands() -> None:
    commands = re.sub(r"<<END\n.*?\nEND\n", "\n", block(), flags=re.DOTALL).splitlines()
    assert len(commands) <= _MOST_COMMANDS
    assert [command for command in commands if ";" in re.sub(r"\{.*?; \}|'.*?'|\".*?\"", "", command)] == []
    assert [command for command in commands if "&&" in command or "||" in command] == []


@pytest.mark.slow
@pytest.mark.timeout(600)  # The wheel is built and installed first.
def test_the_commands_of_the_readme_lead_to_a_running_product(
    newcomer: Newcomer, postgres_url: str, zoho: SandboxControl
) -> None:
    eventually(lambda: newcomer.shell.poll() is not None or newcomer.status_of_console("") is not None, _SECONDS)
    assert newcomer.shell.poll() is None, "the commands failed"
    assert (newcomer.folder / ".env").stat().st_mode & 0o777 == 0o600
    assert newcomer.status_of_console("another password") == 401
    assert newcomer.status_of_console(newcomer.settings["CONSOLE_PASSWORD"]) == 200

    organization = ("--organization", zoho.organization_id)
    grant = {"BOOKSYNC_GRANT_CODE": zoho.grant_code(), "ZOHO_API_URL": zoho.url, "ZOHO_ACCOUNTS_URL": zoho.url}
    newcomer.run("connect", "--user", str(uuid.uuid4()), *organization, **grant)
    newcomer.run("sync", zoho.organization_id, "--wait")
    with psycopg.connect(postgres_url, autocommit=True) as database:
        assert database.execute("SELECT DISTINCT status FROM booksync.sync_runs").fetchall() == [("succeeded",)]
        kinds = "SELECT DISTINCT kind FROM booksync.processes ORDER BY kind"
        assert database.execute(kinds).fetchall() == [("scheduler",), ("web",), ("worker",)]
        owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'booksync'"
        assert database.execute(owners).fetchall() == [("booksync_owner",)]
        passwords = "SELECT rolname FROM pg_authid WHERE rolname ~ '^booksync_' AND rolpassword ~ '^SCRAM-SHA-256'"
        assert {("booksync_owner",), ("booksync_worker",)} <= set(database.execute(passwords).fetchall())

    family = family_of(newcomer.shell)
    os.killpg(newcomer.shell.pid, signal.SIGINT)  # Ctrl-C
    assert all_gone(family, seconds=_SECONDS)
