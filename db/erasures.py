"""Statements that erase a disconnected connection in batches, and the receipt of the erasure.

In phase 2 the shared tables have rows of an older application. Its rows stay there, without a link to the connection:
its reminders, which have no closing time, and the invoices that it wrote before the connection existed, that booksync
has not read, or that such a reminder belongs to. In phase 3 that application is gone: its rows about an erased customer
are deleted too.
"""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import text

from db import activity, grants
from db.session import Session

#: The rows of a main table that are deleted in one transaction, with the rows that refer to them.
BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class Erased:
    """A table whose rows of a connection are deleted, after the rows of other tables that refer to them."""

    table: str
    key: str = "connection_id"  #: the column that selects a batch; rows of a connection are few if it is connection_id
    referring: tuple[tuple[str, str], ...] = ()  #: tables with a column that refers to the key

    @property
    def is_batched(self) -> bool:
        return self.key != "connection_id"


_CUSTOMERS: Final = "booksync.customers_cache"

#: In the order of their references: a row is deleted before the row that it refers to.
ERASED: Final[Sequence[Erased]] = (
    Erased("invoices_cache", "id", (("reminders", "invoice_id"),)),
    Erased("booksync.handovers", "id", (("booksync.handover_outcomes", "handover_id"),)),
    Erased(_CUSTOMERS, "id", (("booksync.phone_confirmations", "customer_id"),)),
    Erased("booksync.waiting_invoices", "id"),
    Erased("booksync.rejected_records", "id"),
    Erased("booksync.held_deletions"),
    Erased(
        "booksync.sync_runs",
        "id",
        tuple(
            (f"booksync.{table}", "run_id")
            for table in ("staged_contacts", "staged_pages", "staged_persons", "seen_records", "failed_records")
        ),
    ),
    Erased("booksync.webhook_events", "id"),
    Erased("booksync.refreshes"),
    Erased("booksync.dead_letters", "id"),
    Erased("booksync.reminder_policies"),
    Erased("booksync.verifications"),
    Erased("booksync.entity_watermarks"),
    Erased("sync_metadata"),
)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The receipt of an erasure: counts only. `finished_at` is None while rows are left."""

    connection_id: uuid.UUID
    begun_at: datetime
    finished_at: datetime | None
    counts: dict[str, int]  #: table → deleted rows; `unlinked …` → rows of the older application that stay

    def as_json(self) -> dict[str, Any]:
        return {
            "connection_id": str(self.connection_id),
            "begun_at": self.begun_at,
            "finished_at": self.finished_at,
            "counts": self.counts,
        }


def begin(db: Session, connection_id: uuid.UUID) -> bool:
    """Begin or continue the erasure of a disconnected connection; False if it was connected again."""
    begun = db.execute(
        text("""
            UPDATE booksync.zoho_connections SET status = 'erasing', updated_at = now()
             WHERE id = :id AND status IN ('disconnected', 'erasing')
        """),
        {"id": connection_id},
    )
    if begun.rowcount:
        db.execute(
            text("INSERT INTO booksync.erasure_receipts (connection_id) VALUES (:id) ON CONFLICT DO NOTHING"),
            {"id": connection_id},
        )
    return bool(begun.rowcount)


_RECEIPTS = "SELECT connection_id, begun_at, finished_at, counts FROM booksync.erasure_receipts"


def receipt(db: Session, connection_id: uuid.UUID) -> Receipt | None:
    """The receipt of the connection's erasure; None if no erasure has begun."""
    row = db.execute(text(f"{_RECEIPTS} WHERE connection_id = :id"), {"id": connection_id}).one_or_none()
    return Receipt(**row._mapping) if row else None


def finished(db: Session, beginning: str) -> Sequence[Receipt]:
    """The receipts of erased connections whose id begins so."""
    rows = db.execute(
        text(f"{_RECEIPTS} WHERE finished_at IS NOT NULL AND starts_with(connection_id::text, lower(:beginning))"),
        {"beginning": beginning},
    )
    return [Receipt(**row._mapping) for row in rows]


def erase_batch(db: Session, connection_id: uuid.UUID, erased: Erased) -> int:
    """Delete the next rows of one table, and add their numbers to the receipt. Returns 0 if no row was left.

    The receipt's lock lets two commands for the same connection delete in turn.
    """
    db.execute(
        text("SELECT FROM booksync.erasure_receipts WHERE connection_id = :id FOR NO KEY UPDATE"), {"id": connection_id}
    )
    # Triggers of phase 2 copy customers for the older application. They ignore this transaction.
    db.execute(text("SET LOCAL booksync.migrating = 'on'"))
    counts: Counter[str] = Counter()
    if erased.table == "invoices_cache" and _has_older_rows(db):
        counts.update(_unlink_invoices(db, connection_id))
    counts.update(_delete(db, connection_id, erased))
    _add(db, connection_id, counts)
    return counts.total()


def finish(db: Session, connection_id: uuid.UUID) -> Receipt:
    """Delete the connection's own row, its grant, and rows that appeared after their batches; complete the receipt."""
    db.execute(text("SELECT FROM booksync.zoho_connections WHERE id = :id FOR UPDATE"), {"id": connection_id})
    for erased in ERASED:
        while erase_batch(db, connection_id, erased):
            pass
    grants.leave(db, connection_id)
    activity.forget(db, connection_id)
    deleted = db.execute(text("DELETE FROM booksync.zoho_connections WHERE id = :id"), {"id": connection_id}).rowcount
    _add(db, connection_id, {"zoho_connections": deleted})
    db.execute(
        text("""
            UPDATE booksync.erasure_receipts SET finished_at = coalesce(finished_at, clock_timestamp())
             WHERE connection_id = :id
        """),
        {"id": connection_id},
    )
    done = receipt(db, connection_id)
    assert done is not None
    return done


def _delete(db: Session, connection_id: uuid.UUID, erased: Erased) -> Mapping[str, int]:
    name = _name(erased.table)
    if not erased.is_batched:
        where = f"DELETE FROM {erased.table} WHERE connection_id = :id"  # noqa: S608  (constants)
        return {name: db.execute(text(where), {"id": connection_id}).rowcount}
    keys = db.execute(
        text(f"SELECT {erased.key} FROM {erased.table} WHERE connection_id = :id LIMIT :limit"),  # noqa: S608
        {"id": connection_id, "limit": BATCH},
    )
    values = {"keys": list(keys.scalars())}
    if not values["keys"]:
        return {}
    counts = Counter(_leave_customers(db, values) if erased.table == _CUSTOMERS else {})
    for table, column in (*erased.referring, (erased.table, erased.key)):
        deleted = db.execute(text(f"DELETE FROM {table} WHERE {column} = ANY(:keys)"), values)  # noqa: S608
        counts[_name(table)] += deleted.rowcount
    return counts


_HAS_OLDER_ROWS = text("""
    SELECT NOT attnotnull FROM pg_attribute WHERE attrelid = 'invoices_cache'::regclass AND attname = 'customer_id'
""")


def _has_older_rows(db: Session) -> bool:
    """Whether an older application may write to the shared tables (phase 2): an invoice needs no customer then."""
    return bool(db.execute(_HAS_OLDER_ROWS).scalar_one())


_OLDER_INVOICES = text("""
    SELECT invoice.id FROM invoices_cache AS invoice
      JOIN booksync.zoho_connections AS home ON home.id = invoice.connection_id
     WHERE invoice.connection_id = :id
       AND (invoice.observed_at IS NULL OR invoice.created_at < home.created_at
            OR EXISTS (SELECT FROM reminders WHERE invoice_id = invoice.id AND closes_at IS NULL))
     LIMIT :limit
""")

_DELETE_REMINDERS = text("DELETE FROM reminders WHERE invoice_id = ANY(:ids) AND closes_at IS NOT NULL")

_UNLINK_INVOICES = text("""
    UPDATE invoices_cache SET connection_id = NULL, plan_at = NULL, plan_outcome = NULL WHERE id = ANY(:ids)
""")


def _unlink_invoices(db: Session, connection_id: uuid.UUID) -> dict[str, int]:
    """Take the link to the connection from the older application's next rows, and delete booksync's reminders there."""
    found = db.execute(_OLDER_INVOICES, {"id": connection_id, "limit": BATCH})
    values = {"ids": list(found.scalars())}
    if not values["ids"]:
        return {}
    return {
        "reminders": db.execute(_DELETE_REMINDERS, values).rowcount,
        "unlinked invoices_cache": db.execute(_UNLINK_INVOICES, values).rowcount,
    }


_THEIRS: Final = "invoices_cache WHERE customer_id = ANY(:keys) AND connection_id IS NULL"

#: Phase 2: another customer, made of the older application's own copy, replaces the one that is deleted. The trigger of
#: phase 2 makes it, as for an invoice that the older application writes, once the number in Zoho is free.
_REPLACE_CUSTOMERS: Final = (
    f"""
    UPDATE {_CUSTOMERS} SET zoho_customer_id = 'erased ' || id
     WHERE id = ANY(:keys) AND id IN (SELECT customer_id FROM {_THEIRS})
    """,  # noqa: S608
    "SET LOCAL booksync.migrating = 'off'",
    "UPDATE invoices_cache SET customer_id = NULL WHERE customer_id = ANY(:keys) AND connection_id IS NULL",
    "SET LOCAL booksync.migrating = 'on'",
)

_RELINK_REMINDERS = text("""
    UPDATE reminders SET customer_id = invoice.customer_id FROM invoices_cache AS invoice
     WHERE invoice.id = invoice_id AND reminders.customer_id = ANY(:keys)
""")


def _leave_customers(db: Session, customers: dict[str, Any]) -> dict[str, int]:
    """Free customers that are deleted next from the older application's invoices, which belong to no connection.

    In phase 2 these invoices and their reminders get another customer; in phase 3 they are deleted.
    """
    if _has_older_rows(db):
        for statement in _REPLACE_CUSTOMERS:
            db.execute(text(statement), customers if ":keys" in statement else {})
        return {"unlinked reminders": db.execute(_RELINK_REMINDERS, customers).rowcount}
    theirs = f"DELETE FROM reminders WHERE invoice_id IN (SELECT id FROM {_THEIRS})"  # noqa: S608
    return {
        "reminders": db.execute(text(theirs), customers).rowcount,
        "invoices_cache": db.execute(text(f"DELETE FROM {_THEIRS}"), customers).rowcount,  # noqa: S608
    }


def _name(table: str) -> str:
    return table.removeprefix("booksync.")


def _add(db: Session, connection_id: uuid.UUID, counts: Mapping[str, int]) -> None:
    known = receipt(db, connection_id)
    assert known is not None
    total = known.counts | {table: known.counts.get(table, 0) + count for table, count in counts.items()}
    db.execute(
        text("UPDATE booksync.erasure_receipts SET counts = CAST(:counts AS jsonb) WHERE connection_id = :id"),
        {"id": connection_id, "counts": orjson.dumps(total).decode()},
    )
