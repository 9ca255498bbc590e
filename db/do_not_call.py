"""Statements over do_not_call: the phone numbers to which no connection of the user plans calls."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import text

from db.reminders import HAS_PLAN
from db.session import Session
from domain.users import UserId


@dataclass(frozen=True, slots=True)
class ListedNumber:
    """A phone number on a user's do-not-call list."""

    user_id: UserId
    phone: str = field(repr=False)  #: the number in E.164
    note: str | None = field(repr=False)
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the list of `page`: just after this number."""

    added_at: datetime
    user_id: str
    phone: str = field(repr=False)


#: The Zoho ids of customers by their connection.
CustomersOfConnections = Mapping[uuid.UUID, Sequence[str]]

_LOCK_CUSTOMERS = text("""
    SELECT connection_id, zoho_customer_id FROM booksync.customers_cache
     WHERE user_id = :user_id AND primary_phone = :phone AND phone_problem IS NULL AND connection_id IS NOT NULL
     ORDER BY zoho_customer_id
     LIMIT :limit
       FOR NO KEY UPDATE
""")


def lock_customers(db: Session, user_id: UserId, phone: str, *, limit: int) -> CustomersOfConnections:
    """Lock at most `limit` of the user's customers with this number, as planning them in this transaction requires."""
    found: dict[uuid.UUID, list[str]] = defaultdict(list)
    for row in db.execute(_LOCK_CUSTOMERS, {"user_id": user_id, "phone": phone, "limit": limit}):
        found[row.connection_id].append(row.zoho_customer_id)
    return found


def add(db: Session, user_id: UserId, phone: str, note: str | None) -> bool:
    """Add a number to the user's do-not-call list; False if the list has the number already.

    The invoices of the customers with this number become due for planning.
    """
    added = db.execute(
        text("""
            INSERT INTO booksync.do_not_call (user_id, phone, note)
            VALUES (:user_id, :phone, :note) ON CONFLICT DO NOTHING
        """),
        {"user_id": user_id, "phone": phone, "note": note},
    ).rowcount
    _make_plans_due(db, user_id, phone)
    return bool(added)


def remove(db: Session, user_id: UserId, phone: str) -> bool:
    """Remove a number from the user's do-not-call list; False if the list does not have the number.

    The invoices of the customers with this number become due for planning.
    """
    removed = db.execute(
        text("DELETE FROM booksync.do_not_call WHERE user_id = :user_id AND phone = :phone"),
        {"user_id": user_id, "phone": phone},
    ).rowcount
    _make_plans_due(db, user_id, phone)
    return bool(removed)


def listed(db: Session, user_id: UserId | None = None) -> Sequence[ListedNumber]:
    """The do-not-call numbers of one user, or of all users if `user_id` is None; the newest first."""
    rows = db.execute(
        text("""
            SELECT user_id, phone, note, added_at FROM booksync.do_not_call
             WHERE user_id = :user_id OR CAST(:user_id AS text) IS NULL ORDER BY added_at DESC, phone
        """),
        {"user_id": user_id},
    )
    return [ListedNumber(**row._mapping) for row in rows]


_PAGE = text("""
    SELECT user_id, phone, note, added_at FROM booksync.do_not_call
     WHERE (user_id = :user_id OR CAST(:user_id AS text) IS NULL)
       AND (CAST(:added_at AS timestamptz) IS NULL OR added_at < :added_at
            OR added_at = :added_at AND (user_id::text, phone) > (:after_user, :after_phone))
     ORDER BY added_at DESC, user_id::text, phone
     LIMIT :limit
""")


def page(
    db: Session, user_id: UserId | None = None, *, after: Place | None = None, limit: int
) -> Sequence[ListedNumber]:
    """At most `limit` do-not-call numbers of one user or of all, the newest first: those after the place `after`."""
    rows = db.execute(
        _PAGE,
        {
            "user_id": user_id,
            "added_at": after and after.added_at,
            "after_user": after and after.user_id,
            "after_phone": after and after.phone,
            "limit": limit,
        },
    )
    return [ListedNumber(**row._mapping) for row in rows]


def users(db: Session) -> Sequence[UserId]:
    """The users that have a connection."""
    return db.execute(text("SELECT DISTINCT user_id FROM booksync.zoho_connections ORDER BY 1")).scalars().all()


def _make_plans_due(db: Session, user_id: UserId, phone: str) -> None:
    db.execute(
        text(f"""
            UPDATE invoices_cache SET plan_at = clock_timestamp()
             WHERE id IN (SELECT invoice.id
                            FROM invoices_cache AS invoice
                            JOIN booksync.customers_cache AS customer ON customer.id = customer_id
                           WHERE customer.user_id = :user_id AND primary_phone = :phone
                             AND {HAS_PLAN}
                           ORDER BY zoho_invoice_id FOR NO KEY UPDATE OF invoice)
        """),  # noqa: S608  (a constant)
        {"user_id": user_id, "phone": phone},
    )
