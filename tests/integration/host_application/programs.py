"""Programs of host applications, run as processes with the address of the test's database."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

#: Packages of npm for the programs in JavaScript: those of the migrations' tests, so that one folder serves both.
DRIZZLE: Final = ("drizzle-kit@0.31.11", "drizzle-orm@0.45.4", "pg@8.23.1")
_SECONDS = 120


def output_of(command: Sequence[str], folder: Path, **environment: str) -> str:
    """What the program printed. Fails unless it ends with status 0."""
    done = subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout
