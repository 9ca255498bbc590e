"""Reads the body of an HTTP response up to a limit, decompressed at most once."""

import zlib
from collections.abc import Iterator

import httpx

from workers.zoho.errors import TooLarge, UnusableResponse

#: The value of `Accept-Encoding`: the only coding that this module reads.
ACCEPTED_CODING = "gzip"

#: The header values for that coding (RFC 9110, 8.4.1.3), and for an uncoded body.
_GZIP = {"gzip", "x-gzip"}
_IDENTITY = {"identity", ""}

#: zlib's window for data with a gzip header and trailer.
_GZIP_WINDOW = zlib.MAX_WBITS + 16


def read_body(response: httpx.Response, *, call: str, at_most: int) -> bytes:
    """Read the decompressed body of a response.

    `at_most` limits both the bytes of the body and the bytes on the wire.

    httpx applies every coding that `Content-Encoding` lists, each without a limit, so a body of some kilobytes can grow
    to gigabytes. This function reads the raw bytes and inflates each chunk only up to the limit.

    Raises:
        TooLarge: the body, or its inflated content, is larger than `at_most`.
        UnusableResponse: more than one coding, or a coding that was not requested.
        httpx.DecodingError: the body is not valid gzip as its header declares, or is truncated.
        httpx.HTTPError: a failure of the network.
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
    """The length that Content-Length declares; 0 if the header is missing or not a number of at most 20 digits.

    With this length `read_body` refuses a large body early. It also counts the bytes that really arrive.
    """
    length = response.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdecimal() and len(length) <= 20 else 0


def _is_gzip(response: httpx.Response, call: str) -> bool:
    listed = [each.strip().lower() for each in response.headers.get("content-encoding", "").split(",")]
    codings = [each for each in listed if each not in _IDENTITY]
    if len(codings) > 1:
        raise UnusableResponse(call, status=response.status_code, detail="more than one Content-Encoding")
    if codings and codings[0] not in _GZIP:
        raise UnusableResponse(call, status=response.status_code, detail="a Content-Encoding that is not gzip")
    return bool(codings)


def _raw_chunks(response: httpx.Response, at_most: int, too_large: TooLarge) -> Iterator[bytes]:
    """The chunks of a body as received, before decompression.

    The function reads `response.stream`, because `iter_raw` would refuse the responses that tests make from ready
    content.

    Raises:
        TooLarge: more than `at_most` bytes were received.
    """
    assert isinstance(response.stream, httpx.SyncByteStream)
    length = 0
    for chunk in response.stream:
        length += len(chunk)
        # The received bytes need a limit too, because they may inflate to nothing.
        if length > at_most:
            raise too_large
        yield chunk


def _inflated(chunks: Iterator[bytes], at_most: int) -> Iterator[bytes]:
    """Decompress each chunk, but to at most `at_most` + 1 bytes, by which the caller recognises an oversized body.

    Raises:
        httpx.DecodingError: the body is not gzip, continues after its gzip, or is truncated.
    """
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
    # The body may be empty: a 401 may have an empty body with a Content-Encoding.
    if not is_empty and not inflater.eof:
        raise httpx.DecodingError("The gzip body is truncated.")
