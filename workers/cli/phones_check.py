"""`booksync phones check`: the verdict on one phone text, or on each line of stdin.

The command imports neither settings nor database nor queue, so that it starts quickly: other programs start it often.
"""

import sys
import unicodedata
from collections.abc import Iterator
from typing import Annotated, NoReturn

import typer
from rich.cells import set_cell_size
from typer.main import get_command

from domain.phone_check import PhoneCheck, check
from domain.printable import printable
from workers.cli.examples import examples, with_examples
from workers.cli.lazy_commands import plain_typer
from workers.cli.lines import shortened, wrapped
from workers.cli.terminal import json_line, out

_TEXT_WIDTH = 32
_NUMBER_WIDTH = 16
_NARROWEST_VERDICT = 20
_WITHOUT_NUMBER = "—"


@examples(
    "booksync phones check '030 9384756' --country DE",
    "booksync phones check < numbers.txt | cut -f 2",
    "booksync phones check +442070313000 --json | jq .callable",
)
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
    app = plain_typer()
    app.command()(check_phones)
    with_examples(get_command(app))(words, prog_name="booksync phones check")
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
    """Print a table whose columns have fixed widths, because each text has its result before the next is read.

    A pipe gets the values with tabs between them.
    """
    row = _row if out.is_screen else _values
    _write(row("text", "number", "verdict"))
    for each in checks:
        _write(row(each.text, each.verdict.e164 or _WITHOUT_NUMBER, each.sentence))


def _values(text: str, number: str, verdict: str) -> str:
    return "\t".join((printable(text), number, verdict))


def _row(text: str, number: str, verdict: str) -> str:
    shown = shortened(printable(unicodedata.normalize("NFC", text)), _TEXT_WIDTH)
    start = f"{set_cell_size(shown, _TEXT_WIDTH)}  {number:<{_NUMBER_WIDTH}}  "
    blanks = " " * (_TEXT_WIDTH + _NUMBER_WIDTH + 4)
    first, *others = wrapped(verdict, max(out.width - len(blanks), _NARROWEST_VERDICT))
    return "\n".join((f"{start}{first}", *(f"{blanks}{line}" for line in others)))


def _write(line: str) -> None:
    sys.stdout.buffer.write(line.encode() + b"\n")
    sys.stdout.buffer.flush()
