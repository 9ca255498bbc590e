"""The previous release: its code out of the repository's history, with the packages of this environment."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.end_to_end.installation import PROGRAMS, PROJECT, Installation

VERSION = "0.2.0"


def code_of_the_previous_release(folder: Path, version: str = VERSION) -> Path:
    """A folder with the code of the commit `Release` of that version; skips the test where the history is missing."""
    found = _git("log", "--format=%H", "--max-count=1", f"--grep=^Release {version}$", "HEAD").strip()
    if not found:
        pytest.skip(f'the history has no commit "Release {version}"')
    folder.mkdir()
    archive = subprocess.run(["git", "archive", found], cwd=PROJECT, capture_output=True, check=True)
    subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
    return folder


def of_the_previous_release(installation: Installation, code: Path) -> Installation:
    """The same settings, with the previous release's code; it has its own processes and logs."""
    logs = installation.logs / f"release-{VERSION}"
    logs.mkdir()
    environment = installation.environment | {"PYTHONPATH": str(code)}
    return replace(installation, environment=environment, logs=logs, project=code, processes=[])


def run_booksync(installation: Installation, *words: str) -> str:
    """Run a command of that release in a process of its own, and return its output."""
    command = [str(PROGRAMS / "booksync"), *words]
    done = subprocess.run(
        command, cwd=installation.project, env=installation.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
