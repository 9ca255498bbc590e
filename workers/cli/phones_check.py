"""`booksync phones check`: the verdict on one phone text, or on each line of stdin.

The command imports neither settings nor database nor queue, so that it starts quickly: other programs start it often.
"""

import sys
import unicodedata
from collections.abc import Iterator
from typing import Annotated, NoReturn

import typer
from rich.cells import cell_len, set_cell_size

from domain.phone_check import PhoneCheck, check
from domain.printable import printable
from workers.cli.terminal import json_line

_TEXT_WIDTH = 32
_NUMBER_WIDTH = 16
_WITHOUT_NUMBER = "—"


def check_phones(
    text: Annotated[
        str | None,
        typer.Argument(
            metavar="TEXT", help="The text as stored in Zoho. Put -- before a text that begins with a dash."
        ),
    ] = None,
    country: Annotated[
        str | None,
        typer.Option(
            "--country",
            metavar="COUNTRY",
            help="The country of a number without a prefix: DE, DEU or Germany. With stdin: for lines without one.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per text on stdout.")] = False,
) -> None:
    """Check whether phone texts are numbers, and whether these are called.

    Without TEXT the command reads stdin, one text per line. A country may precede the text: COUNTRY<TAB>TEXT.
    """
    its_country = None if country is None else _plain(country)
    if text is None and sys.stdin.isatty():
        print("Reading lines COUNTRY<TAB>TEXT; Ctrl-D ends them.", file=sys.stderr)
    checks = _checked_lines(its_country) if text is None else iter([check(_plain(text), its_country)])
    _print_json(checks) if as_json else _print_table(checks)


def run(words: list[str]) -> NoReturn:
    """Run `booksync phones check` without loading other commands. `words` are the arguments after its name."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(check_phones)
    app(words, prog_name="booksync phones check")
    sys.exit(0)


def _checked_lines(country: str | None) -> Iterator[PhoneCheck]:
    """Yield a verdict for each line of stdin, even for an empty line, so that output lines match input lines."""
    for number, line in enumerate(sys.stdin.buffer):
        text = line.decode("utf-8-sig" if number == 0 else "utf-8", "replace")
        first, tab, rest = text.removesuffix("\n").removesuffix("\r").partition("\t")
        if tab:
            yield check(rest, first or country or first)
        else:
            yield check(first, country)


def _plain(argument: str) -> str:
    """Return the command-line argument with invalid UTF-8 bytes replaced."""
    return argument.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _print_json(checks: Iterator[PhoneCheck]) -> None:
    # Each line of output is flushed, because a program may wait for it before it writes the next text.
    for each in checks:
        _write(json_line(each.as_json()))


def _print_table(checks: Iterator[PhoneCheck]) -> None:
    """Print a table with fixed column widths, so that each line is printed as soon as its text is read."""
    _write(_row("text", "number", "verdict"))
    for each in checks:
        _write(_row(each.text, each.verdict.e164 or _WITHOUT_NUMBER, each.sentence))


def _row(text: str, number: str, verdict: str) -> str:
    shown = printable(unicodedata.normalize("NFC", text))
    if cell_len(shown) > _TEXT_WIDTH:
        shown = f"{set_cell_size(shown, _TEXT_WIDTH - 1)}…"
    return f"{set_cell_size(shown, _TEXT_WIDTH)}  {number:<{_NUMBER_WIDTH}}  {verdict}"


def _write(line: str) -> None:
    sys.stdout.buffer.write(line.encode() + b"\n")
    sys.stdout.buffer.flush()
