"""Reads the body of an HTTP response within a bound, decompressed at most once."""

import zlib
from collections.abc import Iterator

import httpx

from workers.zoho.errors import TooLarge, UnusableAnswer

#: What a request may ask for in `Accept-Encoding`: the only coding that is read here.
ACCEPTED_CODING = "gzip"

#: Names of that coding (RFC 9110, 8.4.1.3), and of no coding at all.
_GZIP = {"gzip", "x-gzip"}
_IDENTITY = {"identity", ""}

#: zlib's window with a gzip header and trailer around it.
_GZIP_WINDOW = zlib.MAX_WBITS + 16


def read_body(response: httpx.Response, *, call: str, at_most: int) -> bytes:
    """The decompressed body. `at_most` bounds its bytes, and its bytes on the wire.

    httpx applies every coding that `Content-Encoding` lists, each without a bound, so a body of some kilobytes can grow
    to gigabytes. Here the raw bytes are read, and each chunk is inflated only as far as the bound leaves.

    Raises:
        TooLarge: the body, or what it inflates to, is larger than `at_most`.
        UnusableAnswer: more than one coding, or one that was not asked for.
        httpx.DecodingError: the body is not the gzip that its header names, or ends within it.
        httpx.HTTPError: what the network did.
    """
    too_large = TooLarge(call, status=response.status_code, detail=f"larger than {at_most} bytes")
    if _declared_length(response) > at_most:
        raise too_large
    chunks = _raw_chunks(response, at_most, too_large)
    if _is_gzip(response, call):
        chunks = _inflated(chunks, at_most)
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > at_most:
            raise too_large
    return bytes(body)


def _declared_length(response: httpx.Response) -> int:
    """0 where the header is missing or no number; h11 has checked the number against the framing."""
    length = response.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdecimal() and len(length) <= 20 else 0


def _is_gzip(response: httpx.Response, call: str) -> bool:
    listed = [each.strip().lower() for each in response.headers.get("content-encoding", "").split(",")]
    codings = [each for each in listed if each not in _IDENTITY]
    if len(codings) > 1:
        raise UnusableAnswer(call, status=response.status_code, detail="more than one Content-Encoding")
    if codings and codings[0] not in _GZIP:
        raise UnusableAnswer(call, status=response.status_code, detail="a Content-Encoding that is not gzip")
    return bool(codings)


def _raw_chunks(response: httpx.Response, at_most: int, too_large: TooLarge) -> Iterator[bytes]:
    """As they came over the wire. Not `iter_raw`, which refuses a response that a test made whole."""
    assert isinstance(response.stream, httpx.SyncByteStream)
    length = 0
    for chunk in response.stream:
        length += len(chunk)
        # Bytes that inflate to nothing need a bound too.
        if length > at_most:
            raise too_large
        yield chunk


def _inflated(chunks: Iterator[bytes], at_most: int) -> Iterator[bytes]:
    """A chunk inflates to at most `at_most` + 1 bytes: one more than the caller accepts."""
    inflater = zlib.decompressobj(_GZIP_WINDOW)
    is_empty = True
    for chunk in chunks:
        is_empty = False
        try:
            yield inflater.decompress(chunk, at_most + 1)
        except zlib.error:
            raise httpx.DecodingError("The body is not gzip.") from None
        if inflater.unused_data:
            raise httpx.DecodingError("The body continues after its gzip ends.")
    # A 401 may have an empty body under a Content-Encoding.
    if not is_empty and not inflater.eof:
        raise httpx.DecodingError("The gzip body is truncated.")
