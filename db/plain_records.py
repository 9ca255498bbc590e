"""The caches of further entities: their rows have no dependent rows, and are written and compared column by column.

Each such table declares its columns once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from db import cached_tables, upserts
from db.batches import as_json, in_batches
from db.cached_tables import CachedTable
from db.connections import Connection
from db.gate import IS_REPLACED
from db.models import Base
from db.pipelines import Numbered
from db.session import Session
from db.upserts import Column, Written
from domain.entities import Entity
from domain.lists import Listed
from domain.observed import Observed

_VERSION = """
    SELECT status <> 'deleted' AS is_live, zoho_last_modified_at AS modified_at, observed_at
      FROM {table}
     WHERE user_id = :user_id AND {column} = {{record_id}} AND connection_id = :connection_id
"""

_MODIFIED_AT: Column[Observed[Listed]] = Column("zoho_last_modified_at", lambda read: read.record.modified_at)
_OBSERVED_AT: Column[Observed[Listed]] = Column("observed_at", lambda read: read.observed_at)


@dataclass(frozen=True, slots=True)
class PlainTable(CachedTable):
    """The cache table of a further entity. Its columns are declared once, for writing and for verification."""

    model: type[Base]
    values: Sequence[Column[Any]]  #: the columns with values from Zoho, `status` among them

    @classmethod
    def of(cls, model: type[Base], record_id: str, *, label: str, values: Sequence[Column[Any]]) -> "PlainTable":
        version = _VERSION.format(table=model.__table__, column=record_id)
        return cls(
            name=str(model.__table__),
            record_id=record_id,
            label=label,
            version=version,
            has_customer="customer_id" in model.__table__.c,
            model=model,
            values=values,
        )

    @property
    def columns(self) -> Sequence[Column[Observed[Any]]]:
        def of_read(value: Callable[[Any], Any]) -> Callable[[Observed[Any]], Any]:
            return lambda read: value(read.record)

        record_id: Column[Observed[Any]] = Column(self.record_id, lambda read: read.record.record_id)
        values = (Column(column.name, of_read(column.value)) for column in self.values)
        return (record_id, *values, _MODIFIED_AT, _OBSERVED_AT)

    def upsert(self) -> Numbered:
        names = [column.name for column in self.values]
        cached, read = (", ".join(f"{row}.{name}" for name in names) for row in ("cached", "excluded"))
        return upserts.upsert_of(
            self.model,
            self.record_id,
            self.columns,
            gate=f"""
                {IS_REPLACED} AND (cached.status <> 'deleted'
                                   OR excluded.observed_at >= coalesce(cached.observed_at, '-infinity'))
                AND (({cached}, cached.zoho_last_modified_at)
                     IS DISTINCT FROM ({read}, excluded.zoho_last_modified_at)
                     OR excluded.observed_at > cached.gone_at)
            """,
        )


def table_of(entity: Entity) -> PlainTable:
    table = cached_tables.table_of(entity)
    assert isinstance(table, PlainTable)
    return table


def write(
    db: Session, connection: Connection, entity: Entity, rows: Sequence[Observed[Any]], *, stamps_may_go_back: bool
) -> Written:
    """Insert or update the records that differ from the cache and are not older."""
    table = table_of(entity)
    batches = (as_json(upserts.records_of(table.columns, batch)) for batch in in_batches(rows))
    return upserts.write(db, connection, table.upsert(), batches, stamps_may_go_back=stamps_may_go_back)
