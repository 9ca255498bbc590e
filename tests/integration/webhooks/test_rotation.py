"""Promises of `booksync webhook`: it prints everything that Zoho's rules need, and a rotation refuses no webhook."""

import json
import uuid
from dataclasses import replace
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from tests.integration.db.look import change
from tests.integration.webhooks.hooks import Hooks, post
from tests.process_logs import logs_of_a_process
from tests.webhooks import signed_json
from workers.boot import settings
from workers.cli.app import app
from workers.secrets.keys import WrongKeysError
from workers.secrets.vault import Vault
from workers.services.webhook_rules import RotationUnderWayError, rotate, webhook_url


def command(*words: str) -> Result:
    return CliRunner().invoke(app, ["webhook", *words])


def shown(*words: str) -> Any:
    result = command(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def response_to(hooks: Hooks, secret: str) -> int:
    body, headers = signed_json(secret, {"contact": {"contact_id": "1"}})
    return post(hooks.bench.resources, hooks.path, body, headers).status_code


def test_show_names_the_address_the_secret_and_the_headers(hooks: Hooks) -> None:
    rule = shown("show", str(hooks.bench.connection_id))
    assert (rule["webhook_url"], rule["webhook_secret"]) == (hooks.path, hooks.secret)
    assert rule["signature_header"] == "X-Zoho-Webhook-Signature"
    assert rule["secret_headers"][0] == "X-Booksync-Secret"
    assert (rule["former_secret"], rule["former_secret_until"]) == (None, None)


def test_with_json_a_secret_is_on_stdout_only(hooks: Hooks) -> None:
    for word in ("show", "rotate"):
        result = command(word, str(hooks.bench.connection_id), "--json")
        assert hooks.secret in result.stdout
        assert hooks.secret not in result.stderr


def test_show_explains_what_to_enter_in_zoho(hooks: Hooks) -> None:
    result = command("show", str(hooks.bench.connection_id))
    assert hooks.secret in result.stdout
    assert "X-Booksync-Secret" in result.stdout
    assert "set PUBLIC_URL" in result.stderr
    assert "?event=deleted" in result.stderr


def test_public_url_prefixes_the_address(hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    for origin in ("https://hooks.example.com", "https://example.com/booksync/"):
        monkeypatch.setenv("PUBLIC_URL", origin)
        settings.settings.cache_clear()
        result = command("show", str(hooks.bench.connection_id), "--json")
        assert json.loads(result.stdout)["webhook_url"] == origin.rstrip("/") + hooks.path
        assert "PUBLIC_URL" not in result.stderr
        assert webhook_url(settings.settings(), hooks.bench.connection_id) == origin.rstrip("/") + hooks.path


def test_during_a_rotation_both_secrets_are_accepted(hooks: Hooks) -> None:
    former = hooks.secret
    rule = shown("rotate", str(hooks.bench.connection_id))
    assert rule["former_secret"] == former
    assert rule["webhook_secret"] not in (former, "")
    assert [response_to(hooks, secret) for secret in (former, rule["webhook_secret"], "another")] == [202, 202, 401]


def test_the_log_names_which_secret_a_webhook_has(hooks: Hooks) -> None:
    former = hooks.secret
    new = shown("rotate", str(hooks.bench.connection_id))["webhook_secret"]
    with logs_of_a_process() as logs:
        response_to(hooks, former)
        response_to(hooks, new)
    assert [line["secret"] for line in logs.lines if line.get("action") == "webhook.stored"] == ["former", "current"]


def test_end_stops_the_acceptance_of_the_former_secret(hooks: Hooks) -> None:
    former = hooks.secret
    new = shown("rotate", str(hooks.bench.connection_id))["webhook_secret"]
    assert shown("rotate", str(hooks.bench.connection_id), "--end")["ended"] is True
    assert [response_to(hooks, secret) for secret in (former, new)] == [401, 202]
    assert shown("rotate", str(hooks.bench.connection_id), "--end")["ended"] is False


def test_a_rotation_ends_after_seven_days(hooks: Hooks) -> None:
    former = hooks.secret
    shown("rotate", str(hooks.bench.connection_id))
    engine = hooks.bench.resources.engine
    change(engine, "UPDATE booksync.zoho_connections SET webhook_secret_rotated_at = now() - interval '7 days'")
    assert response_to(hooks, former) == 401
    assert shown("show", str(hooks.bench.connection_id))["former_secret"] is None
    assert shown("rotate", str(hooks.bench.connection_id))["former_secret"] != former


def test_a_second_rotation_is_refused_until_the_first_has_ended(hooks: Hooks) -> None:
    former = hooks.secret
    shown("rotate", str(hooks.bench.connection_id))
    result = command("rotate", str(hooks.bench.connection_id))
    assert result.exit_code == 1
    assert isinstance(result.exception, RotationUnderWayError)
    assert f"booksync webhook rotate {hooks.bench.connection_id} --end" in str(result.exception)
    assert response_to(hooks, former) == 202


@pytest.mark.parametrize("words", [["show"], ["rotate"], ["rotate", "--end"]])
def test_an_unknown_connection_is_named(hooks: Hooks, words: list[str]) -> None:
    unknown = str(uuid.uuid4())
    result = command(*words, unknown)
    assert result.exit_code == 1
    assert unknown in str(result.exception)
    assert hooks.secret not in result.output


def test_no_secret_is_logged(hooks: Hooks) -> None:
    former = hooks.secret
    with logs_of_a_process() as logs:
        new = shown("rotate", str(hooks.bench.connection_id))["webhook_secret"]
        response_to(hooks, "a wrong one")
        response_to(hooks, former)
    assert not [secret for secret in (former, new) if secret in logs.text]


def test_wrong_keys_rotate_nothing(hooks: Hooks) -> None:
    wrong = replace(hooks.bench.resources, vault=Vault([SecretStr(Fernet.generate_key().decode())]))
    with pytest.raises(WrongKeysError):
        rotate(wrong, hooks.bench.connection_id)
    assert response_to(hooks, hooks.secret) == 202


def test_the_rotation_of_an_unreadable_secret_says_that_only_the_new_one_is_accepted(hooks: Hooks) -> None:
    change(hooks.bench.resources.engine, "UPDATE booksync.zoho_connections SET webhook_secret_encrypted = 'gAAAA'")
    result = command("rotate", str(hooks.bench.connection_id))
    assert "The former secret cannot be read, so only the new one is accepted." in " ".join(result.stderr.split())


def test_a_new_secret_that_becomes_unreadable_is_replaced_and_the_former_one_stays_valid(hooks: Hooks) -> None:
    former = hooks.secret
    shown("rotate", str(hooks.bench.connection_id))
    change(hooks.bench.resources.engine, "UPDATE booksync.zoho_connections SET webhook_secret_encrypted = 'gAAAA'")
    rule = rotate(hooks.bench.resources, hooks.bench.connection_id)
    assert rule.former_secret == former
    assert [response_to(hooks, secret) for secret in (former, rule.secret)] == [202, 202]


def test_the_replacement_of_an_unreadable_secret_revives_no_expired_secret(hooks: Hooks) -> None:
    former = hooks.secret
    shown("rotate", str(hooks.bench.connection_id))
    change(
        hooks.bench.resources.engine,
        "UPDATE booksync.zoho_connections"
        " SET webhook_secret_encrypted = 'gAAAA', webhook_secret_rotated_at = now() - interval '7 days'",
    )
    assert rotate(hooks.bench.resources, hooks.bench.connection_id).former_secret is None
    assert response_to(hooks, former) == 401


def test_an_unreadable_secret_is_replaced(hooks: Hooks) -> None:
    foreign = Fernet(Fernet.generate_key()).encrypt(b"a secret").decode()
    change(
        hooks.bench.resources.engine,
        "UPDATE booksync.zoho_connections SET webhook_secret_encrypted = :secret",
        secret=foreign,
    )
    rule = rotate(hooks.bench.resources, hooks.bench.connection_id)
    assert rule.former_secret is None
    assert response_to(hooks, rule.secret) == 202
