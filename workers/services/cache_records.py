"""Caching the records of a further entity as Zoho returns them; no other row depends on these records."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from db import plain_records
from db.connections import Connection
from db.session import Session
from domain.entities import Entity
from domain.observed import Observed, latest


@dataclass(frozen=True, slots=True)
class CachedRecords:
    """The result of caching a page of records."""

    new: int = 0
    updated: int = 0


def cache_records(
    db: Session,
    connection: Connection,
    entity: Entity,
    batch: Sequence[Observed[Any]],
    *,
    stamps_may_go_back: bool = False,
) -> CachedRecords:
    """Write the records that differ from the cache and are not older.

    `stamps_may_go_back`: see `domain.versions`.
    """
    written = plain_records.write(db, connection, entity, latest(batch), stamps_may_go_back=stamps_may_go_back)
    return CachedRecords(len(written.new), len(written.updated))
