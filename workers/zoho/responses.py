"""Reads HTTP responses of Zoho's API: the JSON, Zoho's code, and the matching error (API section 4: errors)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from workers.zoho.errors import (
    BadRequest,
    MissingScope,
    NotFound,
    Refused,
    Throttled,
    TokenRejected,
    UnusableResponse,
    WrongOrganization,
    ZohoError,
    ZohoUnavailable,
)
from workers.zoho.wire import WireResponse

_INTERNAL_ERROR = 1000

#: The most digits of a whole number in JSON. A longer one stays a text, because Python refuses to read thousands of
#: digits.
_LONGEST_NUMBER = 100

#: Zoho's codes with one meaning for every HTTP status. Codes 43 to 45 and 1070 come with 429, 43 possibly with another
#: status.
_ERRORS_BY_CODE: Mapping[int, type[ZohoError]] = {
    43: Throttled,
    44: Throttled,
    45: Throttled,
    1070: Throttled,
    _INTERNAL_ERROR: ZohoUnavailable,
    57: MissingScope,
    14: TokenRejected,
    6041: WrongOrganization,
    5: NotFound,
    1002: NotFound,
    2: BadRequest,
}

#: HTTP status → error, for responses whose code is missing or unknown.
_ERRORS_BY_STATUS: Mapping[int, type[ZohoError]] = {
    401: TokenRejected,
    404: NotFound,
    408: ZohoUnavailable,
    425: ZohoUnavailable,
    429: Throttled,
}


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """A response of Zoho with its JSON read; `body` stays None unless it is a JSON object with a readable code."""

    status: int
    code: int | None  #: Zoho's own code; None if the response has none
    body: Mapping[str, Any] | None = field(repr=False)
    content: bytes = field(repr=False)


def read_result(wire: WireResponse) -> ApiResponse:
    """Read the JSON of a response. Unreadable JSON raises no error here: `refusal` decides by status and code."""
    body = json_object(wire.content)
    if body is None or "code" not in body:
        return ApiResponse(wire.status, None, body, wire.content)
    code = _code(body["code"])
    if code is None or _is_of_a_gateway(code, wire.status):
        return ApiResponse(wire.status, None, None, wire.content)
    return ApiResponse(wire.status, code, body, wire.content)


def _is_of_a_gateway(code: int, status: int) -> bool:
    """Whether the code of a 404 cannot be Zoho's: it repeats the HTTP status, or reports success."""
    return status == 404 and code in {0, 404}


def json_object(content: bytes) -> dict[str, Any] | None:
    """The JSON object in these bytes; None if they hold none. Fractions are Decimal, so that amounts are exact.

    A malformed value rejects only its row later, not the whole page: NaN, Infinity and oversized numbers become strings
    here, an invalid byte becomes U+FFFD, and texts may contain control characters.
    """
    try:
        body = _strict_json(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        body = _lenient_json(content)
    except RecursionError:  # JSON nested too deeply
        return None
    return body if isinstance(body, dict) else None


def _lenient_json(content: bytes) -> object:
    """The value of JSON with malformed values; None if the bytes are not JSON. It takes 2.5 times as long."""
    try:
        return json.loads(
            _text(content), strict=False, parse_int=_whole_number, parse_float=_fraction, parse_constant=str
        )
    except (ValueError, RecursionError):
        return None


def _text(content: bytes) -> str:
    encoding = json.detect_encoding(content)
    try:
        return content.decode(encoding, "surrogatepass")
    except UnicodeDecodeError:
        return content.decode(encoding, "replace")


def _whole_number(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else digits


def _fraction(digits: str) -> Decimal | str:
    try:
        return Decimal(digits)
    except ArithmeticError:  # an exponent beyond Decimal's range
        return digits


_strict_json = msgspec.json.Decoder(float_hook=_fraction).decode


def refusal(response: ApiResponse, call: str) -> ZohoError | None:
    """The error that a response means; None for a usable response.

    A code that booksync knows decides, even with HTTP 200; without one the HTTP status decides. HTTP 5xx never means a
    permanent error.
    """
    kind = _refusal_kind(response)
    return None if kind is None else kind(call, status=response.status, code=response.code)


def _refusal_kind(response: ApiResponse) -> type[ZohoError] | None:
    kind = _ERRORS_BY_CODE.get(response.code) if response.code is not None else None
    if kind is not None:
        return ZohoUnavailable if response.status >= 500 and not kind.transient else kind
    if response.status in _ERRORS_BY_STATUS:
        return _ERRORS_BY_STATUS[response.status]
    if response.status >= 500:
        return ZohoUnavailable
    if response.body is None:
        # The page of a gateway or a captive portal, whatever its status, is not a response of Zoho.
        return UnusableResponse
    if 200 <= response.status < 300:
        return None if response.code in {0, None} else UnusableResponse
    if response.status == 400:
        return BadRequest
    return Refused if response.status > 400 else UnusableResponse


def _code(value: object) -> int | None:
    if isinstance(value, str) and value.strip().isdecimal() and len(value) <= 9:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
