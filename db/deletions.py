"""Statements over what a full run has seen: what is cached and was not seen may be gone, and is marked if it is."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, TextClause, text

from db import reminders
from db.connections import Link
from domain.deletions import RecordKind

_TABLES = {
    RecordKind.CUSTOMER: ("customers_cache", "zoho_customer_id"),
    RecordKind.INVOICE: ("invoices_cache", "zoho_invoice_id"),
}


@dataclass(frozen=True, slots=True)
class Tally:
    """How many live records are cached, and how many of them Zoho has said to be gone."""

    cached: int
    gone: int


def see(connection: Connection, run_id: uuid.UUID, kind: RecordKind, record_ids: Iterable[str]) -> None:
    """Notes ids that a full run has read."""
    connection.exec_driver_sql(
        """
        INSERT INTO seen_records (run_id, kind, record_id)
        SELECT DISTINCT %(run_id)s::uuid, %(kind)s, unnest(%(ids)s::text[]) ON CONFLICT DO NOTHING
        """,
        {"run_id": run_id, "kind": str(kind), "ids": list(record_ids)},
    )


def confirm_gone(connection: Connection, run_id: uuid.UUID, kind: RecordKind, record_id: str) -> None:
    """Zoho has answered that it has no such record."""
    connection.execute(
        text("""
            INSERT INTO seen_records (run_id, kind, record_id, is_gone) VALUES (:run_id, :kind, :record_id, true)
            ON CONFLICT (run_id, kind, record_id) DO UPDATE SET is_gone = true
        """),
        {"run_id": run_id, "kind": kind, "record_id": record_id},
    )


def unseen(connection: Connection, link: Link, run_id: uuid.UUID, kind: RecordKind, limit: int) -> list[str]:
    """Cached live records that the run has neither read nor asked about, at most `limit`.

    Each run has an order of its own: where not all can be asked about, it is not always the same ones. Those whose call
    has failed in the run come last.
    """
    # EXCEPT reads either side once. NOT EXISTS did so for each cached record when the statistics were from a moment at
    # which seen_records was empty, as it is between runs: more than CLAIM_SECONDS for some thousand records.
    rows = connection.execute(
        _over(
            kind,
            """
            SELECT record_id FROM (
                SELECT {id} AS record_id FROM {table} WHERE connection_id = :connection_id AND status <> 'deleted'
                EXCEPT
                SELECT record_id FROM seen_records WHERE run_id = :run_id AND kind = :kind) AS unseen
              LEFT JOIN (SELECT record_id, failed_at FROM failed_records
                          WHERE run_id = :run_id AND kind = :kind) AS failed USING (record_id)
             ORDER BY failed_at NULLS FIRST, md5(record_id || :run_id ::text) LIMIT :limit
            """,
        ),
        {"connection_id": link.connection_id, "run_id": run_id, "kind": kind, "limit": limit},
    )
    return list(rows.scalars())


def tally(connection: Connection, link: Link, run_id: uuid.UUID, kind: RecordKind) -> Tally:
    """What the brake looks at."""
    row = connection.execute(
        _over(
            kind,
            """
            SELECT (SELECT count(*) FROM {table}
                     WHERE connection_id = :connection_id AND status <> 'deleted') AS cached,
                   (SELECT count(*) FROM seen_records WHERE run_id = :run_id AND kind = :kind AND is_gone) AS gone
            """,
        ),
        {"connection_id": link.connection_id, "run_id": run_id, "kind": kind},
    ).one()
    return Tally(cached=row.cached, gone=row.gone)


def confirmed(connection: Connection, run_id: uuid.UUID, kind: RecordKind) -> list[str]:
    """The records that Zoho has said to be gone."""
    return list(
        connection.execute(
            text("SELECT record_id FROM seen_records WHERE run_id = :run_id AND kind = :kind AND is_gone"),
            {"run_id": run_id, "kind": kind},
        ).scalars()
    )


_LOCK_CUSTOMERS = text("""
    SELECT id FROM customers_cache
     WHERE id IN (SELECT customer_id FROM invoices_cache
                   WHERE connection_id = :connection_id AND zoho_invoice_id = ANY(:ids))
     ORDER BY zoho_customer_id
       FOR NO KEY UPDATE
""")


def adopt(connection: Connection, link: Link, kind: RecordKind) -> None:
    """Rows from before booksync belong to the user's only connection: what Zoho does not list of them is gone too.

    Where the user has several, nobody can tell whose they are until one of them lists them.
    """
    connection.execute(
        _over(
            kind,
            """
            UPDATE {table} SET connection_id = :connection_id
             WHERE user_id = :user_id AND connection_id IS NULL
               AND (SELECT count(*) FROM zoho_connections WHERE user_id = :user_id) = 1
            """,
        ),
        {"connection_id": link.connection_id, "user_id": link.user_id},
    )


def note_gone(
    connection: Connection, link: Link, kind: RecordKind, record_id: str, *, observed_at: datetime, now: datetime
) -> None:
    """Records that Zoho has answered 404 for a cached record: it is not called about, whether it is marked or not.

    A later read of the record clears it.
    """
    if kind is RecordKind.INVOICE:
        # Customers before invoices, in the order in which every planner locks them.
        connection.execute(_LOCK_CUSTOMERS, {"connection_id": link.connection_id, "ids": [record_id]})
    ids = connection.execute(
        _over(
            kind,
            """
            UPDATE {table} SET gone_at = :observed_at
             WHERE connection_id = :connection_id AND {id} = :record_id AND gone_at IS NULL
               AND coalesce(observed_at, '-infinity') <= :observed_at
            RETURNING id
            """,
        ),
        {"connection_id": link.connection_id, "record_id": record_id, "observed_at": observed_at},
    ).scalars()
    _REPLAN[kind](connection, link, list(ids), now=now)


def mark(
    connection: Connection,
    link: Link,
    kind: RecordKind,
    record_ids: Sequence[str],
    *,
    observed_at: datetime,
    now: datetime,
) -> int:
    """Marks records that Zoho has said to be gone; the rows stay, nobody is reminded. Returns how many were live."""
    if kind is RecordKind.INVOICE:
        # Customers before invoices, as everybody locks them.
        connection.execute(_LOCK_CUSTOMERS, {"connection_id": link.connection_id, "ids": list(record_ids)})
    ids = list(
        connection.execute(
            _over(
                kind,
                """
                UPDATE {table}
                   SET status = 'deleted', observed_at = :observed_at, updated_at = now()
                 WHERE id IN (SELECT id FROM {table}
                               WHERE connection_id = :connection_id AND {id} = ANY(:ids) AND status <> 'deleted'
                                 AND coalesce(observed_at, '-infinity') <= :observed_at
                               ORDER BY {id} FOR UPDATE)
                RETURNING id
                """,
            ),
            {"connection_id": link.connection_id, "ids": list(record_ids), "observed_at": observed_at},
        ).scalars()
    )
    _REPLAN[kind](connection, link, ids, now=now)
    return len(ids)


_REPLAN = {RecordKind.CUSTOMER: reminders.replan_customers, RecordKind.INVOICE: reminders.replan_pending}


def _over(kind: RecordKind, statement: str) -> TextClause:
    table, record_id = _TABLES[kind]
    return text(statement.format(table=table, id=record_id))
