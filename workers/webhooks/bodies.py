"""One webhook request as data: the parameters from which the signature is computed, and the events.

The functions are pure: from bytes, query and method to events. They parse forms, JSON and plain text. JSON that is
malformed is searched for ids like plain text, because Zoho inserts a record's values into it without escaping.
"""

import codecs
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, urlencode

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, create_form_parser

from domain.errors import BooksyncError
from domain.webhooks import Event
from workers.webhooks.named_records import Found
from workers.webhooks.records import Fields, find_in_text, find_records, looks_like_json, names_deletion

#: The limit of fields in a body, far above those of the largest record.
_MOST_FIELDS = 2_000

#: The limit of events of one request. An import that a relay sends as one array may be larger; the next run then reads
#: the other records.
MOST_EVENTS = 200

#: The marks of encodings. The mark of UTF-32-LE precedes that of UTF-16-LE, because it begins with the same bytes.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

Parameters = Sequence[tuple[str, str]]


class UnreadableBodyError(BooksyncError):
    """The request names no record: neither its query nor its body holds an id."""


@dataclass(frozen=True, slots=True)
class Request:
    """One webhook request, parsed as far as the check of its signature needs."""

    query: Parameters
    form: Parameters = field(repr=False)
    body: bytes = field(repr=False)
    is_delete: bool = False  #: whether the request was sent with the method DELETE

    @property
    def is_form(self) -> bool:
        return bool(self.form)

    @property
    def parameters(self) -> Parameters:
        """The parameters from which the signature is computed, together with a JSON body."""
        return [*self.query, *self.form]

    @property
    def json_body(self) -> bytes:
        return b"" if self.is_form else self.body


@dataclass(frozen=True, slots=True)
class Reading:
    """The events of one webhook request, at most `MOST_EVENTS`, and the number of events that were left out."""

    events: Sequence[Event]
    left_out: int = 0


def take_apart(query: str, content_type: str, body: bytes, *, method: str = "POST") -> Request:
    """Parse the parameters of a webhook request.

    JSON with the content type of a form, a default of some clients, is treated as JSON.
    """
    kind = content_type.partition(";")[0].strip().lower()
    form: Parameters = ()
    if kind.startswith("multipart/"):
        form = _parts(content_type, body)
    elif kind == "application/x-www-form-urlencoded" and not looks_like_json(_decoded(body)):
        form = _fields(body)
    return Request(_pairs(query), form, body, is_delete=method.upper() == "DELETE")


def read_events(request: Request) -> Reading:
    """Return the events that the request names: at least one, at most `MOST_EVENTS`.

    Raises:
        UnreadableBodyError: the request names no record, or a record without an id.
    """
    query = Fields(request.query)
    is_deleted = request.is_delete or names_deletion(query)
    found = _found_in_body(request, is_deleted=is_deleted)
    # An id in the query is used like an id in the body, and text pasted into the body cannot hide it.
    found = found.completed_by(find_records(query, is_deleted=is_deleted))
    digest = hashlib.sha256(urlencode(request.query).encode("utf-8", "replace") + request.body).hexdigest()
    if not found.records and (found.lacks_id or found.other is None):
        raise UnreadableBodyError
    events = found.events(digest)
    # The events are sorted, so that parallel requests lock the rows in the same order.
    taken = sorted(events[:MOST_EVENTS], key=lambda event: (event.entity, event.record_id))
    return Reading(taken, left_out=len(events) - len(taken))


def _found_in_body(request: Request, *, is_deleted: bool) -> Found:
    text = _decoded(request.body)
    if request.is_form:
        found = find_records(Fields(request.form), is_deleted=is_deleted)
    elif looks_like_json(text):
        return find_in_text(text, is_deleted=is_deleted)
    else:
        # A text with pasted placeholders is often a form, regardless of its content type.
        pairs = _pairs(text) if "=" in text else ()
        # Any text with "=" looks like a form, so a form is used only if it names an id.
        found = replace(find_records(Fields(pairs), is_deleted=is_deleted), other=None)
    # A pasted line break or & can hide an id from the form's parser.
    return found.completed_by(find_in_text(text, is_deleted=is_deleted))


def _decoded(body: bytes) -> str:
    """Decode the body. Invalid bytes are replaced, which is harmless because ids are ASCII."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, "replace")
    return body.decode("utf-8", "replace")


def _fields(body: bytes) -> Parameters:
    try:
        return _pairs(body.decode("utf-8"))
    except UnicodeDecodeError:
        return ()


def _pairs(text: str) -> Parameters:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:  # The form has more than _MOST_FIELDS fields.
        return ()


def _parts(content_type: str, body: bytes) -> Parameters:
    """Return the fields of a multipart form, files as text; none if the form is malformed."""
    pairs: list[tuple[str, str]] = []

    def take(name: bytes | None, value: bytes | None) -> None:
        if len(pairs) >= _MOST_FIELDS:
            raise FormParserError("too many parts")
        pairs.append((_text(name), _text(value)))

    def take_field(part: Field) -> None:
        take(part.field_name, part.value)

    def take_file(part: File) -> None:
        part.file_object.seek(0)
        content = part.file_object.read()
        part.close()
        take(part.field_name, content)

    try:
        parser = create_form_parser({"Content-Type": content_type.encode()}, take_field, take_file)
        parser.write(body)
        parser.finalize()
    except FormParserError:
        return ()
    return pairs


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")
