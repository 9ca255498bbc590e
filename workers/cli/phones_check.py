"""`booksync phones check`: the verdicts on phone texts, one by one or as a filter.

It works without settings, database and queue, and does not import them, because other programs start it often.
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
        typer.Argument(metavar="TEXT", help="As it stands in Zoho. Put -- before a text that begins with a dash."),
    ] = None,
    country: Annotated[
        str | None,
        typer.Option(
            "--country",
            metavar="COUNTRY",
            help="Where a number without a prefix belongs: DE, DEU or Germany. With stdin: of lines that name none.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a text on stdout.")] = False,
) -> None:
    """Say whether phone texts are numbers, and whether these are called.

    Without TEXT it reads stdin, a text a line, with its country and a tab before it: COUNTRY<TAB>TEXT.
    """
    its_country = None if country is None else _plain(country)
    if text is None and sys.stdin.isatty():
        print("Reading lines COUNTRY<TAB>TEXT; Ctrl-D ends them.", file=sys.stderr)
    checks = _checked_lines(its_country) if text is None else iter([check(_plain(text), its_country)])
    _print_json(checks) if as_json else _print_table(checks)


def run(words: list[str]) -> NoReturn:
    """The command by itself, with the words that follow its name."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(check_phones)
    app(words, prog_name="booksync phones check")
    sys.exit(0)


def _checked_lines(country: str | None) -> Iterator[PhoneCheck]:
    """A check for each line of stdin, empty ones included, so that the answers can be joined with the lines."""
    for number, line in enumerate(sys.stdin.buffer):
        text = line.decode("utf-8-sig" if number == 0 else "utf-8", "replace")
        first, tab, rest = text.removesuffix("\n").removesuffix("\r").partition("\t")
        if tab:
            yield check(rest, first or country or first)
        else:
            yield check(first, country)


def _plain(argument: str) -> str:
    """The argument, with bytes that are not UTF-8 replaced."""
    return argument.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _print_json(checks: Iterator[PhoneCheck]) -> None:
    # A program may wait for each answer before it writes the next line.
    for each in checks:
        _write(json_line(each.as_json()))


def _print_table(checks: Iterator[PhoneCheck]) -> None:
    """Columns of fixed widths, so that the first line is printed before the last one is read."""
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
