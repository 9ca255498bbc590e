"""Records what a person does with a command, as the console records an operator's actions."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from domain.activity import COMMAND_LINE, Action
from domain.errors import BooksyncError
from workers.boot.basics import Basics
from workers.services import activity
from workers.services.activity import RecordedAction


class _WrongUsageError(BooksyncError):
    """The command was refused, because its arguments do not fit."""


@contextmanager
def recorded(
    basics: Basics,
    action: Action,
    *,
    connection_id: uuid.UUID | None = None,
    subject: str = "",
    note: str = "",
) -> Iterator[RecordedAction]:
    """Record the command's action around the statements that do it. Wrong usage is recorded as a refusal."""
    wrong_usage: typer.BadParameter | None = None
    try:
        with activity.recorded(
            basics, COMMAND_LINE, action, connection_id=connection_id, subject=subject, note=note
        ) as begun:
            try:
                yield begun
            except typer.BadParameter as error:
                wrong_usage = error
                raise _WrongUsageError from error
    except _WrongUsageError:
        pass
    if wrong_usage is not None:
        raise wrong_usage
