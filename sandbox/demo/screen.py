"""What the demo prints, and its layout."""

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sandbox.demo.changes import FinishedRun
from sandbox.demo.funnel import funnel_notes, funnel_table
from sandbox.demo.preview import Opened, Preview
from sandbox.demo.summary import Summary


class Screen:
    """All output of the demo. With `--json` the texts go to stderr and the object goes to stdout."""

    def __init__(self, *, as_json: bool, console: Console | None = None) -> None:
        self._as_json = as_json
        self._console = console or Console(stderr=as_json, highlight=False)

    def title(self, organization_size: str) -> None:
        self._console.print()
        self._console.print(f" [bold]booksync[/] [dim]· {organization_size} in a simulated Zoho Books[/]")
        self._console.print()

    @contextlib.contextmanager
    def step(self, doing: str, done: str) -> Iterator[None]:
        """Print one line with the duration after a step of the demo; print nothing when the step fails."""
        began = time.monotonic()
        with self._console.status(f"{doing} …") if self._console.is_terminal else contextlib.nullcontext():
            yield
        self._console.print(f" [green]✓[/] {done}  [dim]{time.monotonic() - began:.1f} s[/]")

    def say(self, words: str) -> None:
        self._console.print(f"   {words}", soft_wrap=True)

    def stopping(self) -> None:
        # A new line begins after the terminal's ^C.
        self._console.print("\n   Stopping …")

    def problem(self, sentence: str) -> None:
        """Print a problem, always on stderr, because stdout is for the result."""
        Console(stderr=True, highlight=False).print(Text.assemble((" ✗ ", "red"), sentence), soft_wrap=True)

    def restarted(self, name: str, code: int | None) -> None:
        why = "" if code is None else f" (exit code {code})"
        self._console.print(f" [yellow]↻[/] The {name} ended{why}; it was started again", soft_wrap=True)

    def result(self, reported: dict[str, Any]) -> None:
        """With `--json`, print the demo's JSON object as the last line on stdout."""
        if self._as_json:
            sys.stdout.write(json.dumps(reported) + "\n")
            sys.stdout.flush()

    def summary(self, summary: Summary) -> None:
        self._console.print()
        self._console.print(Panel.fit(Group(_counts(summary), Text(), _saved(summary)), padding=(1, 2)))
        self._console.print()

    def preview(self, preview: Preview) -> None:
        """Print the funnel of the preview, from the open invoices to tomorrow's calls."""
        self._console.print()
        self._console.print(Padding(funnel_table(preview), (0, 0, 0, 3), expand=False))
        self._console.print()
        for note in funnel_notes(preview):
            self.say(note)
        self._console.print()

    def opened(self, opened: Opened, *, by_this_start: bool) -> None:
        """Report that the demo's connection is open, and that a real connection needs a person to open it."""
        calls = "1 number has" if opened.waiting_calls == 1 else f"{opened.waiting_calls:,} numbers have"
        since = "" if by_this_start else f"Handover is open since {opened.since:%Y-%m-%d %H:%M} UTC. "
        self.say(f"{since}{calls} a scheduled call.")
        self.say("A real connection stays closed until a person has looked at the preview.")

    def places(self, places: dict[str, str]) -> None:
        """Print addresses and commands to try: a label and a line to copy for each."""
        self._console.print()
        for label, line in places.items():
            # The lines are not a table, because a table would cut or wrap them, and they are there to be copied.
            self._console.print(Text.assemble((f" {label:<11}", "bold"), line), soft_wrap=True)
        self._console.print()

    def change(self, run: FinishedRun, reminded_invoices: int | None) -> None:
        when = run.at.astimezone().strftime("%H:%M:%S")
        waiting = (
            "" if reminded_invoices is None else f" [dim]· {reminded_invoices:,} invoices with a scheduled reminder[/]"
        )
        self._console.print(f" [dim]{when}[/] {run.sentence()}{waiting}", soft_wrap=True)


def _counts(summary: Summary) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("in Postgres", "total", "new", "updated", "unchanged", ""):
        table.add_column(heading, justify="right" if heading not in ("in Postgres", "") else "left")
    rows = [
        ("Customers", summary.customers, f"{summary.customers_with_phone:,} with a phone"),
        ("Invoices", summary.invoices, f"{summary.invoices_waiting:,} without customer"),
    ]
    for name, written, note in rows:
        counts = (written.total, written.new, written.updated, written.unchanged)
        table.add_row(f"[bold]{name}[/]", *(f"{count:,}" for count in counts), f"[dim]{note}[/]")
    skipped = sum(summary.reminders_skipped.values())
    note = f"[dim]invoices, {skipped:,} without[/]"
    table.add_row("[bold]Reminders[/]", f"{summary.reminders_scheduled:,}", "", "", "", note)
    return table


def _saved(summary: Summary) -> Text:
    return Text.assemble(
        (f"{summary.api_calls:,} API calls", "bold"),
        f" instead of {summary.api_calls_one_per_invoice:,}, one an invoice: ",
        (f"{summary.saved_share:.1%} saved", "bold green"),
        f", in {summary.seconds:.1f} s.",
        "" if summary.status == "succeeded" else f"\nThe run ended {summary.status}.",
    )


def shown(path: Path) -> str:
    """The path in the form in which a user types it in the current folder."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
