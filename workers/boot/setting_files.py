"""Settings from files: `NAME_FILE` names the file that has the value of `NAME`, as secrets of containers are given."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from domain.errors import BooksyncError


class SettingsError(BooksyncError):
    """A setting is missing or malformed."""


def values_in_files(fields: Iterable[str]) -> dict[str, Any]:
    """Return the values of the fields whose `NAME_FILE` is set: field → text, without blanks around it.

    Raises:
        SettingsError: a file cannot be read, or a setting is given twice.
    """
    named = {field: path for field in fields if (path := os.environ.get(f"{field.upper()}_FILE", ""))}
    for field in named:
        if os.environ.get(field.upper()):
            raise SettingsError(f"{field.upper()} and {field.upper()}_FILE are both set: unset one of them.")
    found = {field: _content(f"{field.upper()}_FILE", path) for field, path in named.items()}
    return {field: value for field, value in found.items() if value}


def _content(variable: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingsError(f"{variable} names a file that cannot be read: {path} ({reason}).") from None
