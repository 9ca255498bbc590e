"""The root of booksync's errors."""

import importlib
import pkgutil

import pytest

import db
import domain
import workers
from domain.errors import BooksyncError

#: Frozen revisions import these errors, so they do not depend on the domain.
FROZEN = "db.migrations."

#: Control flow of Dramatiq, whose own types they must be.
OF_DRAMATIQ = {"DeadLetterNotKeptError", "WrongSchemaError", "BootFailedError"}


class BrokenError(BooksyncError):
    """The first paragraph
    is the message.

    Not the second.
    """


def errors_of(package: object) -> set[type[Exception]]:
    found = set()
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):  # type: ignore[attr-defined]
        if module.name in ("workers.main", "workers.actors") or module.name.startswith(FROZEN):
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, Exception) and value.__module__ == module.name:
                found.add(value)
    return found


def test_without_a_message_the_docstring_is_the_message() -> None:
    assert str(BrokenError()) == "The first paragraph is the message."
    assert str(BrokenError("Another.")) == "Another."


@pytest.mark.parametrize("package", [domain, db, workers], ids=lambda package: package.__name__)
def test_every_error_of_ours_has_the_root(package: object) -> None:
    assert {error.__name__ for error in errors_of(package) if not issubclass(error, BooksyncError)} <= OF_DRAMATIQ
