"""`booksync doctor`: the troubles of an installation, each with its cause and the next step."""

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Annotated, Final

import typer

from workers.cli.connection_lines import minute_of
from workers.cli.examples import examples
from workers.cli.terminal import emphasized, notes, print_json, results
from workers.services.doctor.checkup import Checkup
from workers.services.doctor.examination import examine_installation
from workers.services.doctor.findings import Finding, Part, Severity, counted

#: The width of the report, which fits any terminal and a message to a colleague.
_WIDTH: Final = 80

#: The most findings of one kind in the report; --json has all.
_SHOWN: Final = 3


@examples(
    "booksync doctor --ask-zoho",
    "booksync doctor --json | jq -r '.findings[].next_step'",
)
def doctor(
    asks_zoho: Annotated[
        bool, typer.Option("--ask-zoho", help="Also try each connection, by one API call (at most 20 connections).")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """Examine the installation, and name each trouble with its cause and the next step (exit code 1 on an error)."""
    checkup = examine_installation(lambda slow: notes.print(f"Waiting for {slow} …"))
    if asks_zoho and Part.ZOHO not in checkup.unchecked:
        checkup = _with_zoho(checkup)
    tell = results(as_json)
    for line, style in _report(checkup):
        tell.print(emphasized(line) if style == "bold" else line, style=None if style == "bold" else style)
    if as_json:
        print_json(checkup.as_json())
    if not checkup.is_well:
        raise typer.Exit(1)


def _with_zoho(checkup: Checkup) -> Checkup:
    # The imports are late, because they load the HTTP client and the queue.
    from workers.cli.opening import open_resources
    from workers.services.doctor.ask_zoho import ask_zoho

    with open_resources("booksync doctor") as resources:
        return Checkup.of([*checkup.findings, *ask_zoho(resources)], checkup.unchecked)


def _report(checkup: Checkup) -> Iterator[tuple[str, str | None]]:
    """The lines of the report, each with its style."""
    for severity, style in ((Severity.ERROR, "red"), (Severity.WARNING, "yellow")):
        found = [each for each in checkup.findings if each.severity is severity]
        for part, of_part in groupby(found, key=lambda each: each.part):
            yield f"{part}: {severity}", "bold"
            for _, alike in groupby(sorted(of_part, key=lambda each: each.name), key=lambda each: each.name):
                yield from _shown(list(alike), style)
    yield from _rest(checkup)


def _shown(alike: Sequence[Finding], style: str) -> Iterator[tuple[str, str | None]]:
    for finding in alike[:_SHOWN]:
        since = f" (since {minute_of(finding.since)})" if finding.since else ""
        yield from _wrapped("  ", f"{finding.what}{since}.", style)
        yield from _wrapped("    Cause: ", f"{finding.cause}.")
        yield from _wrapped("    Next:  ", finding.next_step)
    if len(alike) > _SHOWN:
        yield f"    … and {len(alike) - _SHOWN} more of this kind (--json has all)", None


def _rest(checkup: Checkup) -> Iterator[tuple[str, str | None]]:
    if checkup.well:
        yield from _wrapped("", f"All is well: {', '.join(checkup.well)}.", "green")
    for why, parts in groupby(sorted(checkup.unchecked.items(), key=lambda each: each[1]), key=lambda each: each[1]):
        yield from _wrapped("", f"Not checked, because {why}: {', '.join(part for part, _ in parts)}.", "yellow")
    errors, warnings = checkup.count(Severity.ERROR), checkup.count(Severity.WARNING)
    if errors or warnings:
        yield f"{counted(errors, 'error')}, {counted(warnings, 'warning')}.", "bold"


def _wrapped(start: str, words: str, style: str | None = None) -> Iterator[tuple[str, str | None]]:
    """The text in lines of at most `_WIDTH` characters, each with the style; a long id or command is not broken."""
    for line in textwrap.wrap(
        words,
        width=_WIDTH,
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_long_words=False,
        break_on_hyphens=False,
    ):
        yield line, style
