"""Packages of npm that the tests need. npm installs them into build/, which git ignores."""

import errno
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.programs import needed_program

_BUILD = Path(__file__).parents[4] / "build"
_OPTIONS = ["--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
_INSTALL_SECONDS = 300


def node_modules(name: str, packages: Sequence[str]) -> Path:
    """The folder `node_modules` with these packages ("name@version"), installed if it is not there yet.

    Without npm or a registry the test is skipped, but fails in continuous integration.
    """
    versions = "-".join(package.rpartition("@")[2] for package in packages)
    folder = _BUILD / f"{name}-{versions}" / "node_modules"
    if not folder.exists():
        npm = needed_program("npm")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_BUILD) as fresh:
            command = [npm, "install", "--prefix", fresh, *_OPTIONS, *packages]
            installed = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
            if installed.returncode != 0:
                missing = f"npm cannot install {' '.join(packages)}: {installed.stderr[-500:]}"
                assert "CI" not in os.environ, missing
                pytest.skip(missing)
            try:
                (Path(fresh) / "node_modules").replace(folder)
            except OSError as error:
                # Another test process has just installed the same packages.
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
    return folder
