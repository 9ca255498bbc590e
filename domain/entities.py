"""Entities: the kinds of Zoho records that booksync caches, in a register that every layer reads.

Customers and invoices are registered here. docs/adding-an-entity.md shows how another one is added.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entity:
    """One kind of record that booksync caches. `name` and `kind` are stored in the database, so they never change."""

    name: str  #: Zoho's word for the kind: in webhooks, refreshes, actors, rejected rows and metrics
    kind: str  #: the cache's word: in deletions, failed records and JSON
    depends_on: Sequence["Entity"] = ()  #: entities whose lists a run reads before this one's

    @property
    def plural(self) -> str:
        """The plural name of the entity, a key of JSON and metrics: customers."""
        return f"{self.kind}s"

    @property
    def noun(self) -> str:
        """The entity's name in sentences; the plural has an s."""
        return self.kind.replace("_", " ")


CUSTOMER = Entity("contact", "customer")
INVOICE = Entity("invoice", "invoice", depends_on=(CUSTOMER,))

_registered: list[Entity] = [CUSTOMER, INVOICE]


def entities() -> Sequence[Entity]:
    """All entities in the order in which a run reads their lists."""
    return tuple(_registered)


def entity_named(name: str) -> Entity:
    """The entity that Zoho calls `name`.

    Raises:
        KeyError: booksync does not cache such records.
    """
    return {entity.name: entity for entity in _registered}[name]


def entity_of_kind(kind: str) -> Entity:
    """The entity that the cache calls `kind`.

    Raises:
        KeyError: booksync does not cache such records.
    """
    return {entity.kind: entity for entity in _registered}[kind]


def is_cached(name: str) -> bool:
    """Whether booksync caches the kind of records that Zoho calls `name`."""
    return any(entity.name == name for entity in _registered)


def following_entity(entity: Entity) -> Entity | None:
    """The entity whose list a run reads after this entity's list; None after the last one."""
    following = _registered.index(entity) + 1
    return _registered[following] if following < len(_registered) else None


def register(entity: Entity) -> Entity:
    """Add a further entity. A run reads its list after the lists of the entities that were registered before.

    Raises:
        ValueError: an entity that the new one depends on is not registered, or the name is taken.
    """
    if missing := [each.name for each in entity.depends_on if each not in _registered]:
        raise ValueError(f"{entity.name} depends on {', '.join(missing)}, which is not registered.")
    if any({entity.name, entity.kind} & {each.name, each.kind} for each in _registered):
        raise ValueError(f"An entity is called {entity.name} or {entity.kind} already.")
    _registered.append(entity)
    return entity
