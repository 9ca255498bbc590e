"""The keys of a webhook's document that name a record: contact, invoices, contact_id."""

from domain.entities import CUSTOMER, INVOICE, Entity, entities

#: Keys whose object is a record of the entity, so that a plain "id" in the object is the record's id.
_RECORDS = {
    "contact": CUSTOMER,
    "contacts": CUSTOMER,
    "customer": CUSTOMER,
    "customers": CUSTOMER,
    "invoice": INVOICE,
    "invoices": INVOICE,
}


def entity_of_key(key: str) -> Entity | None:
    """The entity whose records a JSON key holds; None if booksync does not cache them.

    The key is given in lower case and without punctuation.
    """
    return _RECORDS.get(key) or next((each for each in further_entities() if key in (each.name, f"{each.name}s")), None)


def further_entities() -> list[Entity]:
    """The entities other than customers and invoices.

    A record of a further entity is named only by a key with the entity's own name.
    """
    return [entity for entity in entities() if entity not in _RECORDS.values()]


def id_keys(entity: Entity, key: str) -> list[str]:
    """The keys that hold ids of that entity's records, in an object that is itself the value of the key `key`."""
    return [f"{entity.name}id", *(["id"] if entity_of_key(key) is entity else [])]
