"""axe-core: finds what makes a page inaccessible. npm installs it into build/, which git ignores."""

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.programs import needed_program

VERSION = "4.14.1"
_SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"

_BUILD = Path(__file__).parents[2] / "build"
_SCRIPT = _BUILD / f"axe-core-{VERSION}.min.js"

_OPTIONS = ["--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
_INSTALL_SECONDS = 300

#: Runs all rules, and returns for each violation its rule, what it says, and the elements.
_RUN = """
async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
    .map(found => ({rule: found.id, help: found.help, at: found.nodes.map(node => node.html.slice(0, 200))}))
"""


def axe_script() -> str:
    """The source of axe-core, installed if it is not there yet.

    Without npm or a registry the test is skipped, but fails in continuous integration.
    """
    if not _SCRIPT.exists():
        _install(needed_program("npm"))
    source = _SCRIPT.read_bytes()
    assert hashlib.sha256(source).hexdigest() == _SHA256, f"{_SCRIPT} is not axe-core {VERSION}: delete it"
    return source.decode()


def violations(page: Page, script: str) -> list[dict[str, Any]]:
    """What axe-core finds on the page."""
    page.evaluate(script)
    found: list[dict[str, Any]] = page.evaluate(_RUN)
    return found


def _install(npm: str) -> None:
    _BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_BUILD) as folder:
        command = [npm, "install", "--prefix", folder, *_OPTIONS, f"axe-core@{VERSION}"]
        installed = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
        if installed.returncode != 0:
            missing = f"npm cannot install axe-core: {installed.stderr[-500:]}"
            assert "CI" not in os.environ, missing
            pytest.skip(missing)
        (Path(folder) / "node_modules" / "axe-core" / "axe.min.js").replace(_SCRIPT)
