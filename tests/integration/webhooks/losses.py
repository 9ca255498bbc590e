"""Records that are deleted in Zoho, and which of their deletions are held back."""

from db import held_deletions
from domain.deletions import Evidence
from domain.entities import CUSTOMER, Entity
from tests.integration.webhooks.hooks import Hooks


def held(hooks: Hooks, entity: Entity | None = None) -> dict[str, Evidence]:
    """The held records with their evidence; only those of the entity's kind if an entity is given."""
    with hooks.bench.resources.engine.connect() as db:
        found = held_deletions.held(db, hooks.bench.connection_id, entity)
    return {each.record_id: each.evidence for each in found}


def ids_of(hooks: Hooks, entity: Entity) -> list[str]:
    return sorted(hooks.bench.customers() if entity is CUSTOMER else hooks.bench.invoices())


def status_of(hooks: Hooks, entity: Entity, record_id: str) -> str:
    rows = hooks.bench.customers() if entity is CUSTOMER else hooks.bench.invoices()
    return str(rows[record_id]["status"])


def delete(hooks: Hooks, entity: Entity, record_id: str) -> None:
    if entity is CUSTOMER:
        hooks.bench.zoho.delete_contact(record_id, with_invoices=True)
    else:
        hooks.bench.zoho.delete_invoice(record_id)


def lose(hooks: Hooks, entity: Entity, count: int, *, event: str = "") -> list[str]:
    """Deletes records in Zoho, with a webhook for each, and returns their ids."""
    ids = ids_of(hooks, entity)[:count]
    for record_id in ids:
        delete(hooks, entity, record_id)
        hooks.tell(entity, record_id, **({"event": event} if event else {}))
        hooks.work()
    return ids
