"""Command-line arguments that several commands share."""

import uuid
from typing import Annotated

import typer

from db import users
from db.session import Session
from domain.users import UserId, WrongUserIdError, user_id_from

ConnectionID = Annotated[
    uuid.UUID,
    typer.Argument(metavar="CONNECTION", help="The connection's id, as `booksync connect` printed it."),
]
OneConnection = Annotated[
    uuid.UUID | None, typer.Argument(metavar="CONNECTION", help="One connection; all if omitted.")
]


def user_id_of(db: Session, given: str) -> UserId:
    """Convert the value of the option `--user` to the type of the column users.id."""
    try:
        return user_id_from(given, users.id_type(db))
    except WrongUserIdError as error:
        raise typer.BadParameter(str(error), param_hint="--user") from None
