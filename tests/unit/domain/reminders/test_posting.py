"""Promises of domain/reminders/posting.py: a signature to verify, and retries that end with the window."""

import base64
import datetime as dt
import hashlib
import hmac
import json
import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from domain.reminders.posting import next_attempt_at, signature, standard_signatures

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


def standard_headers(*secrets: str, body: bytes, at: float | None = None) -> dict[str, str]:
    timestamp = int(time.time() if at is None else at)
    return {
        "webhook-id": "an id",
        "webhook-timestamp": str(timestamp),
        "webhook-signature": standard_signatures(secrets, "an id", timestamp, body),
    }


class TestTheLibraryOfStandardWebhooks:
    BODY = json.dumps({"phone": "+447912345678", "name": "Ørsted"}).encode()

    @pytest.mark.parametrize(
        ("secret", "librarys"),
        [
            # A secret of any text: its bytes are the key.
            ("a secret of enough letters", "whsec_" + base64.b64encode(b"a secret of enough letters").decode()),
            ("ein Geheimnis für Ärzte", "whsec_" + base64.b64encode("ein Geheimnis für Ärzte".encode()).decode()),
            # A secret in the form of Standard Webhooks is the library's, too.
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            # It only looks like one.
            ("whsec_not base64!", "whsec_" + base64.b64encode(b"whsec_not base64!").decode()),
        ],
    )
    def test_it_verifies_a_post(self, secret: str, librarys: str) -> None:
        assert Webhook(librarys).verify(self.BODY.decode(), standard_headers(secret, body=self.BODY)) == json.loads(
            self.BODY
        )

    @pytest.mark.parametrize("known", ["whsec_" + base64.b64encode(secret).decode() for secret in (b"new", b"old")])
    def test_it_verifies_a_post_by_either_secret_of_a_rotation(self, known: str) -> None:
        headers = standard_headers("new", "old", body=self.BODY)
        assert headers["webhook-signature"].count("v1,") == 2
        Webhook(known).verify(self.BODY.decode(), headers)

    @pytest.mark.parametrize(
        ("secret", "body", "seconds_ago"), [("another", BODY, 0), ("a secret", BODY + b" ", 0), ("a secret", BODY, 600)]
    )
    def test_it_refuses_another_secret_another_body_and_an_old_post(
        self, secret: str, body: bytes, seconds_ago: float
    ) -> None:
        headers = standard_headers("a secret", body=self.BODY, at=time.time() - seconds_ago)
        with pytest.raises(WebhookVerificationError):
            Webhook(base64.b64encode(secret.encode()).decode()).verify(body.decode(), headers)


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 5), (2, 10), (3, 20), (8, 600), (10_000, 600)])
def test_the_delay_doubles_up_to_ten_minutes(attempts: int, seconds: int) -> None:
    assert next_attempt_at(attempts, NOW, CLOSES_AT) == NOW + dt.timedelta(seconds=seconds)


def test_no_attempt_after_closing_time() -> None:
    assert next_attempt_at(1, CLOSES_AT - dt.timedelta(seconds=5), CLOSES_AT) is None
    assert next_attempt_at(1, CLOSES_AT - dt.timedelta(seconds=6), CLOSES_AT) is not None
