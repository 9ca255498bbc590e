"""Malformed bytes: valid bytes after a few random edits."""

import random
from collections.abc import Callable, Sequence

#: Pieces that parsers treat specially: numbers, escapes, byte order marks, dates, delimiters.
_PIECES: Sequence[bytes] = (
    b"null",
    b"NaN",
    b"-Infinity",
    b"1e400",
    b"1e-999999999",
    b"-0",
    b"9" * 5_000,
    b'"',
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"[" * 2_000,
    b'{"a":' * 500,
    b"{}",
    b"[]",
    b",",
    b"&",
    b"=",
    b"%00",
    b"\r\n--x",
    b"0001-01-01T00:00:00-1400",
    b"9999-12-31T23:59:59+1400",
    "\u0661\u0662\u202e".encode(),
    b"+" * 300,
    b"ext. 5 / ",
    b"(0)",
    b" or ",
)


def mutated(seed: bytes, chance: random.Random) -> bytes:
    """The bytes after one to six edits."""
    changed = bytearray(seed)
    for _ in range(chance.randint(1, 6)):
        chance.choice(_EDITS)(changed, chance)
    return bytes(changed)


def _flip(changed: bytearray, chance: random.Random) -> None:
    if changed:
        changed[chance.randrange(len(changed))] = chance.randrange(256)


def _insert(changed: bytearray, chance: random.Random) -> None:
    at = chance.randint(0, len(changed))
    changed[at:at] = chance.choice(_PIECES)


def _replace(changed: bytearray, chance: random.Random) -> None:
    start = chance.randint(0, len(changed))
    changed[start : start + chance.randint(1, 20)] = chance.choice(_PIECES)


def _cut(changed: bytearray, chance: random.Random) -> None:
    start = chance.randint(0, len(changed))
    del changed[start : start + chance.randint(1, 40)]


def _repeat(changed: bytearray, chance: random.Random) -> None:
    start = chance.randint(0, len(changed))
    piece = changed[start : start + chance.randint(1, 40)]
    changed[start:start] = piece * chance.randint(1, 8)


_EDITS: Sequence[Callable[[bytearray, random.Random], None]] = (_flip, _insert, _replace, _cut, _repeat)
