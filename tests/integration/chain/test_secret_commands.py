"""`booksync connect` and `booksync rotate-keys`: how secrets are given, and how they are stored."""

import json
import uuid

import pytest
from typer.testing import CliRunner, Result

from db.secrets import place_in
from tests.integration.chain.bench import Bench
from workers.cli.app import app


def run(*words: str, given: str | None = None) -> Result:
    return CliRunner().invoke(app, words, input=given)


def connect(bench: Bench, *words: str, given: str | None = None) -> Result:
    who = ("--user", str(uuid.uuid4()), "--organization", bench.zoho.organization_id, "--json")
    return run("connect", *who, *words, given=given)


def refresh_token(bench: Bench) -> str:
    (stored,) = bench.rows(
        "SELECT refresh_token_encrypted AS token FROM booksync.zoho_connections WHERE id = %(id)s",
        id=bench.connection_id,
    )
    return bench.resources.vault.decrypt(stored["token"], place_in("refresh_token_encrypted", bench.connection_id))


def test_a_grant_code_is_read_from_stdin(bench: Bench) -> None:
    result = connect(bench, "--grant-code", "-", given=f"{bench.zoho.grant_code()}\n")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["connection_id"]


def test_a_refresh_token_is_read_from_the_environment(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOKSYNC_REFRESH_TOKEN", refresh_token(bench))
    assert connect(bench).exit_code == 0


def test_connecting_without_a_secret_is_wrong_usage(bench: Bench) -> None:
    result = connect(bench, given="")
    assert (result.exit_code, "BOOKSYNC_GRANT_CODE" in result.stderr) == (2, True)


def test_secrets_are_bound_and_unbound_again(bench: Bench) -> None:
    def is_bound() -> bool:
        (stored,) = bench.rows("SELECT refresh_token_encrypted AS token FROM booksync.zoho_connections")
        return bench.resources.vault.is_bound(stored["token"])

    bound = run("rotate-keys", "--bind", "--json")
    assert (json.loads(bound.stdout), is_bound()) == ({"rotated": 1, "bound": True}, True)
    assert "Before a return to an older release: booksync rotate-keys --no-bind" in bound.stderr
    kept = run("rotate-keys", "--json")
    assert (json.loads(kept.stdout), is_bound()) == ({"rotated": 1}, True)
    freed = run("rotate-keys", "--no-bind", "--json")
    assert (json.loads(freed.stdout), is_bound()) == ({"rotated": 1, "bound": False}, False)
