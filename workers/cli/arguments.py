"""Arguments that several commands share."""

import uuid
from typing import Annotated

import typer

ConnectionID = Annotated[
    uuid.UUID,
    typer.Argument(metavar="CONNECTION", help="The connection's id, as `booksync connect` printed it."),
]
OneConnection = Annotated[
    uuid.UUID | None, typer.Argument(metavar="CONNECTION", help="One connection; all if omitted.")
]
