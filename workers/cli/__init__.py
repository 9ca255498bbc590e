"""The command line: `booksync …`. Exit codes: 0 done, 1 failed, 2 wrong usage."""

import gc
import io
import json
import sys
from collections.abc import Sequence
from typing import NoReturn

from domain.printable import printable

__all__ = ["main"]

_WRONG_USAGE = 2


def main() -> NoReturn:
    """Run the `booksync` command."""
    _write_what_the_encoding_lacks_as_escapes()
    if sys.argv[1:3] == ["phones", "check"]:
        from workers.cli import phones_check

        phones_check.run(sys.argv[3:])  # The check of one phone text accepts any bytes, so it precedes the UTF-8 check.
    _refuse_bytes_that_are_no_text(sys.argv[1:])
    gc.disable()  # Until the command's module is loaded, see `workers.cli.lazy_commands`.
    # The imports are late, because most of what they load is not needed for the lines above.
    from workers.cli.app import main as run_any
    from workers.cli.deferred_modules import defer_modules

    defer_modules()
    run_any()


def _write_what_the_encoding_lacks_as_escapes() -> None:
    """Make stdout and stderr write an escape for each character that their encoding, such as ASCII, lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _refuse_bytes_that_are_no_text(arguments: Sequence[str]) -> None:
    """Exit with code 2 if an argument is not UTF-8, because neither SQL nor JSON could hold it."""
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
