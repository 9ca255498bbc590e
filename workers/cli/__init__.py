"""The command line: `booksync …`. Exit codes: 0 done, 1 failed, 2 wrong usage."""

import sys
from typing import NoReturn

__all__ = ["main"]


def main() -> NoReturn:
    """Runs the command."""
    if sys.argv[1:3] == ["phones", "check"]:
        from workers.cli import phones_check

        phones_check.run(sys.argv[3:])
    # Imported late: it loads the database's and the queue's libraries, which takes a second.
    from workers.cli.app import main as run_any

    run_any()
