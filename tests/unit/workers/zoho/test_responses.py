"""The error of a response: the code takes precedence over the status."""

import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tables import table
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
from workers.zoho.responses import _lenient_json, _strict_json, json_object, read_result, refusal
from workers.zoho.wire import WireResponse


def the_refusal(status: int, body: object) -> ZohoError | None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return refusal(read_result(WireResponse(status, {}, content)), "GET /contacts")


@table(
    ("status", "body", "kind"),
    [
        # The limits, by code (API section 4).
        (429, {"code": 44}, Throttled),
        (429, {"code": 45}, Throttled),
        (429, {"code": 1070}, Throttled),
        (429, {"code": 43}, Throttled),
        # The status of code 43 is uncertain.
        (400, {"code": 43}, Throttled),
        # A 429 from a gateway.
        (429, b"<html>", Throttled),
        (429, {"code": 99999}, Throttled),
        # Tokens.
        (401, {"code": 57}, MissingScope),
        (401, {"code": 14}, TokenRejected),
        (401, {"code": 99999}, TokenRejected),
        (401, b"", TokenRejected),
        # The code counts, not the status.
        (400, {"code": 57}, MissingScope),
        (401, {"code": 6041}, WrongOrganization),
        # Configuration.
        (400, {"code": 6041}, WrongOrganization),
        # Deleted.
        (404, {"code": 1002}, NotFound),
        (404, {"code": 5}, NotFound),
        (400, {"code": 1002}, NotFound),
        (404, {"code": 99999}, NotFound),
        (404, b"<html>", NotFound),
        # A gateway's JSON: its code repeats the status, or reports success.
        (404, {"code": 404}, NotFound),
        (404, {"code": 0}, NotFound),
        # Malformed requests.
        (400, {"code": 2}, BadRequest),
        (400, {"code": 99999}, BadRequest),
        (400, {}, BadRequest),
        (403, {"code": 99999}, Refused),
        (405, {"code": 37}, Refused),
        # Server errors of Zoho.
        (500, {"code": 1000}, ZohoUnavailable),
        (200, {"code": 1000}, ZohoUnavailable),
        (400, {"code": 1000}, ZohoUnavailable),
        (500, {}, ZohoUnavailable),
        (502, b"<html>Bad gateway</html>", ZohoUnavailable),
        (503, b"", ZohoUnavailable),
        (408, b"", ZohoUnavailable),
        # A permanent code with a 5xx is a server error; a throttle stays a throttle.
        (500, {"code": 57}, ZohoUnavailable),
        (503, {"code": 44}, Throttled),
        # Not responses of the API.
        (200, b"<html>Welcome to the hotel</html>", UnusableResponse),
        (200, b"", UnusableResponse),
        (200, b'{"code": 0, "contacts": [', UnusableResponse),
        (200, [], UnusableResponse),
        (200, {"code": None}, UnusableResponse),
        (200, {"code": True}, UnusableResponse),
        (403, b"<html>Forbidden</html>", UnusableResponse),
        (400, b"<html>", UnusableResponse),
        (302, b"", UnusableResponse),
        (302, {"code": 0}, UnusableResponse),
        # An error with a good status.
        (200, {"code": 99999}, UnusableResponse),
        (200, {"code": 6041}, WrongOrganization),
        (201, {"code": 44}, Throttled),
        # Good responses; the code may be a text, or missing.
        (200, {"code": 0}, type(None)),
        (200, {"code": "0"}, type(None)),
        (200, {}, type(None)),
    ],
)
def test_response_maps_to_this_error(status: int, body: object, kind: type) -> None:
    assert type(the_refusal(status, body)) is kind


def test_error_has_status_and_code_and_no_text_of_the_body() -> None:
    error = the_refusal(400, {"code": 2, "message": "Invalid value passed for Will Smith"})

    assert error is not None
    assert (error.status, error.code, error.call) == (400, 2, "GET /contacts")
    assert "Will" not in str(error)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b'{"a": 1e99999999999999999999}', "1e99999999999999999999"),  # beyond Decimal
        (b'{"a": ' + b"1" * 5000 + b"}", "1" * 5000),  # beyond int
        (b'{"a": NaN}', "NaN"),
        (b'{"a": "Ca\xc3"}', "Ca\ufffd"),  # cut in the middle of a character
        (b'{"a": "one\ntwo\x00"}', "one\ntwo\x00"),  # control characters without their escapes
    ],
)
def test_unreadable_value_does_not_affect_other_values(content: bytes, value: str) -> None:
    assert json_object(content) == {"a": value}


def test_amounts_never_pass_through_a_float() -> None:
    body = json_object(b'{"a": 0.1, "b": 1234567890123456.78, "c": 3}')

    assert body == {"a": Decimal("0.1"), "b": Decimal("1234567890123456.78"), "c": 3}


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe\xfd",  # no text
        b"[" * 100_000,  # beyond the stack
        b'"text"',
        b"null",
    ],
)
def test_body_that_is_not_a_json_object_is_read_as_none(content: bytes) -> None:
    assert json_object(content) is None


def test_nan_costs_at_most_its_row() -> None:
    assert json_object(b'{"a": NaN, "b": 1}') == {"a": "NaN", "b": 1}


_VALUES = st.recursive(
    st.none() | st.booleans() | st.text() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(value=_VALUES, at=st.integers(0, 500), damage=st.binary(max_size=3))
def test_both_readers_of_json_read_the_same_from_whatever_the_strict_one_reads(
    value: object, at: int, damage: bytes
) -> None:
    content = as_zoho_writes({"a": value})
    content = content[: at % (len(content) + 1)] + damage + content[at % (len(content) + 1) :]
    try:
        read = _strict_json(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    assert repr(read) == repr(_lenient_json(content))


def as_zoho_writes(value: object) -> bytes:
    """JSON with unescaped texts and with decimals as numbers, as Zoho writes it."""
    return msgspec.json.Encoder(decimal_format="number").encode(value)
