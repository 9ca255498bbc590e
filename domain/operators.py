"""Operators, the users of the console: their names, roles and passwords."""

import re
import unicodedata
import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from domain.errors import BooksyncError

#: The name with which CONSOLE_PASSWORD signs in. It belongs to no row.
CONSOLE_NAME: Final = "operator"

SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 1000

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{0,59}")


class Role(StrEnum):
    """What an operator may do in the console. Each role includes the roles below it."""

    OPERATOR = "operator"  #: everything
    ACCOUNTANT = "accountant"  #: reads, confirms numbers, and edits the numbers that are never called
    VIEWER = "viewer"  #: reads

    def includes(self, other: "Role") -> bool:
        """Whether this role may do everything that the other one may do."""
        return _ORDER.index(self) <= _ORDER.index(other)


_ORDER: Final = tuple(Role)


class OperatorNameError(BooksyncError):
    """An operator's name has 1 to 60 letters from a to z, digits, and the signs . _ @ -, begins with a letter or digit,
    and is not "operator", which is the name for CONSOLE_PASSWORD."""


class OperatorPasswordError(BooksyncError):
    """An operator's password has 12 to 1,000 characters. Blanks around the password do not count."""


@dataclass(frozen=True, slots=True)
class Operator:
    """A person who may sign in to the console."""

    name: str
    role: Role
    #: Changes with the password and the role, and when the operator is disabled. A console session with another stamp
    #: has ended.
    stamp: uuid.UUID = field(repr=False)


def name_of(given: str) -> str:
    """Return the name as it is stored and compared: in small letters, without blanks around it."""
    return given.strip().lower()


def check_name(name: str) -> None:
    """Check the name of a new operator, in the form of `name_of`.

    Raises:
        OperatorNameError: the name is malformed or reserved.
    """
    if not is_name(name):
        raise OperatorNameError


def is_name(name: str) -> bool:
    """Whether an operator may have the name, which is in the form of `name_of`."""
    return name != CONSOLE_NAME and _NAME.fullmatch(name) is not None


def password_of(given: str) -> str:
    """Return the password as it is hashed: one form of each character, because keyboards send different ones."""
    return unicodedata.normalize("NFC", given)


def check_password(password: str) -> None:
    """Check a new password.

    Raises:
        OperatorPasswordError: the password is too short or too long.
    """
    if is_too_short(password) or len(password) > LONGEST_PASSWORD:
        raise OperatorPasswordError


def is_too_short(password: str) -> bool:
    """Return whether the password is too short for the console. Blanks around the password do not count."""
    return len(password.strip()) < SHORTEST_PASSWORD
