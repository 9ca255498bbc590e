"""Posting a handover to the reminder sender's webhook: the signature of the request, and the retry schedule."""

import base64
import binascii
import datetime as dt
import hashlib
import hmac
from collections.abc import Sequence

#: A secret of this form holds the key of Standard Webhooks in base64.
_STANDARD_PREFIX = "whsec_"

_FIRST_RETRY_SECONDS = 5.0
_LONGEST_RETRY_SECONDS = 600.0


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """The signature of a posted handover: HMAC-SHA256 of "timestamp.body" as "sha256=" and 64 hex digits.

    The timestamp lets a receiver reject replays.
    """
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return f"sha256={signed.hexdigest()}"


def signatures(secrets: Sequence[str], timestamp: int, body: bytes) -> str:
    """A `signature` for each secret, joined by commas: during a rotation the receiver may know either secret."""
    return ",".join(signature(secret, timestamp, body) for secret in secrets)


def standard_signatures(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> str:
    """The signatures of Standard Webhooks: "v1," and base64 of HMAC-SHA256 of "id.timestamp.body", joined by blanks."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digests = (hmac.digest(_standard_key(secret), signed, "sha256") for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


def _standard_key(secret: str) -> bytes:
    """The bytes that "whsec_" and base64, padded or not, stand for; of another secret its own bytes."""
    if secret.startswith(_STANDARD_PREFIX):
        encoded = secret.removeprefix(_STANDARD_PREFIX)
        try:
            key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        except binascii.Error:
            key = b""
        if key:
            return key
    return secret.encode()


def next_attempt_at(attempts: int, now: dt.datetime, closes_at: dt.datetime) -> dt.datetime | None:
    """The time of the next attempt to post a handover after `attempts` failures; the delay doubles each time.

    The result is None if the calling window will be closed by then, because a late reminder is worse than none.
    """
    seconds = min(_FIRST_RETRY_SECONDS * 2 ** min(attempts - 1, 20), _LONGEST_RETRY_SECONDS)
    again = now + dt.timedelta(seconds=seconds)
    return again if again < closes_at else None
