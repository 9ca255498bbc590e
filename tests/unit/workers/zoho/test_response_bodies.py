"""Promises of workers/zoho/response_bodies.py: a valid body is read completely in any pieces; the bound is exact."""

import gzip
import zlib
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tables import table
from workers.zoho.errors import TooLarge
from workers.zoho.response_bodies import read_body


class Pieces(httpx.SyncByteStream):
    """A body that arrives in pieces of `length` bytes."""

    def __init__(self, body: bytes, length: int) -> None:
        self._body = body
        self._length = length

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._body), self._length):
            yield self._body[start : start + self._length]


def a_response(body: bytes, *, length: int = 65_536, coding: str | None = None) -> httpx.Response:
    headers = {} if coding is None else {"Content-Encoding": coding}
    return httpx.Response(200, headers=headers, stream=Pieces(body, length))


def read(response: httpx.Response, at_most: int = 1000) -> bytes:
    return read_body(response, call="GET /x", at_most=at_most)


@given(st.binary(max_size=1000), st.integers(1, 100))
def test_any_body_is_read_completely_in_any_pieces(body: bytes, length: int) -> None:
    assert read(a_response(body, length=length)) == body
    assert read(a_response(gzip.compress(body), length=length, coding="gzip"), at_most=1100) == body


@given(st.integers(0, 200), st.integers(0, 200))
def test_the_bound_is_exact(length: int, at_most: int) -> None:
    deflated = gzip.compress(bytes(length * 100))
    for response in (a_response(bytes(length * 100)), a_response(deflated, coding="gzip")):
        if length > at_most:
            with pytest.raises(TooLarge):
                read(response, at_most=at_most * 100)
        elif len(deflated) <= at_most * 100:
            assert len(read(response, at_most=at_most * 100)) == length * 100


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP", "identity, gzip", " gzip ,"])
def test_all_names_of_gzip_are_accepted(coding: str) -> None:
    assert read(a_response(gzip.compress(b"body", mtime=0), coding=coding)) == b"body"


@pytest.mark.parametrize("coding", [None, "", "identity", "Identity", "identity, identity"])
def test_all_names_of_no_coding_are_accepted(coding: str | None) -> None:
    assert read(a_response(b"body", coding=coding)) == b"body"


def test_an_empty_body_needs_no_gzip() -> None:
    assert read(a_response(b"", coding="gzip")) == b""


@table(
    "body",
    [
        b"plain",
        # Cut short, with a wrong checksum, and another format of the same algorithm.
        gzip.compress(b"body", mtime=0)[:-1],
        gzip.compress(b"body", mtime=0)[:-8] + bytes(8),
        zlib.compress(b"body"),
        # Data after the end: a second file, and random bytes.
        gzip.compress(b"body", mtime=0) * 2,
        gzip.compress(b"body", mtime=0) + b"more",
    ],
)
@table("length", [1, 7, 65_536])
def test_body_that_is_not_one_complete_gzip_is_an_error(body: bytes, length: int) -> None:
    with pytest.raises(httpx.DecodingError):
        read(a_response(body, length=length, coding="gzip"))
