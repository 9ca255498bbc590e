"""Command-line arguments that several commands share."""

import uuid
from typing import Annotated

import typer
from sqlalchemy import Engine

from db import users
from db.session import Session
from domain.users import UserId, WrongUserIdError, user_id_from
from workers.services.find_connection import find_connection

CALLED = "its name, its organisation's number, or the first characters of its id"

#: A connection as a person calls it; `workers.services.find_connection` finds it.
GivenConnection = Annotated[str, typer.Argument(metavar="CONNECTION", help=f"The connection: {CALLED}.")]
OneConnection = Annotated[
    str | None, typer.Argument(metavar="CONNECTION", help=f"One connection: {CALLED}; all if omitted.")
]
ConnectionOption = Annotated[
    str | None, typer.Option("--connection", metavar="CONNECTION", help=f"Only this connection: {CALLED}.")
]


def refuse_to_ask(*, as_json: bool) -> None:
    """End a command with `--json` that would have to ask for confirmation.

    Raises:
        typer.BadParameter: `as_json` is true.
    """
    if as_json:
        raise typer.BadParameter("--json cannot ask for confirmation: give --yes too", param_hint="--yes")


def found_connection(engine: Engine, given: str) -> uuid.UUID:
    """Return the id of the connection that the person means, for a command that opens its own transactions.

    Raises:
        UnknownConnectionError, AmbiguousConnectionError: see `find_connection`.
    """
    with engine.connect() as db:
        return find_connection(db, given)


def one_connection(db: Session, given: str | None) -> uuid.UUID | None:
    """Return the id of the connection that the person means; None without one, which means all connections.

    Raises:
        UnknownConnectionError, AmbiguousConnectionError: see `find_connection`.
    """
    return None if given is None else find_connection(db, given)


def user_id_of(db: Session, given: str) -> UserId:
    """Convert the value of the option `--user` to the type of the column users.id."""
    try:
        return user_id_from(given, users.id_type(db))
    except WrongUserIdError as error:
        raise typer.BadParameter(str(error), param_hint="--user") from None
