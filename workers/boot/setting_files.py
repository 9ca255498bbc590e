"""Reads settings from the environment, or from files: `NAME_FILE` names the file that has the value of `NAME`."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from domain.errors import BooksyncError

_Kind = TypeVar("_Kind", bound=BaseSettings)


class SettingsError(BooksyncError):
    """A setting is missing or malformed."""


def read_settings(kind: type[_Kind]) -> _Kind:
    """Read settings from the environment, and from the files that it names.

    Raises:
        SettingsError: one line that names every missing or malformed variable, never its value.
    """
    try:
        return kind(**_values_in_files(kind.model_fields))
    except ValidationError as error:
        raise SettingsError(_one_line(error)) from None


def _values_in_files(fields: Iterable[str]) -> dict[str, Any]:
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


def _one_line(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    missing = [_variable(problem["loc"]) for problem in problems if problem["type"] == "missing"]
    malformed = [
        f"{_variable(problem['loc'])} {problem['msg'].removeprefix('Value error, ')}"
        for problem in problems
        if problem["type"] != "missing"
    ]
    sentences = []
    if missing:
        sentences.append(f"missing setting{'s' if len(missing) > 1 else ''}: {', '.join(missing)}")
    if malformed:
        sentences.append(f"malformed setting{'s' if len(malformed) > 1 else ''}: {'; '.join(malformed)}")
    return ". ".join(sentence[0].upper() + sentence[1:] for sentence in sentences) + "."


def _variable(location: tuple[int | str, ...]) -> str:
    return str(location[0]).upper()
