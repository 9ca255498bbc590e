"""The wheel that the source archive builds works in an environment of its own, outside a checkout."""

import os
import subprocess
import sysconfig
import venv
import zipfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest
from cryptography.fernet import Fernet

from sandbox.servers.ports import LOOPBACK, free_port
from sandbox.zoho.control import SandboxControl
from tests.end_to_end.installation import PROJECT, Outcome, settings_for
from tests.end_to_end.underway import eventually
from tests.shared import made_once

pytestmark = pytest.mark.slow

_SECONDS = 120

#: Imports every module of the packages that the wheel has.
_IMPORT_ALL = """
import importlib, pkgutil, db, domain, workers
for package in (db, domain, workers):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
    print(package.__file__)
"""


@dataclass(frozen=True)
class Environment:
    """A virtual environment in which only booksync's wheel and the packages that booksync needs are installed."""

    folder: Path

    def run(self, program: str, *words: str, **settings: str) -> Outcome:
        """Run a program of the environment in an empty folder."""
        process = subprocess.run(
            [self.folder / "bin" / program, *words],
            env=self.environment(settings),
            cwd=self._empty_folder(),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        return Outcome(process.returncode, process.stdout, process.stderr)

    def start(self, *words: str, **settings: str) -> "subprocess.Popen[bytes]":
        """Start `python WORDS…` in an empty folder."""
        return subprocess.Popen(
            [self.folder / "bin" / "python", *words], env=self.environment(settings), cwd=self._empty_folder()
        )

    def environment(self, settings: dict[str, str]) -> dict[str, str]:
        needed = {name: value for name, value in settings.items() if name != "PYTHONPATH"}
        return needed | {"PATH": os.defpath, "HOME": str(self.folder)}

    def _empty_folder(self) -> Path:
        empty = self.folder / "empty"
        empty.mkdir(exist_ok=True)
        return empty


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return made_once(tmp_path_factory, "venv", partial(_installed, wheel))


def _installed(wheel: Path, folder: Path) -> Environment:
    venv.EnvBuilder(with_pip=True, symlinks=True).create(folder)
    environment = Environment(folder)
    installed = environment.run("python", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", str(wheel))
    assert installed.code == 0, installed.stderr
    # The packages that booksync needs are those of the tests. Python does not read the .pth files in a folder that
    # a .pth file names, so the checkout is not in this environment.
    (site_packages,) = (folder / "lib").glob("python*/site-packages")
    (site_packages / "needed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return environment


@pytest.fixture
def settings(postgres_url: str, redis_url: str, zoho: SandboxControl) -> dict[str, str]:
    """The settings of an installation with a database without tables."""
    return settings_for(postgres_url, redis_url, zoho.url, Fernet.generate_key().decode())


def test_the_wheel_has_no_simulator_no_tests_and_no_benchmarks(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"db", "domain", "workers"}
    assert [name for name in names if "simulator" in name or "test" in Path(name).name.split("_")] == []


def test_each_file_of_the_packages_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        names = {name for name in opened.namelist() if ".dist-info/" not in name}
    files = {
        f"{path.relative_to(PROJECT)}"
        for folder in ("alembic", "db", "domain", "workers")
        for path in (PROJECT / folder).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    expected = {f"db/{name}" if name.startswith("alembic/") else name for name in files}
    assert expected - names == set()


def test_each_module_of_the_wheel_can_be_imported_outside_a_checkout(
    environment: Environment, settings: dict[str, str]
) -> None:
    imported = environment.run("python", "-c", _IMPORT_ALL, **settings)
    assert imported.code == 0, imported.stderr
    assert [line.startswith(str(environment.folder)) for line in imported.stdout.splitlines()] == [True] * 3
    assert "sandbox" in environment.run("python", "-c", "import sandbox").stderr


def test_the_installed_wheel_migrates_connects_and_syncs(
    environment: Environment, settings: dict[str, str], zoho: SandboxControl
) -> None:
    migrated = environment.run("booksync", "migrate", **settings)
    assert migrated.code == 0, migrated.stderr
    grant = ("--organization", zoho.organization_id, "--grant-code", zoho.grant_code())
    user = ("--user", "7d9f3c52-6f0e-4b7a-9d0c-0f6b4f6a8f11")
    connected = environment.run("booksync", "connect", *user, *grant, "--json", **settings)
    assert connected.code == 0, connected.stderr
    worker = environment.start("-m", "dramatiq", "workers.main", "--processes", "1", "--threads", "4", **settings)
    try:
        synced = environment.run("booksync", "sync", connected.json["connection_id"], "--wait", "--json", **settings)
    finally:
        worker.terminate()
        worker.wait(_SECONDS)
    assert (synced.code, synced.json["status"]) == (0, "succeeded"), synced.stderr
    returned = environment.run("booksync", "migrate", "--to", "legacy", **settings)
    assert returned.code == 0, returned.stderr


def test_the_installed_wheel_serves_the_console(
    environment: Environment, settings: dict[str, str], database_url: str
) -> None:
    port = free_port()
    settings |= {"DATABASE_URL": database_url, "CONSOLE_PASSWORD": "correct horse battery"}
    web = environment.start("-m", "uvicorn", "workers.web.app:app", "--host", LOOPBACK, "--port", f"{port}", **settings)
    try:
        eventually(lambda: _status_of(f"http://{LOOPBACK}:{port}/sign-in") == 200)
    finally:
        web.terminate()
        web.wait(_SECONDS)


def _status_of(address: str) -> int | None:
    try:
        return httpx.get(address, headers={"Accept": "text/html"}, trust_env=False).status_code
    except httpx.TransportError:
        return None
