"""The wheel that the source archive builds."""

import subprocess
import sys
from pathlib import Path

from tests.end_to_end.installation import PROJECT

_SECONDS = 120


def build_wheel(folder: Path) -> Path:
    """Build the source archive, and from it the wheel, into the folder."""
    archive = _build("sdist", PROJECT, folder)
    subprocess.run(["tar", "-xzf", str(archive), "-C", str(folder)], check=True, timeout=_SECONDS)
    return _build("wheel", folder / archive.name.removesuffix(".tar.gz"), folder)


def _build(target: str, project: Path, folder: Path) -> Path:
    before = set(folder.iterdir())
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)]
    subprocess.run(command, cwd=project, check=True, capture_output=True, timeout=_SECONDS)
    (built,) = set(folder.iterdir()) - before
    return built
