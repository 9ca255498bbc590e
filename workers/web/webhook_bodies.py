"""What a webhook's body tells: JSON, a form, or a form with JSON in it, read liberally into events (API section 6)."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson
from pydantic_core import PydanticCustomError

from domain.webhooks import Entity, Event, EventKind
from workers.zoho.fields import moment, record_id

#: A form's field that holds the whole record as JSON.
_JSON_FIELD = "JSONString"

#: Where a rule may say what has happened: in the address's query, or beside the record.
_KIND_KEYS = ("event", "event_type", "action", "operation")

_ENTITY_NAME = re.compile(r"[a-z][a-z_]{0,39}")

#: The entity of an event that names none we could write down.
_OTHER = "other"

#: Far above the fields of the largest record.
_MOST_FIELDS = 2_000

Parameters = Sequence[tuple[str, str]]


class UnreadableBodyError(Exception):
    """The body is neither JSON nor a form with a record in it."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, taken apart as far as its signature needs it."""

    query: Parameters
    form: Parameters = field(repr=False)
    body: bytes = field(repr=False)
    is_multipart: bool = False  #: a kind of form that nobody here reads

    @property
    def is_form(self) -> bool:
        return bool(self.form)

    @property
    def parameters(self) -> Parameters:
        """What the signature covers beside a JSON body."""
        return [*self.query, *self.form]

    @property
    def json_body(self) -> bytes:
        return b"" if self.is_form else self.body


def take_apart(query: str, content_type: str, body: bytes) -> Request:
    """The request's parameters; JSON that is called a form, as some clients do by default, is JSON."""
    kind = content_type.partition(";")[0].strip().lower()
    is_form = kind == "application/x-www-form-urlencoded" and not _looks_like_json(body)
    form = _fields(body) if is_form else ()
    return Request(_pairs(query), form, body, is_multipart=kind.startswith("multipart/"))


def read_events(request: Request) -> list[Event]:
    """The events that the request tells, at least one.

    Raises:
        UnreadableBodyError: it tells nothing that could be understood, or a record without an id.
    """
    fields = _record_fields(request)
    if request.is_multipart or any(
        entity in fields and not isinstance(fields[entity], (dict, str)) for entity in Entity
    ):
        raise UnreadableBodyError
    kind = _told_kind([*request.query, *fields.items()])
    digest = hashlib.sha256(request.body).hexdigest()
    events = list(_known_entities(fields, kind, digest)) or [_other(fields, kind, digest)]
    # In one order, whatever the body's: their rows are locked one after the other.
    return sorted(events, key=lambda event: (event.entity, event.record_id))


def _record_fields(request: Request) -> Mapping[str, Any]:
    """The body's outermost object, or the form's fields."""
    # Text that placeholders have made is a form too, whatever it is called.
    is_text = b"=" in request.body and not _looks_like_json(request.body)
    form = dict(request.form or (_fields(request.body) if is_text else ()))
    if not form:
        return _unwrapped(_json_object(request.body))
    return _unwrapped(form)


def _unwrapped(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = fields.get(_JSON_FIELD)
    if isinstance(inner, str):
        return {**fields, **_json_object(inner.encode())}
    return {**fields, **inner} if isinstance(inner, dict) else fields


def _looks_like_json(body: bytes) -> bool:
    return body.lstrip()[:1] in (b"{", b"[")


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise UnreadableBodyError from None
    if not isinstance(found, dict):
        raise UnreadableBodyError
    return found


def _fields(body: bytes) -> Parameters:
    try:
        return _pairs(body.decode("utf-8"))
    except UnicodeDecodeError:
        return ()


def _pairs(text: str) -> Parameters:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:  # More fields than that.
        return ()


def _told_kind(words: Sequence[tuple[str, Any]]) -> EventKind:
    told = (value.lower() for key, value in words if key in _KIND_KEYS and isinstance(value, str))
    return EventKind.DELETED if any("delet" in word for word in told) else EventKind.CHANGED


def _known_entities(fields: Mapping[str, Any], kind: EventKind, digest: str) -> Iterator[Event]:
    for entity in Entity:
        record = fields.get(entity)
        if isinstance(record, str) and _looks_like_json(record.encode()):
            record = _json_object(record.encode())
        if isinstance(record, dict):
            yield _event(entity, record, kind, digest)
    id_keys = {f"{entity}_id": entity for entity in reversed(Entity)}
    # Without a wrapper an invoice is known by its own id; a contact's may stand beside it.
    flat = next((entity for key, entity in id_keys.items() if key in fields), None)
    if flat is not None and not any(isinstance(fields.get(entity), (dict, str)) for entity in Entity):
        yield _event(flat, fields, kind, digest)


def _event(entity: Entity, record: Mapping[str, Any], kind: EventKind, digest: str) -> Event:
    identity = record_id(record.get(f"{entity}_id"))
    if identity is None:
        raise UnreadableBodyError
    if kind is EventKind.CHANGED and _is_vendor(record):
        kind = EventKind.VENDOR
    return Event(entity, identity, kind, _moment(record.get("last_modified_time")), digest)


def _is_vendor(record: Mapping[str, Any]) -> bool:
    kind = record.get("contact_type")
    return isinstance(kind, str) and kind.strip().lower() == "vendor"


def _moment(value: object) -> Any:
    """Zoho's time; None for what is none, such as a placeholder in the organisation's display format."""
    try:
        return moment(value)
    except PydanticCustomError:
        return None


def _other(fields: Mapping[str, Any], kind: EventKind, digest: str) -> Event:
    """Of something else that Zoho has: its name and its id, where they are such."""
    if not fields:
        raise UnreadableBodyError
    for name, record in fields.items():
        if isinstance(record, dict) and _ENTITY_NAME.fullmatch(name):
            return Event(name, record_id(record.get(f"{name}_id")) or "", kind, None, digest)
    return Event(_OTHER, "", kind, None, digest)
