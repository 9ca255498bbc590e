"""The command line: `booksync …`. Exit codes: 0 done, 1 failed, 2 wrong usage."""

from workers.cli.app import main

__all__ = ["main"]
