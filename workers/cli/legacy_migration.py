"""The legacy options of `booksync migrate`: adopt an application's tables, and report what became of their values."""

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

import typer
from sqlalchemy.exc import ArgumentError

from db import legacy
from db.engine import new_engine
from db.legacy import Adoption, Report
from db.migrations.errors import MigrationError
from db.session import Session
from workers.boot.settings import database_url
from workers.cli.tables import Table, number, whole
from workers.cli.terminal import Terminal, notes, out, print_json, results
from workers.services import spreadsheets


def adopt(*, yes: bool, as_json: bool) -> None:
    """Show the plan of the adoption, and carry it out after a confirmation."""
    with _looking() as db:
        planned = legacy.plan(db)
    if planned.revision is not None:
        results(as_json).print(f"The database is adopted already: it is at {planned.revision}.")
    else:
        _show_plan(planned)
        if planned.problems:
            raise MigrationError("This database cannot be adopted as it is: " + "; ".join(planned.problems))
        # Without a terminal the command itself counts as the confirmation.
        yes = yes or not sys.stdin.isatty() or typer.confirm("Do it?", err=True)
        if yes:
            legacy.adopt(database_url())
            results(as_json).print("Adopted.")
            notes.print("Next, while the application keeps working: booksync migrate --to phase1")
        else:
            results(as_json).print("Nothing was changed.")
            notes.print("Next: booksync migrate --adopt --yes")
    if as_json:
        tables = [asdict(table) for table in planned.tables]
        adopted = yes or planned.revision is not None
        print_json({"adopted": adopted, "revision": planned.revision, "tables": tables, "steps": list(planned.steps)})


def print_sql() -> None:
    """Print the adoption as a script for psql."""
    with _looking() as db:
        for line in legacy.print_sql(db).splitlines():
            out.print(line, soft_wrap=True)


def _show_plan(planned: Adoption) -> None:
    table = Table([whole("table"), whole("found"), number("rows, about"), whole("column names")])
    for found in planned.tables:
        table.add_row(found.name, "yes" if found.exists else "no", f"{found.rows:,}", found.style)
    notes.print("The legacy application:")
    table.print(notes)
    notes.print("To be done:")
    for position, step in enumerate(planned.steps, start=1):
        notes.print(f"  {position}. {step}")


def report(csv_file: Path | None, *, as_json: bool) -> None:
    """Print the totals of the migration's receipts. With `csv_file`, write every value of the receipts to this file."""
    with _looking() as db:
        reported = legacy.report(db)
        written = _write_receipt(db, csv_file) if csv_file else None
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
        rows.writerow(legacy.VALUE_COLUMNS)
        value = legacy.VALUE_COLUMNS.index("value")
        for row in legacy.values(db):
            rows.writerow((*row[:value], spreadsheets.guarded(row[value]), *row[value + 1 :]))
            written += 1
    return written


_OUTCOMES: Final = {
    "moved": "the customer holds it",
    "merged": "another row of the customer won; kept in the receipt",
    "kept": "no customer can hold it; kept in the receipt",
    "quarantined": "its row cannot have a customer; kept in the receipt",
}


def _show_report(reported: Report, tell: Terminal) -> None:
    tell.print("The invoices' values:")
    table = Table([whole("old column"), *map(number, _OUTCOMES)])
    for column, counts in reported.values.items():
        table.add_row(column, *(f"{counts.get(outcome, 0):,}" for outcome in _OUTCOMES))
    table.print(tell)
    for outcome, meaning in _OUTCOMES.items():
        tell.print(f"  {outcome}: {meaning}")
    tell.print("The rows:")
    rows = Table([whole("table"), whole("outcome"), number("rows")])
    for name, counts in reported.rows.items():
        for outcome, count in counts.items():
            rows.add_row(name, outcome, f"{count:,}")
    rows.print(tell)
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
