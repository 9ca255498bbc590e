"""Reads the parameters of the console's addresses and forms: a malformed value is a page that does not exist."""

import uuid
from datetime import datetime
from urllib.parse import urlencode

from domain.errors import BooksyncError

_NOT_FOUND = "Not found. There is no such page: the address is wrong, or what it named does not exist any more."


class NoSuchPageError(BooksyncError):
    """The address names something that does not exist. The response is a page with the status 404."""

    def __init__(
        self,
        sentence: str = _NOT_FOUND,
        *,
        title: str = "No such page",
        hint: str = "Choose a page above.",
    ) -> None:
        super().__init__(sentence)
        self.title = title
        self.hint = hint


def no_such(what: str, *, hint: str) -> NoSuchPageError:
    """Return the error for an address that names no known record of this kind."""
    return NoSuchPageError(f"The address names no {what} that booksync has.", title=f"No such {what}", hint=hint)


def uuid_of(given: str) -> uuid.UUID | None:
    """Return the id in a parameter; None for an empty one.

    Raises:
        NoSuchPageError: the parameter is not an id.
    """
    try:
        return uuid.UUID(given) if given else None
    except ValueError:
        raise NoSuchPageError from None


def text_of(given: str) -> str:
    """Return the text in a parameter.

    Raises:
        NoSuchPageError: the text has the character NUL, which Postgres refuses.
    """
    if "\0" in given:
        raise NoSuchPageError
    return given


def number_of(given: str) -> int | None:
    """Return the positive number in a parameter; None for an empty one.

    Raises:
        NoSuchPageError: the parameter is not a number of at most 18 digits.
    """
    if not given:
        return None
    if not (given.isascii() and given.isdigit() and len(given) <= 18):
        raise NoSuchPageError
    return int(given)


def moment_of(given: str) -> datetime | None:
    """Return the time in a parameter, with its zone; None for an empty one.

    Raises:
        NoSuchPageError: the parameter is not such a time.
    """
    if not given:
        return None
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise NoSuchPageError from None
    if moment.tzinfo is None:
        raise NoSuchPageError
    return moment


def query(**parameters: object) -> str:
    """Return an address's query with the parameters that have a value: "?a=1&b=2", or ""."""
    given = {name: str(value) for name, value in parameters.items() if value not in (None, "")}
    return f"?{urlencode(given)}" if given else ""
