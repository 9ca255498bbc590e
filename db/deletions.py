"""Statements over the records that a full run has seen, and over the unseen cached records, which may be deleted."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import text

from db import held_deletions
from db.cached_tables import over
from db.connections import Connection
from db.session import Session
from domain.deletions import Tally
from domain.entities import Entity

#: Selects the records with a deleted event that no later response contradicts: the event waits for its call, the call
#: failed permanently, or an earlier release left the record unmarked. Together with a 404 for the record's id such an
#: event proves the deletion.
_DELETED_EVENT = """
    SELECT record_id FROM booksync.webhook_events
     WHERE connection_id = :connection_id AND entity = :entity AND kind = 'deleted'
       AND (outcome IS NULL OR outcome IN ('failed', 'unmarked'))
"""


def see(db: Session, run_id: uuid.UUID, entity: Entity, record_ids: Iterable[str]) -> None:
    """Store the ids of records that a full run has read."""
    db.exec_driver_sql(
        """
        INSERT INTO booksync.seen_records (run_id, kind, record_id)
        SELECT DISTINCT %(run_id)s::uuid, %(kind)s, unnest(%(ids)s::text[]) ON CONFLICT DO NOTHING
        """,
        {"run_id": run_id, "kind": entity.kind, "ids": list(record_ids)},
    )


def confirm_gone(db: Session, run_id: uuid.UUID, entity: Entity, record_id: str) -> None:
    """Store that Zoho has returned a 404 for the record in this run."""
    db.execute(
        text("""
            INSERT INTO booksync.seen_records (run_id, kind, record_id, is_gone)
            VALUES (:run_id, :kind, :record_id, true)
            ON CONFLICT (run_id, kind, record_id) DO UPDATE SET is_gone = true
        """),
        {"run_id": run_id, "kind": entity.kind, "record_id": record_id},
    )


def unseen(
    db: Session, connection: Connection, run_id: uuid.UUID, entity: Entity, limit: int, *, with_held: bool = True
) -> list[str]:
    """Live cached records that the run has neither read from the lists nor checked, at most `limit`.

    Each run has its own order, so that runs that cannot check all records do not always check the same ones. Records
    whose call has failed in the run come last. Without `with_held`, records that are held back for a person's decision,
    or that a person has dismissed, are omitted, because their 404 is known.
    """
    # EXCEPT reads either side once. With NOT EXISTS, Postgres read seen_records for each cached record if the
    # statistics were collected while that table was empty, as it is between runs. That plan took longer than
    # CLAIM_SECONDS for some thousand records.
    known = (
        ""
        if with_held
        else f"""
            EXCEPT
            SELECT record_id FROM ({held_deletions.standing_rows()}) standing
             WHERE connection_id = :connection_id AND kind = :kind
        """  # noqa: S608  (a constant)
    )
    rows = db.execute(
        over(
            entity,
            f"""
            SELECT record_id FROM (
                SELECT {{record_id}} AS record_id FROM {{table}}
                 WHERE connection_id = :connection_id AND status <> 'deleted'
                EXCEPT
                SELECT record_id FROM booksync.seen_records WHERE run_id = :run_id AND kind = :kind
                {known}) AS unseen
              LEFT JOIN (SELECT record_id, failed_at FROM booksync.failed_records
                          WHERE run_id = :run_id AND kind = :kind) AS failed USING (record_id)
             ORDER BY failed_at NULLS FIRST, md5(record_id || :run_id ::text) LIMIT :limit
            """,  # noqa: S608  (constants)
        ),
        {"connection_id": connection.connection_id, "run_id": run_id, "kind": entity.kind, "limit": limit},
    )
    return list(rows.scalars())


def tally(db: Session, connection: Connection, run_id: uuid.UUID, entity: Entity) -> Tally:
    """The numbers from which the deletion safeguard decides whether a run's missing records are held back.

    The numbers are those of one kind of record.
    """
    gone: int = db.execute(
        text(f"""
            SELECT count(*) FROM booksync.seen_records
             WHERE run_id = :run_id AND kind = :kind AND is_gone AND record_id NOT IN ({_DELETED_EVENT})
        """),  # noqa: S608  (a constant)
        {"connection_id": connection.connection_id, "run_id": run_id, "kind": entity.kind, "entity": entity.name},
    ).scalar_one()
    held = held_deletions.count(db, connection.connection_id, entity)
    return Tally(cached=count_live(db, connection, entity), gone=gone, held=held)


def count_live(db: Session, connection: Connection, entity: Entity) -> int:
    """The number of records of one entity that are cached and not marked deleted."""
    live: int = db.execute(
        over(entity, "SELECT count(*) FROM {table} WHERE connection_id = :connection_id AND status <> 'deleted'"),
        {"connection_id": connection.connection_id},
    ).scalar_one()
    return live


def proven(db: Session, connection: Connection, entity: Entity, record_ids: Iterable[str]) -> set[str]:
    """The records among `record_ids` (each with a 404) that also have a deleted event."""
    found = db.execute(
        text(f"{_DELETED_EVENT} AND record_id = ANY(:ids)"),
        {"connection_id": connection.connection_id, "entity": entity.name, "ids": list(record_ids)},
    ).scalars()
    return set(found)


def confirmed(db: Session, run_id: uuid.UUID, entity: Entity) -> list[str]:
    """The records for which Zoho has returned a 404 in this run."""
    return list(
        db.execute(
            text("SELECT record_id FROM booksync.seen_records WHERE run_id = :run_id AND kind = :kind AND is_gone"),
            {"run_id": run_id, "kind": entity.kind},
        ).scalars()
    )


_LOCK_CUSTOMERS = text("""
    SELECT id FROM booksync.customers_cache
     WHERE id IN (SELECT customer_id FROM invoices_cache
                   WHERE connection_id = :connection_id AND zoho_invoice_id = ANY(:ids))
     ORDER BY zoho_customer_id
       FOR NO KEY UPDATE
""")


def adopt(db: Session, connection: Connection, entity: Entity) -> None:
    """Assign cached rows without a connection to the user's only connection.

    The legacy application wrote these rows. Only with a connection can a run find that their records were deleted in
    Zoho.

    If the user has several connections, a row stays without one until a connection's list contains the row's record.
    """
    db.execute(
        over(
            entity,
            """
            UPDATE {table} SET connection_id = :connection_id
             WHERE user_id = :user_id AND connection_id IS NULL
               AND (SELECT count(*) FROM booksync.zoho_connections WHERE user_id = :user_id) = 1
            """,
        ),
        {"connection_id": connection.connection_id, "user_id": connection.user_id},
    )


def lock_customers(db: Session, connection: Connection, zoho_invoice_ids: Sequence[str]) -> None:
    """Lock the customers of these invoices until the transaction ends."""
    db.execute(_LOCK_CUSTOMERS, {"connection_id": connection.connection_id, "ids": list(zoho_invoice_ids)})


def note_gone(
    db: Session, connection: Connection, entity: Entity, record_id: str, *, observed_at: datetime
) -> list[uuid.UUID]:
    """Record Zoho's 404 for a cached record, unless the record was read after `observed_at`, the time of the 404.

    Returns booksync's id of the record if no 404 was recorded before, else an empty list.
    """
    ids = db.execute(
        over(
            entity,
            """
            UPDATE {table} SET gone_at = :observed_at
             WHERE connection_id = :connection_id AND {record_id} = :record_id AND gone_at IS NULL
               AND coalesce(observed_at, '-infinity') <= :observed_at
            RETURNING id
            """,
        ),
        {"connection_id": connection.connection_id, "record_id": record_id, "observed_at": observed_at},
    )
    return list(ids.scalars())


def mark(
    db: Session, connection: Connection, entity: Entity, record_ids: Sequence[str], *, observed_at: datetime
) -> list[uuid.UUID]:
    """Mark these live records deleted. `observed_at` is the time of their 404.

    A record that was read after `observed_at` stays unchanged.
    """
    return _mark(db, connection, entity, record_ids, ":observed_at", observed_at=observed_at)


def mark_held(db: Session, connection: Connection, entity: Entity, record_ids: Sequence[str]) -> list[uuid.UUID]:
    """Mark held-back records deleted, as `mark` does, each with the time of its own 404."""
    return _mark(db, connection, entity, record_ids, "gone_at")


def _mark(
    db: Session, connection: Connection, entity: Entity, record_ids: Sequence[str], moment: str, **times: datetime
) -> list[uuid.UUID]:
    marked = db.execute(
        over(
            entity,
            f"""
            UPDATE {{table}}
               SET status = 'deleted', observed_at = {moment}, updated_at = now()
             WHERE id IN (SELECT id FROM {{table}}
                           WHERE connection_id = :connection_id AND {{record_id}} = ANY(:ids) AND status <> 'deleted'
                             AND coalesce(observed_at, '-infinity') <= {moment}
                           ORDER BY {{record_id}} FOR NO KEY UPDATE)
            RETURNING id
            """,  # noqa: S608  (the moment is one of the two above)
        ),
        {"connection_id": connection.connection_id, "ids": list(record_ids), **times},
    )
    return list(marked.scalars())
