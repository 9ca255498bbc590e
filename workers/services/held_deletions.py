"""Held deletions: a person decides whether records that Zoho seems to have lost are marked deleted or kept."""

from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import Engine

from db import clock, held_deletions
from db.connections import Connection
from db.held_deletions import Held
from domain.entities import Entity, entities
from workers.services.mark_deleted import mark_held_deleted

#: Records per transaction. The number is small, because each record may have many invoices whose reminders are planned
#: again.
BATCH = 100


#: Is called after each batch with its number of records.
AfterBatch = Callable[[int], object]


def _ignore(_count: int) -> None:
    pass


def apply(
    engine: Engine, connection: Connection, chosen: Sequence[Held], after_batch: AfterBatch = _ignore
) -> dict[Entity, int]:
    """Mark held records deleted, one transaction per batch, and plan the reminders of their invoices again.

    A record that was read again since its 404 is not marked. Returns how many of each kind were marked.
    """
    marked = dict.fromkeys(entities(), 0)
    for entity, record_ids in _batches(chosen):
        with engine.begin() as db:
            marked[entity] += mark_held_deleted(db, connection, entity, record_ids, now=clock.present(db))
        after_batch(len(record_ids))
    return marked


def dismiss(
    engine: Engine, connection: Connection, chosen: Sequence[Held], after_batch: AfterBatch = _ignore
) -> dict[Entity, int]:
    """Store a person's decision that held records exist. Returns how many of each kind were held back until now.

    The records stay cached, and no run checks them. The reminders of these records stay cancelled, because Zoho has
    returned 404. A later read of a record ends the decision, and a second 404 is held back like any other.
    """
    dismissed = dict.fromkeys(entities(), 0)
    for entity, record_ids in _batches(chosen):
        with engine.begin() as db:
            dismissed[entity] += held_deletions.dismiss(db, connection, entity, record_ids)
        after_batch(len(record_ids))
    return dismissed


def _batches(chosen: Sequence[Held]) -> Iterator[tuple[Entity, list[str]]]:
    """Yield batches of held records, each of one entity: customers first, because writers lock customers first."""
    for entity in entities():
        record_ids = sorted(held.record_id for held in chosen if held.entity is entity)
        for start in range(0, len(record_ids), BATCH):
            yield entity, record_ids[start : start + BATCH]
