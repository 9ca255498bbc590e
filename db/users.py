"""Statements over users, which belong to the host application."""

from collections.abc import Sequence

from psycopg.errors import DataError, InsufficientPrivilege, IntegrityError, RaiseException
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db.migrations.schemas import raw, user_id_type
from db.session import Session
from domain.errors import BooksyncError
from domain.users import UserId, UserIdType

_EXISTS = text("SELECT FROM users WHERE id = :user_id")

# The host may number its users by an identity column.
_MAKE = text("INSERT INTO users (id) OVERRIDING SYSTEM VALUE VALUES (:user_id) ON CONFLICT DO NOTHING")

# Postgres's errors if the row needs more than an id, the id does not fit, this role has no right, or a trigger of the
# host refuses the row.
_REFUSALS = (IntegrityError, DataError, InsufficientPrivilege, RaiseException)


class UnknownUserError(BooksyncError):
    """The user is not in the table users, and booksync cannot add it.

    Create the user in your application, then connect again.
    """


def id_type(db: Session) -> UserIdType:
    """The type of the column users.id."""
    return UserIdType(user_id_type(raw(db)))


def connected(db: Session, *, limit: int = 50) -> Sequence[str]:
    """The ids of users with a connection, at most `limit`, as text."""
    found = db.execute(
        text("SELECT DISTINCT user_id FROM booksync.zoho_connections ORDER BY 1 LIMIT :limit"), {"limit": limit}
    )
    return [str(user_id) for user_id in found.scalars()]


def make_if_missing(db: Session, user_id: UserId) -> None:
    """Add a row with only the id for the user, unless the host application already has one.

    Raises:
        UnknownUserError: the user is missing, and Postgres refuses the new row; the transaction can go on.
    """
    if db.execute(_EXISTS, {"user_id": user_id}).one_or_none() is not None:
        return
    try:
        with db.begin_nested():
            db.execute(_MAKE, {"user_id": user_id})
    except DBAPIError as error:
        if not isinstance(error.orig, _REFUSALS):
            raise
        raise UnknownUserError(
            f"The table users has no user {user_id}, and booksync cannot add it ({error.orig.diag.message_primary})."
            " Create the user in your application, then connect again."
        ) from None
