"""Lists of customers for people: in the order of their names, or by what a person searches for."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, text

from db.session import Session

#: The most matches that are sorted by name. A word with more matches is too short to be useful.
_MOST_SORTED = 500

_MOST_WORDS = 8

_WORD = re.compile(r"[^\W_]+")

# The keys of the indexes in db/migrations/searches.py. They have the beginnings of texts only.
_BEGINNING = 'left(lower({}), 200) COLLATE "C"'
_NAME = _BEGINNING.format("customer.customer_name")
_WORDS = (
    "to_tsvector('simple'::regconfig,"
    " translate(customer.customer_name || ' ' || customer.company_name, './@-_&+', ',,,,,,,'))"
)
_EMAIL = _BEGINNING.format("customer.primary_email")
_DIGITS = "left(reverse(regexp_replace(customer.primary_phone, '[^0-9]', '', 'g')), 40) COLLATE \"C\""


@dataclass(frozen=True, slots=True)
class ListedCustomer:
    """One row of a list of customers."""

    id: uuid.UUID
    connection_id: uuid.UUID
    name: str = field(repr=False)
    company_name: str = field(repr=False)
    status: str
    phone: str | None = field(repr=False)  #: the number that is used, as given in Zoho if there is a problem
    phone_problem: str | None
    phone_not_callable: str | None
    email: str | None = field(repr=False)


_COLUMNS = """
    customer.id, customer.connection_id, customer.customer_name AS name, customer.company_name, customer.status,
    customer.primary_phone AS phone, customer.phone_problem, customer.phone_not_callable,
    customer.primary_email AS email
"""

_PAGE = f"""
    SELECT {_COLUMNS} FROM booksync.customers_cache AS customer
     WHERE customer.connection_id = :connection_id {{after}}
     ORDER BY {_NAME}, customer.id
     LIMIT :limit
"""  # noqa: S608
_FIRST_PAGE = text(_PAGE.format(after=""))
# The scalar subquery is computed once, so that the index finds the first row.
_NEXT_PAGE = text(
    _PAGE.format(
        after=f"""AND ({_NAME}, customer.id) > (
            (SELECT {_NAME} FROM booksync.customers_cache AS customer WHERE customer.id = :after),
            CAST(:after AS uuid))"""  # noqa: S608
    )
)


def by_name(
    db: Session, connection_id: uuid.UUID, *, after: uuid.UUID | None = None, limit: int
) -> Sequence[ListedCustomer]:
    """At most `limit` customers of the connection in the order of their names, behind the customer `after`."""
    values = {"connection_id": connection_id, "after": after, "limit": limit}
    return _listed(db.execute(_FIRST_PAGE if after is None else _NEXT_PAGE, values).all())


_MATCHING = f"""
    SELECT {_COLUMNS}
      FROM (SELECT * FROM booksync.customers_cache AS customer
             WHERE customer.connection_id IS NOT NULL AND {{matches}}
               AND (CAST(:connection_id AS uuid) IS NULL OR customer.connection_id = :connection_id)
             LIMIT {_MOST_SORTED}) AS customer
     ORDER BY customer.status = 'deleted', {_NAME}, customer.id
     LIMIT :limit
"""  # noqa: S608
_BY_WORDS = text(_MATCHING.format(matches=f"{_WORDS} @@ to_tsquery('simple', :pattern)"))
_BY_EMAIL = text(_MATCHING.format(matches=f"{_EMAIL} LIKE lower(:pattern)"))
_BY_DIGITS = text(_MATCHING.format(matches=f"{_DIGITS} LIKE :pattern"))


def by_words(
    db: Session, words: str, connection_id: uuid.UUID | None = None, *, limit: int
) -> Sequence[ListedCustomer]:
    """The customers whose name or company has words that begin with all of these words."""
    pattern = " & ".join(f"'{word}':*" for word in _WORD.findall(words)[:_MOST_WORDS])
    return _matching(db, _BY_WORDS, pattern, connection_id, limit) if pattern else ()


def by_email(
    db: Session, beginning: str, connection_id: uuid.UUID | None = None, *, limit: int
) -> Sequence[ListedCustomer]:
    """The customers whose primary e-mail address begins with this text, ignoring case."""
    return _matching(db, _BY_EMAIL, re.sub(r"([%_\\])", r"\\\1", beginning) + "%", connection_id, limit)


def by_last_digits(
    db: Session, digits: str, connection_id: uuid.UUID | None = None, *, limit: int
) -> Sequence[ListedCustomer]:
    """The customers whose number, the one that is used, ends with these digits."""
    return _matching(db, _BY_DIGITS, digits[::-1] + "%", connection_id, limit)


def _matching(
    db: Session, statement: Any, pattern: str, connection_id: uuid.UUID | None, limit: int
) -> Sequence[ListedCustomer]:
    values = {"pattern": pattern, "connection_id": connection_id, "limit": limit}
    return _listed(db.execute(statement, values).all())


def _listed(rows: Sequence[Row[Any]]) -> Sequence[ListedCustomer]:
    return [ListedCustomer(**row._mapping) for row in rows]
