"""The ids of the host application's users."""

import re
import uuid
from enum import StrEnum
from typing import Final

from domain.errors import BooksyncError

UserId = uuid.UUID | str | int

_BIGINTS: Final = range(-(2**63), 2**63)


class UserIdType(StrEnum):
    """The possible types of the column users.id."""

    UUID = "uuid"
    TEXT = "text"
    BIGINT = "bigint"


class WrongUserIdError(BooksyncError):
    """The text is not an id of the type that the application's users have."""


def user_id_from(text: str, kind: UserIdType) -> UserId:
    """Read a user's id from a text that a person wrote.

    Raises:
        WrongUserIdError: the text has another form than the ids in the table users.
    """
    match kind:
        case UserIdType.UUID:
            try:
                return uuid.UUID(text)
            except ValueError:
                raise WrongUserIdError(f'"{text}" is not a UUID, and users.id is of type uuid') from None
        case UserIdType.BIGINT:
            if not re.fullmatch(r"-?[0-9]{1,19}", text) or int(text) not in _BIGINTS:
                raise WrongUserIdError(f'"{text}" is not a whole number, and users.id is of type bigint')
            return int(text)
        case UserIdType.TEXT:
            if not text or "\0" in text:
                raise WrongUserIdError("A user's id is not empty")
            return text
