"""`booksync migrate`: brings the database's schema to a version."""

from typing import Annotated

import typer
from rich.markup import escape

from db.migrations import AppliedRevision, Target
from db.migrations import migrate as run_migrations
from workers.cli.terminal import notes, print_json
from workers.settings import database_url


def migrate(
    to: Annotated[Target, typer.Option(help="The version to go to, up or down.")] = Target.HEAD,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """Create or change booksync's tables."""

    def tell(revision: AppliedRevision) -> None:
        notes.print(f"  {'applied' if revision.upgraded else 'undone '} {escape(revision.title)}")

    outcome = run_migrations(database_url(), to, on_revision=tell)
    if not outcome.applied:
        notes.print(f"The schema is at {outcome.to_revision} already.")
    else:
        notes.print(f"The schema is at {outcome.to_revision} now.")
    if as_json:
        print_json(
            {
                "from": outcome.from_revision,
                "to": outcome.to_revision,
                "applied": [revision.revision for revision in outcome.applied],
            }
        )
