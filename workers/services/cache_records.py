"""Caching records that are neither customers nor invoices, as Zoho returns them. No other row depends on them."""

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

    With `stamps_may_go_back` (full runs), a response that was clearly read later wins even if its stamp is older.
    """
    written = plain_records.write(db, connection, entity, latest(batch), stamps_may_go_back=stamps_may_go_back)
    return CachedRecords(len(written.new), len(written.updated))
