"""`booksync migrate`: migrate the schema, adopt an application's tables, and report the outcome of their values."""

import csv
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Annotated, Final, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table
from sqlalchemy.exc import ArgumentError

from db import migrations
from db.engine import new_engine
from db.migrations import Adoption, AppliedRevision, MigrationError, Progress, Report, Target
from db.session import Session
from workers.boot.settings import database_url
from workers.cli.terminal import Words, notes, print_json, results
from workers.services import spreadsheets

_SILENT_SECONDS: Final = 2.0
_BETWEEN_LINES_SECONDS: Final = 5.0


def migrate(
    to: Annotated[
        Target | None, typer.Option(help="The version to migrate to, up or down; the newest if omitted.")
    ] = None,
    report: Annotated[bool, typer.Option("--report", help="Report the outcome of the legacy rows and values.")] = False,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write every value of the receipt to this file: personal data.")
    ] = None,
    adopt: Annotated[bool, typer.Option("--adopt", help="Adopt the tables of an application that is in use.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --adopt: do it without asking.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """Create or change booksync's tables."""
    reporting = report or csv_file is not None
    if (to is not None) + reporting + adopt > 1:
        raise typer.BadParameter("--to, --report (or --csv) and --adopt exclude each other")
    if yes and not adopt:
        raise typer.BadParameter("--yes needs --adopt")
    if reporting:
        _report(csv_file, as_json=as_json)
    elif adopt:
        _adopt(yes=yes, as_json=as_json)
    else:
        _migrate(to or Target.HEAD, as_json=as_json)


def _migrate(to: Target, *, as_json: bool) -> None:
    with Teller(notes) as teller:
        outcome = migrations.migrate(database_url(), to, on_revision=_tell, on_progress=teller)
    since = "now" if outcome.applied else "already"
    results(as_json).print(f"The schema is at {outcome.to_revision} {since}.")
    if as_json:
        print_json(
            {
                "from": outcome.from_revision,
                "to": outcome.to_revision,
                "applied": [revision.revision for revision in outcome.applied],
            }
        )


def _tell(revision: AppliedRevision) -> None:
    notes.print(f"  {'applied' if revision.upgraded else 'undone '} {revision.title}")


class Teller:
    """Shows the progress of a long step: a bar on a terminal, a line every few seconds in a log."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._bars = Bars(
            Words("  {task.description}"), BarColumn(), Words("{task.fields[rows]}"), TimeElapsedColumn(),
            console=console, transient=True,
        )  # fmt: skip
        self._step = ""
        self._began = 0.0
        self._said: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars.live.is_started:
            self._bars.stop()

    def __call__(self, progress: Progress) -> None:
        now = self._clock()
        if progress.step != self._step:
            for task in self._bars.task_ids:
                self._bars.remove_task(task)
            self._step, self._began, self._said = progress.step, now, None
        if now - self._began < _SILENT_SECONDS:
            return
        of_how_many = f" of about {progress.total:,}" if progress.total else ""
        rows = f"{progress.done:,}{of_how_many} rows"
        if self._console.is_terminal:
            self._show(progress, rows)
        elif self._said is None or now - self._said >= _BETWEEN_LINES_SECONDS:
            self._said = now
            self._console.print(f"  {progress.step}: {rows}")

    def _show(self, progress: Progress, rows: str) -> None:
        if not self._bars.task_ids:
            self._bars.add_task(progress.step, total=progress.total, rows=rows)
            self._bars.start()
        self._bars.update(self._bars.task_ids[0], completed=progress.done, total=progress.total, rows=rows)


def _adopt(*, yes: bool, as_json: bool) -> None:
    with _looking() as connection:
        planned = migrations.plan(connection)
    if planned.revision is not None:
        results(as_json).print(f"The database is adopted already: it is at {planned.revision}.")
    else:
        _show_plan(planned)
        if planned.problems:
            raise MigrationError("This database cannot be adopted as it is: " + "; ".join(planned.problems))
        # Without a terminal the command itself counts as the confirmation.
        yes = yes or not sys.stdin.isatty() or typer.confirm("Do it?", err=True)
        if yes:
            migrations.adopt(database_url())
            results(as_json).print("Adopted.")
            notes.print("Next, while the application keeps working: booksync migrate --to phase1")
        else:
            results(as_json).print("Nothing was changed.")
            notes.print("Next: booksync migrate --adopt --yes")
    if as_json:
        tables = [asdict(table) for table in planned.tables]
        adopted = yes or planned.revision is not None
        print_json({"adopted": adopted, "revision": planned.revision, "tables": tables, "steps": list(planned.steps)})


def _show_plan(planned: Adoption) -> None:
    table = Table("table", "found", "rows, about", "column names", title="The legacy application", title_justify="left")
    for found in planned.tables:
        table.add_row(found.name, "yes" if found.exists else "no", f"{found.rows:,}", found.style)
    notes.print(table)
    notes.print("To be done:")
    for number, step in enumerate(planned.steps, start=1):
        notes.print(f"  {number}. {step}")


def _report(csv_file: Path | None, *, as_json: bool) -> None:
    with _looking() as connection:
        reported = migrations.report(connection)
        written = _write_receipt(connection, csv_file) if csv_file else None
    _show_report(reported, results(as_json))
    if csv_file:
        notes.print(f"{written:,} values are in {csv_file}. They are personal data.")
    if as_json:
        print_json(asdict(reported) | ({"csv": str(csv_file), "csv_values": written} if csv_file else {}))


def _write_receipt(db: Session, path: Path) -> int:
    written = 0
    try:
        file = spreadsheets.open_private(path)
    except OSError as error:
        raise MigrationError(f"The receipt cannot be written to {path}: {error.strerror}") from None
    with file:
        rows = csv.writer(file)
        rows.writerow(migrations.VALUE_COLUMNS)
        value = migrations.VALUE_COLUMNS.index("value")
        for row in migrations.values(db):
            rows.writerow((*row[:value], spreadsheets.guarded(row[value]), *row[value + 1 :]))
            written += 1
    return written


_OUTCOMES: Final = {
    "moved": "the customer holds it",
    "merged": "another row of the customer won; kept in the receipt",
    "kept": "no customer can hold it; kept in the receipt",
    "quarantined": "its row cannot have a customer; kept in the receipt",
}


def _show_report(reported: Report, tell: Console) -> None:
    table = Table("old column", title="The invoices' values", title_justify="left")
    for outcome in _OUTCOMES:
        table.add_column(outcome, justify="right")
    for column, counts in reported.values.items():
        table.add_row(column, *(f"{counts.get(outcome, 0):,}" for outcome in _OUTCOMES))
    tell.print(table)
    for outcome, meaning in _OUTCOMES.items():
        tell.print(f"  {outcome}: {meaning}")
    rows = Table("table", "outcome", title="The rows", title_justify="left")
    rows.add_column("rows", justify="right")
    for name, counts in reported.rows.items():
        for outcome, count in counts.items():
            rows.add_row(name, outcome, f"{count:,}")
    tell.print(rows)
    for reason, count in reported.quarantined.items():
        tell.print(f"  quarantined, {reason}: {count:,}")
    tell.print(f"  written by an application after the backfill: {reported.late:,}")
    style = "red" if reported.unaccounted else "green"
    tell.print(
        f"Unaccounted for: {reported.unaccounted:,} invoices. (The schema is at {reported.revision}.)", style=style
    )


@contextmanager
def _looking() -> Iterator[Session]:
    try:
        engine = new_engine(database_url(), application_name="booksync migrate", pool_size=1)
    except ArgumentError:
        raise MigrationError("The database's address is not a postgresql:// URL") from None
    try:
        with engine.connect() as db:
            yield db
    finally:
        engine.dispose()
