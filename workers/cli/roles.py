"""`booksync roles`: print the SQL of the database's roles."""

from typing import Annotated

import typer

from db.roles import creation, grants
from workers.cli.examples import examples


@examples(
    "booksync roles | psql --dbname booksync",
    "booksync roles --grants | psql --dbname booksync",
)
def roles(
    only_grants: Annotated[
        bool, typer.Option("--grants", help="Print the GRANTs for the tables' owner, to run after each migration.")
    ] = False,
) -> None:
    """Print the SQL of the database roles: one each for migrations, workers, web and sender."""
    print(grants() if only_grants else creation(), end="")
