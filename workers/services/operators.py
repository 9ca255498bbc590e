"""Operators of the console: adds, changes, disables and lists them, and finds the operator of a console session."""

import hashlib
import hmac
import uuid
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache

from db import operators
from db.operators import StoredOperator
from db.session import Session
from domain.errors import BooksyncError
from domain.operators import (
    CONSOLE_NAME,
    LONGEST_PASSWORD,
    Operator,
    Role,
    check_name,
    check_password,
    is_name,
    is_too_short,
    name_of,
)
from workers.boot.basics import Basics
from workers.boot.settings import Settings
from workers.secrets.passwords import hash_password, is_password


class NoSuchOperatorError(BooksyncError):
    """No operator has this name. Next: booksync operators list."""


class PasswordNeededError(BooksyncError):
    """A new operator and a disabled one need a password. Next: booksync operators add NAME --role ROLE --password -"""


class Saved(StrEnum):
    """What `save_operator` did."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


def needs_password(basics: Basics, name: str) -> bool:
    """Return whether the operator cannot be saved without a password: a new operator, or a disabled one.

    Raises:
        OperatorNameError: the name is malformed or reserved.
    """
    check_name(name_of(name))
    with basics.engine.connect() as db:
        stored = operators.find(db, name_of(name))
    return stored is None or stored.disabled_at is not None


def save_operator(basics: Basics, name: str, role: Role, password: str | None) -> Saved:
    """Add an operator, or change an operator's role, and also the password if one is given.

    A change ends the operator's console sessions. A disabled operator is enabled by a new password.

    Raises:
        OperatorNameError: the name is malformed or reserved.
        OperatorPasswordError: the password is too short or too long.
        PasswordNeededError: the operator needs a password, and none is given.
    """
    name = name_of(name)
    check_name(name)
    if password is not None:
        check_password(password)
    elif needs_password(basics, name):
        raise PasswordNeededError
    password_hash = None if password is None else hash_password(password)
    with basics.engine.begin() as db:
        stored = operators.find(db, name)
        if stored is not None and password_hash is None and stored.operator.role is role:
            return Saved.UNCHANGED
        if password_hash is not None and operators.add(db, name, role, password_hash):
            return Saved.ADDED
        operators.change(db, name, role, password_hash)
    return Saved.CHANGED


def disable_operator(basics: Basics, name: str) -> None:
    """Disable an operator, whose console sessions end at once.

    Raises:
        NoSuchOperatorError: no operator has this name.
    """
    with basics.engine.begin() as db:
        if not operators.disable(db, name_of(name)):
            raise NoSuchOperatorError


def list_operators(basics: Basics) -> Sequence[StoredOperator]:
    """Return every operator, also the disabled ones, sorted by name."""
    with basics.engine.connect() as db:
        return operators.listed(db)


def authenticate(basics: Basics, name: str, password: str) -> Operator | None:
    """Return the operator whose name and password these are; None for a wrong pair. Each check takes the same time.

    Raises:
        DatabaseError: Postgres does not work.
    """
    name = name_of(name)
    with basics.engine.connect() as db:
        stored = operators.find(db, name) if is_name(name) else None
    is_usable = stored is not None and stored.disabled_at is None and len(password) <= LONGEST_PASSWORD
    if not is_password(password[:LONGEST_PASSWORD], stored.password_hash if stored and is_usable else None):
        return None
    assert stored is not None
    return stored.operator


def console_operator(settings: Settings) -> Operator | None:
    """Return the operator of CONSOLE_PASSWORD; None without one, or if it is too short."""
    password = settings.console_password
    if password is None or is_too_short(password.get_secret_value()):
        return None
    return Operator(CONSOLE_NAME, Role.OPERATOR, _stamp_of(password.get_secret_value()))


def anyone_may_sign_in(basics: Basics) -> bool:
    """Return whether CONSOLE_PASSWORD is set, or an operator exists.

    Raises:
        DatabaseError: Postgres does not work.
    """
    if console_operator(basics.settings) is not None:
        return True
    with basics.engine.connect() as db:
        return operators.any_may_sign_in(db)


def signed_in(basics: Basics, session_id: uuid.UUID, name: str, stamp: uuid.UUID) -> Operator | None:
    """Return the operator of a console session, with the present role; None if the session has ended.

    Raises:
        DatabaseError: Postgres does not work.
    """
    with basics.engine.connect() as db:
        if name == CONSOLE_NAME:
            operator = None if operators.is_signed_out(db, session_id) else console_operator(basics.settings)
        else:
            operator = _usable(operators.find_in_session(db, name, session_id))
    if operator is None or not hmac.compare_digest(operator.stamp.bytes, stamp.bytes):
        return None
    return operator


def record_use(basics: Basics, operator: Operator) -> None:
    """Record that the operator uses the console."""
    with basics.engine.begin() as db:
        operators.seen(db, operator.name)


def sign_out(basics: Basics, session_id: uuid.UUID, *, longest_seconds: float) -> bool:
    """End a console session; return False if it has ended before. `longest_seconds` is a session's longest duration.

    Raises:
        DatabaseError: Postgres does not work.
    """
    with basics.engine.begin() as db:
        return operators.sign_out(db, session_id, longest_seconds=longest_seconds)


def enabled_operator(basics: Basics, name: str) -> Operator | None:
    """Return the operator of a name in the form of `name_of`; None without one, or if the operator is disabled.

    Raises:
        DatabaseError: Postgres does not work.
    """
    with basics.engine.connect() as db:
        return _enabled(basics.settings, db, name)


def _enabled(settings: Settings, db: Session, name: str) -> Operator | None:
    if name == CONSOLE_NAME:
        return console_operator(settings)
    return _usable(operators.find(db, name) if is_name(name) else None)


def _usable(stored: StoredOperator | None) -> Operator | None:
    return None if stored is None or stored.disabled_at is not None else stored.operator


@lru_cache(maxsize=1)
def _stamp_of(console_password: str) -> uuid.UUID:
    """A stamp that changes with CONSOLE_PASSWORD and is equal in all processes; guessing from it is expensive."""
    derived = hashlib.scrypt(console_password.encode(), salt=b"booksync console", n=2**14, r=8, p=1, dklen=16)
    return uuid.UUID(bytes=derived)
