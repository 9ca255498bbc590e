"""Promises of webhooks/signatures.py: Zoho's signature in either form, or the secret itself, and nothing else."""

import base64
import hashlib
import hmac

import pytest

from tests.tables import table
from workers.webhooks.signatures import SECRET_HEADERS, SIGNATURE_HEADER, is_authentic, signed_text

SECRET = "s3cr3ts3cr3ts3cr3t"
PARAMETERS = [("organization", "7"), ("event", "contact_deleted"), ("event", "b")]
BODY = b'{"contact":{}}'
DIGEST = hmac.new(SECRET.encode(), b"eventbeventcontact_deletedorganization7" + BODY, hashlib.sha256).digest()


def test_parameters_are_sorted_and_joined_without_separators_before_the_body() -> None:
    assert signed_text(PARAMETERS, BODY) == b"eventbeventcontact_deletedorganization7" + BODY


@pytest.mark.parametrize(
    "headers",
    [
        {SIGNATURE_HEADER: DIGEST.hex()},
        {SIGNATURE_HEADER: f" {DIGEST.hex().upper()} "},
        {SIGNATURE_HEADER: base64.b64encode(DIGEST).decode()},
        *[{name: SECRET} for name in SECRET_HEADERS],
        {SECRET_HEADERS[0]: SECRET, SIGNATURE_HEADER: "of another kind"},
    ],
)
def test_request_with_a_proof_of_the_secret_is_accepted(headers: dict[str, str]) -> None:
    assert is_authentic(SECRET, headers, PARAMETERS, BODY)


@table(
    "headers",
    [
        {},
        {SIGNATURE_HEADER: ""},
        {SIGNATURE_HEADER: DIGEST.hex()[:-1]},
        {SIGNATURE_HEADER: base64.b64encode(DIGEST).decode().lower()},
        {SIGNATURE_HEADER: SECRET},
        {SIGNATURE_HEADER: "ünïcödé"},
        {SECRET_HEADERS[0]: ""},
        {SECRET_HEADERS[0]: SECRET.upper()},
        {SECRET_HEADERS[0]: DIGEST.hex()},
    ],
)
def test_request_without_a_proof_of_the_secret_is_refused(headers: dict[str, str]) -> None:
    assert not is_authentic(SECRET, headers, PARAMETERS, BODY)


def test_another_body_or_another_parameter_needs_another_signature() -> None:
    headers = {SIGNATURE_HEADER: DIGEST.hex()}
    assert not is_authentic(SECRET, headers, PARAMETERS, BODY + b" ")
    assert not is_authentic(SECRET, headers, PARAMETERS[1:], BODY)
