"""Responses that a client must refuse to read ("bombs"), because a complete one exhausts the client's memory."""

import gzip
import struct
import zlib
from dataclasses import replace
from functools import lru_cache

from sandbox.zoho.fault_requests import Bomb
from sandbox.zoho.responses import Response

MEGABYTE = 1024 * 1024

#: The inflated size of each compressed response.
INFLATED_BYTES = 1024 * MEGABYTE

#: A size that is more than booksync reads of a response.
PLAIN_BYTES = 9 * MEGABYTE

#: A size that is more than any HTTP client reads of a header.
HEADER_BYTES = 2 * MEGABYTE

_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"


def bomb(response: Response, kind: Bomb) -> Response:
    """The response with an oversized body or header; its status and other headers stay."""
    match kind:
        case Bomb.GZIP:
            return _coded(response, gzip_bomb(), "gzip")
        case Bomb.NESTED_GZIP:
            return _coded(response, gzip.compress(gzip_bomb()), "gzip, gzip")
        case Bomb.MANY_CODINGS:
            return _coded(response, _many_times(response.body, 100), ", ".join(["gzip"] * 100))
        case Bomb.PLAIN:
            return replace(response, body=response.body + b" " * PLAIN_BYTES)
        case Bomb.ENDLESS:
            return replace(response, is_endless=True)
        case Bomb.HEADERS:
            return replace(response, headers={**response.headers, "X-Filler": "x" * HEADER_BYTES})


@lru_cache(maxsize=1)
def gzip_bomb() -> bytes:
    """A valid gzip file of about a megabyte that inflates to `INFLATED_BYTES` of zeros."""
    chunk = bytes(MEGABYTE)
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    # After a full flush the same megabyte deflates to the same bytes, so one deflated block is repeated.
    block = deflate.compress(chunk) + deflate.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(INFLATED_BYTES // MEGABYTE):
        checksum = zlib.crc32(chunk, checksum)
    trailer = struct.pack("<II", checksum, INFLATED_BYTES)
    return _GZIP_HEADER + block * (INFLATED_BYTES // MEGABYTE) + deflate.flush() + trailer


def _coded(response: Response, body: bytes, coding: str) -> Response:
    return replace(response, body=body, headers={**response.headers, "Content-Encoding": coding})


def _many_times(body: bytes, times: int) -> bytes:
    for _ in range(times):
        body = gzip.compress(body)
    return body
