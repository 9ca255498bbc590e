"""What the drills share."""

import sys
from collections.abc import Callable

import pytest


@pytest.fixture
def announce(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Show a seed or a figure at once, also if the drill passes; pytest-xdist lets through only stderr."""

    def shown(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}", file=sys.stderr, flush=True)

    return shown
