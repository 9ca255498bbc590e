"""`booksync migrate`: migrate the schema up or down."""

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Annotated, Final, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from db.migrations.batches import Progress
from db.migrations.revisions import Target, expected_head, known_revisions
from db.migrations.runner import AppliedRevision
from db.migrations.runner import migrate as migrate_database
from db.roles import grant
from workers.boot.settings import database_url
from workers.cli import legacy_migration
from workers.cli.examples import examples
from workers.cli.terminal import Words, notes, print_json, results

_SILENT_SECONDS: Final = 2.0
_BETWEEN_LINES_SECONDS: Final = 5.0


@examples(
    "booksync migrate",
    "booksync migrate --adopt --print-sql > adopt.sql",
    "booksync migrate --report --csv values.csv --json | jq .unaccounted",
)
def migrate(
    to: Annotated[
        str | None,
        typer.Option(
            metavar=f"[{'|'.join(Target)}|REVISION]",
            help="The phase or the revision to migrate to, up or down; the newest if omitted.",
            autocompletion=lambda: list(Target),
        ),
    ] = None,
    report: Annotated[bool, typer.Option("--report", help="Report the outcome of the legacy rows and values.")] = False,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write every value of the receipt to this file: personal data.")
    ] = None,
    adopt: Annotated[bool, typer.Option("--adopt", help="Adopt the tables of an application that is in use.")] = False,
    print_sql: Annotated[
        bool, typer.Option("--print-sql", help="With --adopt: print its SQL for psql, and change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --adopt: do it without asking.")] = False,
    with_grants: Annotated[
        bool, typer.Option("--grants", help="Then grant the roles of `booksync roles` what they need.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """Create or change booksync's tables."""
    reporting = report or csv_file is not None
    if (to is not None) + reporting + adopt > 1:
        raise typer.BadParameter("--to, --report (or --csv) and --adopt exclude each other")
    if to is not None and to not in {*Target, *known_revisions()}:
        raise typer.BadParameter(f"--to has {', '.join(Target)} or a revision such as {expected_head()}, not {to}")
    if (yes or print_sql) and not adopt:
        raise typer.BadParameter(f"{'--yes' if yes else '--print-sql'} needs --adopt")
    if print_sql and (yes or as_json):
        raise typer.BadParameter("--print-sql changes nothing and prints SQL: leave out --yes and --json")
    if with_grants and (reporting or adopt or to not in {None, Target.PHASE2, Target.PHASE3, Target.HEAD}):
        raise typer.BadParameter("--grants needs all of booksync's tables: --to phase2, phase3 or head")
    if reporting:
        legacy_migration.report(csv_file, as_json=as_json)
    elif print_sql:
        legacy_migration.print_sql()
    elif adopt:
        legacy_migration.adopt(yes=yes, as_json=as_json)
    else:
        _migrate(to or Target.HEAD, with_grants=with_grants, as_json=as_json)


def _migrate(to: str, *, with_grants: bool, as_json: bool) -> None:
    with Teller(notes) as teller:
        outcome = migrate_database(database_url(), to, on_revision=_tell, on_progress=teller)
    if with_grants:
        grant(database_url())
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
    """Shows the progress of a long migration step: a bar on a terminal, a line every few seconds in a log."""

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
