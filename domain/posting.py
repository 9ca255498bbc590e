"""Posting a contact to the webhook of whoever sends reminders: the signature, and how long it is tried."""

import datetime as dt
import hashlib
import hmac
from collections.abc import Sequence

_FIRST_RETRY_SECONDS = 5.0
_LONGEST_RETRY_SECONDS = 600.0


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """HMAC-SHA256 of "timestamp.body" as "sha256=" and 64 hex digits; the timestamp lets a receiver refuse replays."""
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return f"sha256={signed.hexdigest()}"


def signatures(secrets: Sequence[str], timestamp: int, body: bytes) -> str:
    """A `signature` for each secret, joined by commas: during a rotation the receiver may know either of two."""
    return ",".join(signature(secret, timestamp, body) for secret in secrets)


def next_attempt_at(attempts: int, now: dt.datetime, closes_at: dt.datetime) -> dt.datetime | None:
    """When a contact is posted again after that many failures, waiting twice as long each time.

    None once its calling window would have closed: a reminder at night is worse than none.
    """
    seconds = min(_FIRST_RETRY_SECONDS * 2 ** min(attempts - 1, 20), _LONGEST_RETRY_SECONDS)
    again = now + dt.timedelta(seconds=seconds)
    return again if again < closes_at else None
