"""Promises of domain/posting.py: a signature that a receiver can verify, and retries that end with the window."""

import datetime as dt
import hashlib
import hmac

import pytest

from domain.posting import next_attempt_at, signature

NOW = dt.datetime(2026, 4, 1, 9, tzinfo=dt.UTC)
CLOSES_AT = NOW + dt.timedelta(hours=8)


def test_the_signature_is_that_of_the_time_and_the_body() -> None:
    expected = hmac.new(b"a secret", b'1775034000.{"a": 1}', hashlib.sha256).hexdigest()
    assert signature("a secret", 1775034000, b'{"a": 1}') == f"sha256={expected}"


@pytest.mark.parametrize(
    "other", [("another", 1, b"body"), ("a secret", 2, b"body"), ("a secret", 1, b"Body"), ("a secret", 1, b"")]
)
def test_any_change_changes_the_signature(other: tuple[str, int, bytes]) -> None:
    assert signature(*other) != signature("a secret", 1, b"body")


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 5), (2, 10), (3, 20), (8, 600), (10_000, 600)])
def test_the_delay_doubles_up_to_ten_minutes(attempts: int, seconds: int) -> None:
    assert next_attempt_at(attempts, NOW, CLOSES_AT) == NOW + dt.timedelta(seconds=seconds)


def test_no_attempt_after_closing_time() -> None:
    assert next_attempt_at(1, CLOSES_AT - dt.timedelta(seconds=5), CLOSES_AT) is None
    assert next_attempt_at(1, CLOSES_AT - dt.timedelta(seconds=6), CLOSES_AT) is not None
