"""Rows with one unexpected value, as Zoho may send. The same row always gets the same unexpected value."""

from collections.abc import Iterator
from hashlib import sha256

import orjson

from sandbox.zoho.shares import draw

#: Unexpected values as JSON text, because Python has no value for some of them, such as a lone surrogate.
VALUES = (
    b"null",
    b"true",
    b"false",
    b"0",
    b"-1",
    b"1e400",
    b"-0.0",
    b"0.1000000000000000055511151231257827",
    b"99999999999999999999999999",
    b"NaN",
    b"-Infinity",
    b'""',
    b'" "',
    b'"null"',
    b'"0"',
    b'"-"',
    b'"1,234.50"',
    b'"1.234,50"',
    b'"1e400"',
    b'"NaN"',
    rb'"before\u0000after"',
    rb'"broken \ud800 emoji"',
    rb'"\udc00\ud800"',
    rb'"right \u202eto left"',
    '"\u0661\u0662\u0663"'.encode(),
    b'"0000-00-00"',
    b'"9999-12-31"',
    b'"2026-02-30"',
    b'"0001-01-01T00:00:00+0000"',
    b'"9999-12-31T23:59:59-1200"',
    b'"2026-01-01T00:00:00"',
    b'"2026-13-01T25:61:61+9999"',
    b'"' + b"x" * 70_000 + b'"',
    b"[]",
    b"{}",
    b'["a", null, {}]',
    b'{"value": "1"}',
    b"[" * 40 + b"]" * 40,
)

_ABSENT = len(VALUES)
_PLACE = "placeholder, replaced below"


def mutated(row: bytes, salt: str = "") -> bytes:
    """The row with one value replaced or one key left out, at any depth. Equal rows and salts give equal results.

    The result may have NaN or Infinity, which are not valid JSON, because some servers write them.
    """
    document: dict[str, object] = orjson.loads(row)
    seed = f"{salt}/{sha256(row).hexdigest()}"
    holders = list(_objects(document))
    holder = holders[draw(f"{seed}/holder", len(holders))]
    key = sorted(holder)[draw(f"{seed}/key", len(holder))]
    chosen = draw(f"{seed}/value", _ABSENT + 1)
    if chosen == _ABSENT:
        del holder[key]
        return orjson.dumps(document)
    holder[key] = _PLACE
    return orjson.dumps(document).replace(orjson.dumps(_PLACE), VALUES[chosen], 1)


def _objects(value: object) -> Iterator[dict[str, object]]:
    """Every non-empty object within `value`, including `value` itself."""
    if isinstance(value, dict):
        if value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _objects(each)
