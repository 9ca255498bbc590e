"""The SQL that makes booksync's database roles, and the SQL that grants each of them what it needs."""

from pathlib import Path
from typing import Final

import psycopg

from db.engine import database_url as driver_url
from domain.errors import BooksyncError

_FOLDER: Final = Path(__file__).parent


class GrantsFailedError(BooksyncError):
    """The roles could not be granted what they need."""


def creation() -> str:
    """The SQL for a superuser that makes the roles, without passwords. It can be repeated."""
    return (_FOLDER / "create.sql").read_text(encoding="utf-8")


def grants() -> str:
    """The SQL for the tables' owner that grants each role what it needs, in one transaction. It can be repeated."""
    return (_FOLDER / "grants.sql").read_text(encoding="utf-8")


def grant(database_url: str) -> None:
    """Run `grants()` as the role of `database_url`.

    Raises:
        GrantsFailedError: a role is missing, or the role of `database_url` does not own the tables.
    """
    url = driver_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        with psycopg.connect(url, autocommit=True) as database:
            database.execute(grants().encode())
    except (psycopg.errors.UndefinedObject, psycopg.errors.InsufficientPrivilege) as error:
        raise GrantsFailedError(
            f"The schema is migrated, but the GRANTs failed: {error.diag.message_primary}. Next: run the SQL of "
            "`booksync roles` as a superuser, then `booksync migrate --grants` as booksync_owner."
        ) from None
