"""The files that the revisions use, pinned by their hashes: `python -m tests.unit.db.frozen_revisions` pins new ones.

A revision that has run on a database must do the same in every later release, so none of its files may change.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PINS = ROOT / "alembic" / "frozen.sha256"  # in the format of `sha256sum`


def revision_files() -> list[Path]:
    """The files of the revisions."""
    return sorted((ROOT / "alembic" / "versions").glob("*.py"))


@cache
def modules() -> dict[str, Path]:
    """The modules of this project that the revisions import, directly or indirectly."""
    found: dict[str, Path] = {}
    waiting = list(revision_files())
    while waiting:
        for name in _imported(waiting.pop()):
            path = ROOT.joinpath(*name.split("."))
            module = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
            if module.exists() and name not in found:
                found[name] = module
                waiting.append(module)
    return found


def frozen_files() -> list[Path]:
    """All files that a revision runs or reads."""
    folders = (ROOT / "alembic" / "sql", ROOT / "db" / "functions")
    data = [path for folder in folders for path in folder.iterdir() if path.is_file()]
    return sorted([*revision_files(), *modules().values(), *data])


def pins() -> dict[str, str]:
    """File, relative to the project → its pinned SHA-256."""
    lines = PINS.read_text(encoding="utf-8").splitlines() if PINS.exists() else []
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pin_new_files() -> None:
    """Add the files without a pin. An existing pin is never replaced."""
    pinned = {str(path.relative_to(ROOT)): digest(path) for path in frozen_files()} | pins()
    PINS.write_text("".join(f"{pinned[name]}  {name}\n" for name in sorted(pinned)), encoding="utf-8")


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            # A name imported from a package is either one of its modules or a name in its __init__.
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if ROOT.joinpath(*name.split(".")).with_suffix(".py").exists() else node.module


if __name__ == "__main__":
    pin_new_files()
