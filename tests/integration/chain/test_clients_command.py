"""`booksync clients` and `connect --client`: a connection has an OAuth client, with a secret for each data centre."""

import json
import uuid
from dataclasses import replace

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from db import secrets
from tests.integration.chain.bench import Bench
from tests.integration.db.look import WITHOUT_COPIES
from workers.boot import settings
from workers.boot.resources import open_resources
from workers.cli.app import app
from workers.secrets.vault import Vault
from workers.zoho.errors import NamedClientRejected

CLIENT_ID = "1000.SECOND"


def run(*words: str, given: str | None = None) -> Result:
    return CliRunner().invoke(app, words, input=given)


def add(*words: str, name: str = "partner", client_id: str = CLIENT_ID, secret: str = "first-secret") -> Result:
    return run("clients", "add", name, "--client-id", client_id, "--client-secret", "-", *words, given=f"{secret}\n")


def connect(bench: Bench, *words: str, data_center: str = "com") -> Result:
    code = bench.zoho.grant_code(data_center=data_center)
    who = ("--user", str(uuid.uuid4()), "--organization", bench.zoho.organization_id)
    return run("connect", *who, "--grant-code", code, "--dc", data_center, "--json", *words)


@pytest.fixture
def partner(bench: Bench) -> Bench:
    """A bench whose connection uses the client `partner`."""
    bench.zoho.register_client(CLIENT_ID, "first-secret")
    assert add().exit_code == 0
    result = connect(bench, "--client", "partner")
    assert result.exit_code == 0, result.output
    return Bench(bench.resources, bench.zoho, uuid.UUID(json.loads(result.stdout)["connection_id"]))


def end_access_tokens(bench: Bench) -> None:
    bench.rows(WITHOUT_COPIES + "UPDATE booksync.grants SET access_token_expires_at = now() RETURNING id")


def test_a_secret_is_read_from_stdin_and_never_shown(bench: Bench) -> None:
    result = add("--json")
    assert json.loads(result.stdout) == {"name": "partner", "client_id": CLIENT_ID, "data_center": "all"}
    listed = run("clients", "list", "--json")
    assert "first-secret" not in result.output + listed.output
    assert json.loads(listed.stdout)["clients"] == [
        {"name": "default", "data_center": "all", "client_id": "sandbox-client", "connections": 1},
        {"name": "partner", "data_center": "all", "client_id": CLIENT_ID, "connections": 0},
    ]
    assert "partner" in run("clients", "list").stdout
    (stored,) = bench.rows("SELECT client_secret_encrypted AS secret FROM booksync.zoho_clients")
    assert "first-secret" not in stored["secret"]


def test_a_secret_is_read_from_the_environment(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOKSYNC_CLIENT_SECRET", "first-secret")
    assert run("clients", "add", "partner", "--client-id", CLIENT_ID).exit_code == 0


def test_a_client_without_a_secret_is_wrong_usage(bench: Bench) -> None:
    assert run("clients", "add", "partner", "--client-id", CLIENT_ID, given="").exit_code == 2


@pytest.mark.parametrize(
    ("words", "options", "sentence"),
    [
        # the same secret once more
        ((), {}, "has a secret for the data centre all already. Next: booksync clients rotate partner"),
        # another client id under one name
        (("--dc", "in"), {"client_id": "1000.THIRD"}, f"has the client id {CLIENT_ID}"),
        # the name of the settings' client
        ((), {"name": "default"}, "1 to 40 small letters"),
        # a name with blanks
        ((), {"name": "two words"}, "1 to 40 small letters"),
        # no client id
        ((), {"name": "another", "client_id": " "}, "needs the client id"),
    ],
)
def test_a_client_that_cannot_be_added_is_refused(
    bench: Bench, words: tuple[str, ...], options: dict[str, str], sentence: str
) -> None:
    assert add().exit_code == 0
    assert sentence in str(add(*words, **options).exception)


def test_an_unknown_client_spends_no_grant_code(bench: Bench) -> None:
    bench.zoho.reset_stats()
    result = connect(bench, "--client", "nobody")
    assert "client nobody, data centre com" in str(result.exception)
    assert bench.zoho.stats().token_exchanges == 0


@pytest.mark.slow
def test_every_refresh_uses_the_connections_client(partner: Bench) -> None:
    end_access_tokens(partner)
    assert partner.sync()["status"] == "succeeded"
    listed = json.loads(run("clients", "list", "--json").stdout)["clients"]
    assert [(each["name"], each["connections"]) for each in listed] == [("default", 1), ("partner", 1)]


@pytest.mark.slow
def test_each_data_centre_uses_its_own_secret(partner: Bench) -> None:
    partner.zoho.register_client(CLIENT_ID, "indian-secret", "in")
    refused = connect(partner, "--client", "partner", data_center="in")
    assert isinstance(refused.exception, NamedClientRejected)
    assert add("--dc", "in", secret="indian-secret").exit_code == 0

    result = connect(partner, "--client", "partner", data_center="in")

    assert result.exit_code == 0, result.output
    indian = Bench(partner.resources, partner.zoho, uuid.UUID(json.loads(result.stdout)["connection_id"]))
    end_access_tokens(partner)
    assert (partner.sync()["status"], indian.sync()["status"]) == ("succeeded", "succeeded")
    listed = json.loads(run("clients", "list", "--json").stdout)["clients"]
    assert [(each["data_center"], each["connections"]) for each in listed[1:]] == [("all", 1), ("in", 1)]


@pytest.mark.slow
def test_a_wrong_secret_parks_only_the_connections_of_its_client(bench: Bench, partner: Bench) -> None:
    partner.zoho.register_client(CLIENT_ID, "renewed-secret")
    end_access_tokens(partner)

    parked = partner.sync()

    assert parked["status"] == "parked"
    assert "booksync clients rotate" in parked["reason"]
    assert bench.sync()["status"] == "succeeded"

    refused = run("resume", "--all")
    assert (refused.exit_code, "with a new grant" in refused.stdout) == (1, False)

    rotated = run("clients", "rotate", "partner", "--client-secret", "-", given="renewed-secret\n")
    assert rotated.exit_code == 0, rotated.output
    assert "booksync resume --all" in rotated.stderr
    assert run("resume", "--all").exit_code == 0
    assert partner.sync()["status"] == "succeeded"


def test_a_client_that_does_not_exist_has_no_secret_to_rotate(bench: Bench) -> None:
    result = run("clients", "rotate", "partner", "--client-secret", "-", given="secret\n")
    assert "booksync clients list" in str(result.exception)


@pytest.mark.slow
def test_a_rotation_of_the_keys_includes_clients_and_grants(partner: Bench) -> None:
    resources, new = partner.resources, Fernet.generate_key().decode()
    both = Vault([SecretStr(new), *resources.settings.encryption_keys])
    hashes = partner.rows("SELECT id, token_hash FROM booksync.grants ORDER BY id")

    secrets.rotate(resources.engine, both.rotate)

    rotated = Bench(replace(resources, vault=Vault([SecretStr(new)])), partner.zoho, partner.connection_id)
    end_access_tokens(rotated)
    assert rotated.sync()["status"] == "succeeded"
    assert partner.rows("SELECT id, token_hash FROM booksync.grants ORDER BY id") == hashes
    assert partner.rows("SELECT id FROM booksync.zoho_connections WHERE grant_credentials IS NULL") == []


def test_a_connection_to_a_newer_data_centre_uses_the_named_servers(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ZOHO_API_URL", "ZOHO_ACCOUNTS_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    settings.settings.cache_clear()
    servers = ("--accounts-url", bench.zoho.url, "--api-url", bench.zoho.url)

    result = connect(bench, *servers, data_center="kr")

    assert result.exit_code == 0, result.output
    with open_resources("booksync tests") as resources:
        newer = Bench(resources, bench.zoho, uuid.UUID(json.loads(result.stdout)["connection_id"]))
        end_access_tokens(newer)
        assert newer.sync()["status"] == "succeeded"
    (stored,) = bench.rows("SELECT servers_encrypted FROM booksync.zoho_connections WHERE data_center = 'kr'")
    assert "127.0.0.1" not in stored["servers_encrypted"]


@pytest.mark.parametrize(
    "words",
    [
        # unencrypted over a network
        ("--accounts-url", "http://accounts.zoho.kr"),
        # an unknown data centre with one of its servers only
        ("--dc", "kr", "--accounts-url", "https://accounts.zoho.kr"),
    ],
)
def test_a_server_that_cannot_be_used_is_wrong_usage(bench: Bench, words: tuple[str, ...]) -> None:
    assert connect(bench, *words).exit_code == 2


def test_each_change_is_recorded_without_secrets_and_names(partner: Bench) -> None:
    partner.zoho.register_client(CLIENT_ID, "second-secret")
    assert run("clients", "rotate", "partner", "--client-secret", "-", given="second-secret\n").exit_code == 0
    assert run("rotate-keys").exit_code == 0
    assert run("erase", str(partner.connection_id), "--yes").exit_code == 0
    recorded = partner.rows(
        "SELECT operator, action, state, connection_id, subject, result"
        " FROM booksync.operator_actions ORDER BY began_at"
    )
    assert [tuple(row.values()) for row in recorded] == [
        ("command line", "add client", "done", None, "", ""),
        (
            "command line",
            "connect",
            "done",
            None,
            f"organisation {partner.zoho.organization_id}",
            f"connection {partner.connection_id}",
        ),
        ("command line", "rotate client secret", "done", None, "", ""),
        ("command line", "rotate keys", "done", None, "", ""),
        ("command line", "erase", "done", partner.connection_id, "", ""),
    ]
