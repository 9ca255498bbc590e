"""The command line: `booksync …`. Exit codes: 0 done, 1 failed, 2 wrong usage."""

import io
import json
import sys
from collections.abc import Sequence
from typing import NoReturn

from domain.printable import printable

__all__ = ["main"]

_WRONG_USAGE = 2


def main() -> NoReturn:
    """Runs the command."""
    _write_what_the_encoding_lacks_as_escapes()
    if sys.argv[1:3] == ["phones", "check"]:
        from workers.cli import phones_check

        phones_check.run(sys.argv[3:])  # It has a verdict on any bytes.
    _refuse_bytes_that_are_no_text(sys.argv[1:])
    # Imported late: it loads the database's and the queue's libraries, which takes a second.
    from workers.cli.app import main as run_any

    run_any()


def _write_what_the_encoding_lacks_as_escapes() -> None:
    """A terminal or a pipe may have another encoding than UTF-8, which cannot write every name."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _refuse_bytes_that_are_no_text(arguments: Sequence[str]) -> None:
    """Ends the process with exit code 2 where an argument is not UTF-8: no statement and no JSON could hold it."""
    for argument in arguments:
        shown = printable(argument.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))
        try:
            argument.encode()
        except UnicodeEncodeError:
            sentence = f"The argument {shown} is not UTF-8 text."
            print(f"booksync: {sentence}", file=sys.stderr)
            if "--json" in arguments:
                print(json.dumps({"error": sentence}))
            sys.exit(_WRONG_USAGE)
