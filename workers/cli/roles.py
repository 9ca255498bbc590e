"""`booksync roles`: print the SQL of the database's roles."""

from typing import Annotated

import typer

from db.roles import creation, grants
from workers.cli.examples import examples
from workers.cli.terminal import print_json


@examples(
    "booksync roles | psql --dbname booksync",
    "booksync roles --grants | psql --dbname booksync",
    "booksync roles --json | jq -r .sql",
)
def roles(
    only_grants: Annotated[
        bool, typer.Option("--grants", help="Print the GRANTs for the tables' owner, to run after each migration.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object with the SQL.")] = False,
) -> None:
    """Print the SQL of the database roles: one each for migrations, workers, web and sender."""
    written = grants() if only_grants else creation()
    if as_json:
        print_json({"sql": written})
    else:
        # Not through the terminal's output, because the SQL must not be wrapped or escaped.
        print(written, end="")
