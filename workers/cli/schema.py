"""`booksync schema`: the views and functions for host applications, as text for an ORM or for tools that read SQL."""

from typing import Annotated

import typer

from workers.cli.examples import examples
from workers.cli.opening import open_resources
from workers.cli.terminal import print_json
from workers.services.host_schema import Notation, schema_text


@examples(
    "booksync schema --prisma >> prisma/schema.prisma",
    "booksync schema --sql --json | jq -r .schema",
)
def show_schema(
    prisma: Annotated[bool, typer.Option("--prisma", help="Views for schema.prisma.")] = False,
    drizzle: Annotated[bool, typer.Option("--drizzle", help="Views and functions for Drizzle.")] = False,
    django: Annotated[bool, typer.Option("--django", help="Unmanaged models and functions for Django.")] = False,
    sql: Annotated[bool, typer.Option("--sql", help="Tables and functions that stand for booksync's.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object with the text.")] = False,
) -> None:
    """Print the views and functions for host applications, as Prisma, Drizzle, Django or SQL."""
    given = {Notation.PRISMA: prisma, Notation.DRIZZLE: drizzle, Notation.DJANGO: django, Notation.SQL: sql}
    chosen = [notation for notation, is_given in given.items() if is_given]
    if len(chosen) != 1:
        raise typer.BadParameter("Give one of --prisma, --drizzle, --django and --sql.")
    with open_resources("booksync schema") as resources, resources.engine.connect() as db:
        written = schema_text(db, chosen[0])
    if as_json:
        print_json({"notation": chosen[0], "schema": written})
    else:
        # Not through the terminal's output, because the text is a file that must not be wrapped or escaped.
        print(written, end="")
