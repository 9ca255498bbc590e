"""The library of Standard Webhooks verifies booksync's signatures by secrets of any form."""

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from domain.reminders.posting import standard_signatures

BODY = b'{"phone": "+442070313000"}'


def headers(*secrets: str, message_id: str = "id") -> dict[str, str]:
    now = int(time.time())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now),
        "webhook-signature": standard_signatures(secrets, message_id, now, BODY),
    }


@given(st.binary(min_size=1, max_size=64), st.booleans())
def test_a_secret_of_the_standard_verifies_padded_or_not(key: bytes, is_padded: bool) -> None:
    encoded = base64.b64encode(key).decode()
    secret = "whsec_" + (encoded if is_padded else encoded.rstrip("="))
    assert Webhook(secret).verify(BODY, headers(secret)) == {"phone": "+442070313000"}


@given(st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda secret: not secret.startswith("whsec_")))
def test_any_other_secret_verifies_by_its_bytes(secret: str) -> None:
    assert Webhook(secret.encode()).verify(BODY, headers(secret)) == {"phone": "+442070313000"}


@pytest.mark.parametrize("secret", ["whsec_", "whsec_ not base64 ", "whsec_a"])
def test_a_secret_that_only_looks_like_one_of_the_standard_is_a_text(secret: str) -> None:
    assert Webhook(secret.encode()).verify(BODY, headers(secret)) == {"phone": "+442070313000"}
