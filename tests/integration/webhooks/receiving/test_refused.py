"""Promises of `/webhooks/zoho/{connection}`: strangers learn nothing, and bodies that cannot be read are refused."""

import asyncio
import json
import re
import uuid
from typing import Any

import pytest

from db.secrets import Place, SecretName
from tests.integration.db.look import change
from tests.integration.webhooks.hooks import post
from tests.integration.webhooks.receiving.stored import CONTACT, SECRET, events
from tests.process_logs import logs_of_a_process
from tests.webhooks import signature, signed_json
from workers.boot.resources import Resources
from workers.web.request_bodies import MAX_BODY_BYTES
from workers.webhooks.bodies import take_apart


class TestWhoIsTurnedAway:
    @pytest.mark.parametrize(
        ("address", "headers"),
        [
            ("{connection}", {}),
            ("{connection}", {"X-Zoho-Webhook-Signature": "0" * 64}),
            ("{connection}", {"X-Zoho-Webhook-Signature": "ä"}),
            ("{connection}", {"X-Booksync-Secret": ""}),
            ("{connection}", {"X-Booksync-Secret": SECRET[:-1]}),
            # One connection's secret is not valid for another connection.
            ("00000000-0000-4000-8000-000000000001", {"X-Booksync-Secret": SECRET}),
            ("no-uuid", {"X-Booksync-Secret": SECRET}),
            ("%00", {"X-Booksync-Secret": SECRET}),
        ],
    )
    def test_all_strangers_get_the_same_response(
        self, resources: Resources, connection_id: uuid.UUID, address: str, headers: dict[str, str]
    ) -> None:
        encoded = {name: value.encode() for name, value in headers.items()}
        path = f"/webhooks/zoho/{address.format(connection=connection_id)}"
        answer = post(resources, path, json.dumps(CONTACT).encode(), encoded)  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()) == (401, {"detail": "The signature is not valid."})
        assert events(resources) == []

    def test_an_unreadable_secret_is_reported_to_the_operator_only(self, resources: Resources, path: str) -> None:
        change(resources.engine, "UPDATE booksync.zoho_connections SET webhook_secret_encrypted = 'gAAAA'")
        with logs_of_a_process() as logs:
            assert post(resources, path, *signed_json(SECRET, CONTACT)).status_code == 401
        assert "webhook.secret_unreadable" in [line.get("action") for line in logs.lines]

    def test_an_unreadable_former_secret_refuses_no_webhook_with_the_current_one(
        self, resources: Resources, path: str
    ) -> None:
        change(
            resources.engine,
            "UPDATE booksync.zoho_connections"
            " SET webhook_secret_previous_encrypted = 'gAAAA', webhook_secret_rotated_at = now()",
        )
        assert post(resources, path, *signed_json(SECRET, CONTACT)).status_code == 202
        assert post(resources, path, *signed_json("another secret", CONTACT)).status_code == 401

    def test_a_secret_bound_to_another_connection_authenticates_nothing(self, resources: Resources, path: str) -> None:
        vault, other = resources.vault, Place(SecretName.WEBHOOK_SECRET, uuid.uuid4())
        copied = vault.rotate(vault.encrypt(SECRET, other), other, bind=True)
        change(
            resources.engine, "UPDATE booksync.zoho_connections SET webhook_secret_encrypted = :secret", secret=copied
        )
        with logs_of_a_process() as logs:
            assert post(resources, path, *signed_json(SECRET, CONTACT)).status_code == 401
        (line,) = [line for line in logs.lines if line.get("action") == "webhook.secret_unreadable"]
        assert f"was written for {other}" in str(line["error"])

    def test_a_large_body_gets_413_with_and_without_a_content_length(self, resources: Resources, path: str) -> None:
        async def chunks() -> Any:
            for _ in range(MAX_BODY_BYTES // 1000 + 1):
                yield b"x" * 1000

        signed = {"X-Zoho-Webhook-Signature": "0" * 64}
        assert post(resources, path, chunks(), signed).status_code == 413
        assert post(resources, path, b"x" * (MAX_BODY_BYTES + 1), {}).status_code == 413

    def test_a_body_is_parsed_outside_the_event_loop(
        self, resources: Resources, path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def parse(*request: Any, **named: Any) -> Any:
            with pytest.raises(RuntimeError, match="no running event loop"):
                asyncio.get_running_loop()
            return take_apart(*request, **named)

        monkeypatch.setattr("workers.web.webhooks.take_apart", parse)
        assert post(resources, path, *signed_json(SECRET, CONTACT)).status_code == 202

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"no JSON",
            b"{",
            b"[]",
            b"null",
            b'"text"',
            b"{}",
            b"\xff\xfe",
            b'{"contact": {}}',
            b"[" * 100_000,
            b'{"contact": {"contact_id": "../1"}}',
            b'{"contact": {"contact_id": true}}',
            b'{"JSONString": "{"}',
        ],
    )
    def test_an_unreadable_body_gets_400(self, resources: Resources, path: str, body: bytes) -> None:
        headers = {"Content-Type": "application/json", "X-Zoho-Webhook-Signature": signature(SECRET, body)}
        assert post(resources, path, body, headers).status_code == 400
        assert events(resources) == []

    def test_a_broken_body_without_a_secret_gets_401(self, resources: Resources, path: str) -> None:
        assert post(resources, path, b"{", {}).status_code == 401

    def test_get_is_not_allowed(self, resources: Resources, path: str) -> None:
        assert post(resources, path, b"", {}, method="GET").status_code == 405


def test_no_content_of_a_body_is_logged_or_stored(resources: Resources, path: str, database_url: str) -> None:
    with logs_of_a_process() as logs:
        for document in (CONTACT, {"Ada Byron": {"x": "ada@x.example"}}, {"contact": {"email": "ada@x.example"}}):
            post(resources, path, *signed_json(SECRET, document))
    name = re.compile(r"\bada\b", re.IGNORECASE)  # a whole word, because an id may contain these letters
    assert not name.search(logs.text)
    assert SECRET not in logs.text
    assert not name.search(str(events(resources)))
