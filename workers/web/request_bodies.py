"""Reads the body of an HTTP request within limits of size and time."""

from dataclasses import dataclass

from anyio import fail_after
from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

from workers.web.throttled_log import ThrottledLog

MAX_BODY_BYTES = 1_000_000

#: The time limit from the headers to the last byte of a body. An honest body arrives within a second.
BODY_SECONDS = 10.0

#: The memory limit for all incomplete bodies of this process together.
MOST_UNFINISHED_BYTES = 64_000_000


@dataclass(slots=True)
class _Unfinished:
    """The total size of the incomplete bodies; used on the event loop only."""

    total_bytes: int = 0


_unfinished = _Unfinished()
_slow = ThrottledLog("A request's body did not arrive in time, so the request was refused", action="web.body_too_slow")
_many = ThrottledLog(
    "Too many request bodies arrive at the same time, so a request was refused", action="web.too_many_bodies"
)


def refuse_large(request: Request) -> None:
    """Check the body length that the headers declare, before any other work for the request.

    Raises:
        HTTPException: 413, the body is larger than `MAX_BODY_BYTES`.
    """
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdecimal() and int(length) > MAX_BODY_BYTES:
        raise _too_large()


async def read_body(request: Request) -> bytes:
    """Read the whole body of the request, regardless of the declared length.

    Raises:
        HTTPException: 413, the body is larger than `MAX_BODY_BYTES`; 408, the body is not complete within
            `BODY_SECONDS`; 400, the connection ended early; 503, all incomplete bodies together exceed
            `MOST_UNFINISHED_BYTES`.
    """
    try:
        with fail_after(BODY_SECONDS):
            return await _read(request)
    except ClientDisconnect:
        raise HTTPException(400, "The body is incomplete.") from None
    except TimeoutError:
        _slow.warning()
        raise HTTPException(408, "The body did not arrive in time.") from None


async def _read(request: Request) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            _unfinished.total_bytes += len(chunk)
            if len(body) > MAX_BODY_BYTES:
                raise _too_large()
            if _unfinished.total_bytes > MOST_UNFINISHED_BYTES:
                _many.warning()
                raise HTTPException(503, "Too many requests at once.", headers={"Retry-After": "60"})
        return bytes(body)
    finally:
        _unfinished.total_bytes -= len(body)


def _too_large() -> HTTPException:
    return HTTPException(413, "The body is larger than 1 MB.")
