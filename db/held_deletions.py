"""Statements over held_deletions: records that Zoho seems to have lost, held back until a person decides.

A row of held_deletions is valid as long as the cached record still has the 404 of that row. Any later read of the
record clears the cached `gone_at`, and then the row does not count. A second 404 has another time, so the row does not
become valid again.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text

from db import activity
from db.cached_tables import filled, over, table_of
from db.connections import Connection
from db.session import Session
from domain.deletions import Evidence
from domain.entities import Entity, entities, entity_of_kind

#: The rows of one entity that count. `found_at` is a copy of `gone_at`: the server's time of the 404.
#: OFFSET 0 makes Postgres begin with the held rows; otherwise it may begin with all records of a cache.
_STANDING = """
    SELECT held.connection_id, held.kind, held.record_id, held.evidence, held.found_at, held.dismissed_at,
           coalesce(cached.{label}, '') AS name, {owner} AS customer_name
      FROM booksync.held_deletions held
      JOIN booksync.zoho_connections connection ON connection.id = held.connection_id
      JOIN LATERAL (SELECT * FROM {table} AS known
                     WHERE known.user_id = connection.user_id AND known.{record_id} = held.record_id OFFSET 0) cached
        ON cached.connection_id = connection.id AND cached.status <> 'deleted' AND cached.gone_at = held.found_at
       AND coalesce(cached.observed_at, '-infinity') <= cached.gone_at
     WHERE held.kind = '{kind}'
"""
_OWNER = """
    coalesce((SELECT customer_name FROM booksync.customers_cache WHERE id = cached.customer_id), '')
"""


def standing_rows(chosen: str = "") -> str:
    """SQL of the valid rows of held_deletions, including dismissed ones, with the names of their records.

    `chosen` is SQL that chooses some of each entity's rows `held`: further conditions, and their order and limit.
    """
    return " UNION ALL ".join(f"({_standing_of(each)} {chosen})" for each in entities())


def _standing_of(entity: Entity) -> str:
    return filled(entity, _STANDING, kind=entity.kind, owner=_OWNER if table_of(entity).has_customer else "''")


@dataclass(frozen=True, slots=True)
class Held:
    """A record that is held back from being marked deleted."""

    connection_id: uuid.UUID
    entity: Entity
    record_id: str  #: the record's id in Zoho
    name: str = field(repr=False)  #: the customer's name or the invoice's number
    customer_name: str = field(repr=False)  #: the name of an invoice's customer, otherwise ""
    evidence: Evidence
    found_at: datetime  #: the server's time of the first 404
    dismissed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """The number of held-back records of a connection, by entity, and since when; without dismissed ones."""

    counts: Mapping[Entity, int]
    since: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        return {**{entity.plural: count for entity, count in self.counts.items()}, "since": self.since}


_HOLD = """
    INSERT INTO booksync.held_deletions AS kept (connection_id, kind, record_id, evidence, found_at)
    SELECT connection_id, :kind, {record_id}, :evidence, gone_at FROM {table}
     WHERE connection_id = :connection_id AND {record_id} = ANY(:ids) AND status <> 'deleted'
       AND gone_at >= coalesce(observed_at, '-infinity')
     ORDER BY {record_id}
    ON CONFLICT (connection_id, kind, record_id) DO UPDATE
       SET evidence = excluded.evidence, found_at = excluded.found_at, dismissed_at = NULL
     WHERE kept.found_at <> excluded.found_at
    RETURNING record_id
"""


def hold(db: Session, connection: Connection, entity: Entity, record_ids: Sequence[str], evidence: Evidence) -> int:
    """Hold back records whose 404 is recorded in the cache, and note that; returns the number of newly held ones.

    If a row about the same 404 exists, the row stays unchanged, even if a person has dismissed the record.
    """
    values = {
        "connection_id": connection.connection_id,
        "kind": entity.kind,
        "evidence": evidence,
        "ids": list(record_ids),
    }
    held = len(db.execute(over(entity, _HOLD), values).all())
    if held:
        activity.note_held_deletions(
            db, connection.connection_id, f"{held:,} {entity.noun if held == 1 else entity.noun + 's'}"
        )
    return held


def forget(db: Session, connection: Connection, entity: Entity, record_ids: Iterable[str]) -> None:
    """Delete the held_deletions rows of records that are now marked deleted."""
    db.execute(
        text("""
            DELETE FROM booksync.held_deletions
             WHERE connection_id = :connection_id AND kind = :kind AND record_id = ANY(:ids)
        """),
        {"connection_id": connection.connection_id, "kind": entity.kind, "ids": list(record_ids)},
    )


def prune(db: Session, connection: Connection) -> None:
    """Delete the connection's held_deletions rows that do not count any more."""
    db.execute(
        text(f"""
            DELETE FROM booksync.held_deletions
             WHERE connection_id = :connection_id
               AND (kind, record_id) NOT IN (SELECT kind, record_id FROM ({standing_rows()}) standing
                                              WHERE connection_id = :connection_id)
        """),  # noqa: S608  (constants)
        {"connection_id": connection.connection_id},
    )


def wait_for_turn(db: Session, connection: Connection, entity: Entity) -> None:
    """Wait until no other transaction counts the lost records of this kind; the lock ends with the transaction.

    Two transactions at the same time would not see each other's lost records. Each would find its number below the
    threshold of the deletion safeguard, although the sum is above it.
    """
    db.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"booksync deletions {connection.connection_id} {entity.kind}"},
    )


def is_decided_by_a_person(db: Session, connection: Connection, entity: Entity, record_id: str) -> bool:
    """Whether only a proof or a person may mark the record deleted, because the record is held back or dismissed."""
    return bool(
        db.execute(
            text(f"""
                SELECT EXISTS (SELECT FROM ({standing_rows()}) standing
                                WHERE connection_id = :connection_id AND kind = :kind AND record_id = :record_id)
            """),  # noqa: S608  (constants)
            {"connection_id": connection.connection_id, "kind": entity.kind, "record_id": record_id},
        ).scalar_one()
    )


def count(db: Session, connection_id: uuid.UUID, entity: Entity) -> int:
    """The number of held-back records of one kind, without dismissed ones."""
    counted: int = db.execute(
        text(f"""
            SELECT count(*) FROM ({standing_rows()}) standing
             WHERE connection_id = :connection_id AND kind = :kind AND dismissed_at IS NULL
        """),  # noqa: S608  (constants)
        {"connection_id": connection_id, "kind": entity.kind},
    ).scalar_one()
    return counted


def standing(db: Session, connection_id: uuid.UUID) -> Standing:
    """How many records of one connection are held back."""
    rows = db.execute(text(standing_counts()), {"connection_id": connection_id}).mappings()
    return standing_of([(row["kind"], row["records"], row["since"]) for row in rows])


def standing_counts() -> str:
    """SQL of the numbers of one connection's held-back records, by kind: kind, records, since."""
    return f"""
        SELECT kind, count(*) AS records, min(found_at) AS since
          FROM ({standing_rows()}) standing WHERE connection_id = :connection_id AND dismissed_at IS NULL
         GROUP BY kind
    """  # noqa: S608  (constants)


def standing_of(counted: Sequence[tuple[str, int, datetime]]) -> Standing:
    """The numbers of held-back records by the rows of `standing_counts`."""
    records = {kind: count for kind, count, _ in counted}
    return Standing(
        {entity: records.get(entity.kind, 0) for entity in entities()},
        min((since for _, _, since in counted), default=None),
    )


_LISTED = """
    SELECT * FROM ({standing}) standing
     WHERE (connection_id = :connection_id OR CAST(:connection_id AS uuid) IS NULL)
       AND (kind = :kind OR CAST(:kind AS text) IS NULL)
       AND (dismissed_at IS NOT NULL) = :dismissed
     ORDER BY connection_id, kind, found_at, record_id
"""


def held(
    db: Session,
    connection_id: uuid.UUID | None = None,
    entity: Entity | None = None,
    *,
    dismissed: bool = False,
) -> list[Held]:
    """The held-back records, or with `dismissed` the dismissed ones, by kind; the records held longest come first."""
    rows = db.execute(
        text(_LISTED.format(standing=standing_rows())),
        {"connection_id": connection_id, "kind": entity and entity.kind, "dismissed": dismissed},
    )
    return [
        Held(
            connection_id=row.connection_id,
            entity=entity_of_kind(row.kind),
            record_id=row.record_id,
            name=row.name,
            customer_name=row.customer_name,
            evidence=Evidence(row.evidence),
            found_at=row.found_at,
            dismissed_at=row.dismissed_at,
        )
        for row in rows
    ]


def dismiss(db: Session, connection: Connection, entity: Entity, record_ids: Iterable[str]) -> int:
    """Dismiss held-back records, because a person confirms that they exist.

    Returns how many of the records were held back until now.
    """
    return db.execute(
        text("""
            UPDATE booksync.held_deletions SET dismissed_at = clock_timestamp()
             WHERE connection_id = :connection_id AND kind = :kind AND record_id = ANY(:ids) AND dismissed_at IS NULL
        """),
        {"connection_id": connection.connection_id, "kind": entity.kind, "ids": list(record_ids)},
    ).rowcount
