"""A terminal in a test: what the commands print on a screen of some width."""

import io
import re
from collections.abc import Sequence

import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

from workers.cli import terminal
from workers.cli.app import app

#: Moves of the cursor, with which a progress bar draws itself.
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class _Stream(io.StringIO):
    def isatty(self) -> bool:
        return True


def show(*words: str, width: int, given: str | bytes | None = None) -> list[str]:
    """The lines of a command on a screen of this width, and of its notes."""
    streams = _Stream(), _Stream()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TERM", "xterm")
        for console, stream in zip((terminal.out, terminal.notes), streams, strict=True):
            patched.setattr(console, "_file", stream)
            patched.setattr(console, "_width", width)
        result = CliRunner().invoke(app, words, input=given)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    written = "".join((*(stream.getvalue() for stream in streams), result.stdout))
    return _CONTROLS.sub("", written).splitlines()


def too_wide(lines: Sequence[str], width: int) -> list[str]:
    """The lines that a terminal of this width would break."""
    return [line for line in lines if cell_len(line) > width]
