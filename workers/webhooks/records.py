"""The records that a webhook's document names: every id under a key that identifies its entity gives an event.

Zoho inserts a record's values into a document without escaping. So a customer's name can break the JSON around the
name, or add keys. A repeated key therefore keeps all its values. A wrong id costs only one call, which finds nothing.
"""

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, lru_cache
from itertools import islice
from typing import Any

from pydantic_core import PydanticCustomError

from domain.entities import CUSTOMER, INVOICE
from domain.webhooks import EventKind
from workers.webhooks.named_records import OTHER, Found, NamedRecord, merged
from workers.webhooks.record_keys import entity_of_key, further_entities, id_keys
from workers.zoho.fields import moment, record_id

#: Keys that hold the kind of event, in the URL's query or in any object around the record.
_KIND_KEYS = frozenset({"event", "eventtype", "eventname", "action", "operation"})

#: Keys whose text may hold JSON: a form's field with the whole record, and the wrappers of relays. Other texts are not
#: parsed as JSON, because customers can write them.
_JSON_KEYS = frozenset(
    {"jsonstring", "data", "payload", "body", "event", "record", "message", "contact", "customer", "invoice"}
)

#: Keys of an object that describes a record and so should have its id.
_KEYS_OF_RECORDS = ("contact", "invoice", "contactid", "invoiceid", "customerid")

#: A payment or a credit note changes the balances of the invoices that it names, and the credit of its customer.
_MOVEMENT_IDS = frozenset({"paymentid", "customerpaymentid", "creditnoteid"})
_MOVEMENT_KEYS = frozenset({"payment", "customerpayment", "creditnote"})

#: The limit of visited objects of one document, outer ones first; no record of Zoho has as many.
_MOST_PLACES = 5_000

_ENTITY_NAME = re.compile(r"[a-z][a-z_]{0,39}")

_SEPARATOR = r"""["'\\\s]{0,9}[:=>]?["'\\\s]{0,9}"""
#: The pattern of a key that names a record, followed by digits, in any surrounding text.
_WRITTEN_ID = re.compile(
    rf"(?<![a-z0-9_])(contact|customer|invoice|(?:customer_?)?payment|credit_?note)[ _-]?id(?![0-9]){_SEPARATOR}"
    r"([0-9]{1,30})(?![0-9a-z_-]|\.[0-9])",
    re.IGNORECASE | re.ASCII,
)
_WRITTEN_DELETION = re.compile(
    rf"(?<![a-z0-9_])(event|event_type|event_name|action|operation){_SEPARATOR}[a-z._ -]{{0,60}}delet",
    re.IGNORECASE | re.ASCII,
)


class Fields:
    """A JSON object with all values of repeated keys.

    Keys are compared without case and punctuation: "Contact ID" equals contactid.
    """

    def __init__(self, pairs: Iterable[tuple[str, Any]]) -> None:
        self.pairs = tuple(pairs)

    @cached_property
    def _values(self) -> dict[str, list[Any]]:
        values: dict[str, list[Any]] = {}
        for key, value in self.pairs:
            values.setdefault(_plain(key), []).append(value)
        return values

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def all_of(self, *keys: str) -> list[Any]:
        """Return all values that the object has under these keys."""
        return [value for key in keys for value in self._values.get(key, ())]

    def ids_of(self, *keys: str) -> list[str]:
        """Return the values under these keys that have the form of ids."""
        return [identity for value in self.all_of(*keys) if (identity := record_id(value)) is not None]


def looks_like_json(text: str) -> bool:
    return text.lstrip()[:1] in ("{", "[")


def names_deletion(fields: Fields) -> bool:
    """Return whether one of `_KIND_KEYS` in the object names a deletion."""
    words = [word.lower() for word in fields.all_of(*_KIND_KEYS) if isinstance(word, str) and not looks_like_json(word)]
    return any("delet" in word for word in words)


def find_in_text(text: str, *, is_deleted: bool) -> Found:
    """Return the records that a JSON text names, or the ids that any other text contains."""
    if looks_like_json(text):
        try:
            # strict=False accepts raw line breaks in strings.
            document = json.loads(text, strict=False, object_pairs_hook=Fields, parse_int=str)
        except (ValueError, RecursionError):
            pass
        else:
            return find_records(document, is_deleted=is_deleted)
    return Found(merged(_written_records(text, is_deleted=is_deleted)))


def find_records(document: Any, *, is_deleted: bool) -> Found:
    """Return the records that a document names, outer objects first.

    `is_deleted` says that the document's context names a deletion.
    """
    records: list[NamedRecord] = []
    lacks_id, others = False, list[tuple[str, str]]()
    places = deque([_Place(document, "", is_deleted)])
    for _ in range(_MOST_PLACES):
        if not places:
            break
        place = places.popleft()
        if isinstance(place.value, str):
            inner = find_in_text(place.value, is_deleted=place.is_deleted)
            records += inner.records
            lacks_id = lacks_id or inner.other is None
            others += [inner.other] if inner.other else []
        elif isinstance(place.value, Fields) and place.value.pairs:
            named = list(place.records(place.value))
            records += named
            lacks_id = lacks_id or (not named and place.should_have_id(place.value))
            others.append(place.other(place.value))
        places.extend(islice(place.inner(), _MOST_PLACES))
    named_others = [other for other in others if other[0] != OTHER]
    return Found(merged(records), lacks_id, next(iter(named_others + others), None))


@dataclass(frozen=True, slots=True)
class _Place:
    """A value inside a webhook's document, with its context."""

    value: Any
    key: str
    is_deleted: bool
    is_in_movement: bool = False

    @property
    def name(self) -> str:
        return _plain(self.key)

    def inner(self) -> Iterator["_Place"]:
        """Yield the places inside this value that may hold a record."""
        if isinstance(self.value, Fields):
            is_movement = self._is_movement(self.value)
            is_deleted = (self.is_deleted or names_deletion(self.value)) and not is_movement
            for key, value in self.value.pairs:
                if isinstance(value, (Fields, list)) or _is_json_text(key, value):
                    yield _Place(value, key, is_deleted, is_movement)
        elif isinstance(self.value, list):
            for value in self.value:
                if isinstance(value, (Fields, list)) or _is_json_text(self.key, value):
                    yield replace(self, value=value)

    def records(self, fields: Fields) -> Iterator[NamedRecord]:
        """Yield the records that this object itself names."""
        is_movement = self._is_movement(fields)
        invoices = fields.ids_of(*id_keys(INVOICE, self.name))
        contacts = fields.ids_of(*id_keys(CUSTOMER, self.name))
        # An event of an invoice or an estimate does not change its customer.
        if is_movement or not (invoices or self._is_foreign(fields)):
            contacts += fields.ids_of("customerid")
        is_deleted = (self.is_deleted or names_deletion(fields)) and not is_movement
        kind = EventKind.DELETED if is_deleted else EventKind.CHANGED
        modified_at = None if is_movement else _moment(fields)
        for identity in invoices:
            yield NamedRecord(INVOICE, identity, kind, modified_at)
        if kind is EventKind.CHANGED and _is_vendor(fields):
            kind = EventKind.VENDOR
        for identity in contacts:
            # In an object with an invoice's id, the modified time is the invoice's.
            yield NamedRecord(CUSTOMER, identity, kind, None if invoices else modified_at)
        yield from self._further_records(fields)

    def _further_records(self, fields: Fields) -> Iterator[NamedRecord]:
        """Yield the records of further entities that this object names, such as a credit note.

        If the object names a deletion, the credit note itself is deleted, although its invoices have only changed.
        """
        kind = EventKind.DELETED if self.is_deleted or names_deletion(fields) else EventKind.CHANGED
        for entity in further_entities():
            for identity in fields.ids_of(*id_keys(entity, self.name)):
                yield NamedRecord(entity, identity, kind, _moment(fields))

    def should_have_id(self, fields: Fields) -> bool:
        """Return whether the object describes a contact or an invoice.

        A missing id in such an object is a mistake of the webhook rule.
        """
        if self._is_foreign(fields):
            return False
        return entity_of_key(self.name) is not None or any(key in fields for key in _KEYS_OF_RECORDS)

    def other(self, fields: Fields) -> tuple[str, str]:
        """Return the entity and id of an object that booksync does not cache; `OTHER` and "" replace invalid ones."""
        if not _ENTITY_NAME.fullmatch(self.key) or self.name in _JSON_KEYS:
            return OTHER, ""
        return self.key, next(iter(fields.ids_of(f"{self.name}id")), "")

    def _is_movement(self, fields: Fields) -> bool:
        if self.is_in_movement or self.name.removesuffix("s") in _MOVEMENT_KEYS:
            return True
        return entity_of_key(self.name) is None and any(key in fields for key in _MOVEMENT_IDS)

    def _is_foreign(self, fields: Fields) -> bool:
        return bool(self.name) and entity_of_key(self.name) is None and f"{self.name.removesuffix('s')}id" in fields


def _is_json_text(key: str, value: object) -> bool:
    return isinstance(value, str) and _plain(key) in _JSON_KEYS and looks_like_json(value)


@lru_cache(maxsize=1_000)
def _plain(key: str) -> str:
    return "".join(filter(str.isalnum, key.lower()))


def _written_records(text: str, *, is_deleted: bool) -> list[NamedRecord]:
    written = [(_plain(name), identity) for name, identity in _WRITTEN_ID.findall(text)]
    names = {name for name, _ in written}
    is_movement = not names.isdisjoint(_MOVEMENT_KEYS)
    is_deleted = (is_deleted or _WRITTEN_DELETION.search(text) is not None) and not is_movement
    kind = EventKind.DELETED if is_deleted else EventKind.CHANGED
    if "invoice" in names and not is_movement:
        written = [(name, identity) for name, identity in written if name != "customer"]
    named = [(entity_of_key(name), identity) for name, identity in written]
    return [NamedRecord(entity, identity, kind, None) for entity, identity in named if entity is not None]


def _is_vendor(fields: Fields) -> bool:
    return any(isinstance(kind, str) and kind.strip().lower() == "vendor" for kind in fields.all_of("contacttype"))


def _moment(fields: Fields) -> datetime | None:
    """Return Zoho's time of the change; None if the time is unreadable, or ambiguous because its key is repeated."""
    stamps = fields.all_of("lastmodifiedtime")
    if len(stamps) != 1:
        return None
    try:
        return moment(stamps[0])
    except PydanticCustomError:
        # The time may have the organisation's display format, because placeholders may use it.
        return None
