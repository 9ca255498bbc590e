"""Errors during the setup of booksync are reported in a sentence, with exit code 1 and without a traceback."""

import uuid

import pytest

from sandbox.zoho.control import SandboxControl
from tests.end_to_end.installation import Installation, Outcome

pytestmark = pytest.mark.slow


@pytest.fixture
def zoho(simulator: SandboxControl) -> SandboxControl:
    """Books without records, because no test here reads them."""
    simulator.restart(contacts=0, invoices=0)
    return simulator


def assert_told(outcome: Outcome, *words: str, code: int = 1) -> None:
    assert outcome.code == code, outcome.stderr
    assert "Traceback" not in outcome.stderr
    for word in words:
        assert word in outcome.stderr
    assert "sandbox-secret" not in outcome.stderr + outcome.stdout


def test_a_wrong_client_secret(installation: Installation) -> None:
    outcome = installation.connect(ZOHO_CLIENT_SECRET="wrong")
    assert_told(outcome, "ZOHO_CLIENT_SECRET", "data centre")
    assert "ZOHO_CLIENT_SECRET" in outcome.json["error"]


def test_a_revoked_refresh_token(installation: Installation) -> None:
    outcome = installation.run(
        "connect",
        "--user",
        str(uuid.uuid4()),
        "--organization",
        installation.zoho.organization_id,
        "--refresh-token",
        "no-such-token",
    )
    assert_told(outcome, "refresh token", "revoked")


def test_a_wrong_organization(installation: Installation) -> None:
    outcome = installation.run(
        "connect",
        "--user",
        str(uuid.uuid4()),
        "--organization",
        "123",
        "--refresh-token",
        installation.zoho.refresh_token,
    )
    assert_told(outcome, "does not belong to organisation 123", installation.zoho.organization_id)


def test_an_unknown_data_center(installation: Installation) -> None:
    outcome = installation.run(
        "connect", "--user", str(uuid.uuid4()), "--organization", "1", "--dc", "mars", "--refresh-token", "x"
    )
    assert outcome.code == 2
    assert "--dc" in outcome.stderr
    assert "com.au" in outcome.stderr


def test_a_grant_code_of_another_data_center(installation: Installation) -> None:
    outcome = installation.run(
        "connect",
        "--user",
        str(uuid.uuid4()),
        "--organization",
        installation.zoho.organization_id,
        "--dc",
        "eu",
        "--grant-code",
        "made-elsewhere",
    )
    assert_told(outcome, "60 seconds", "data centre")


def test_an_unreachable_zoho(installation: Installation) -> None:
    outcome = installation.connect(ZOHO_API_URL="http://127.0.0.1:1", ZOHO_ACCOUNTS_URL="http://127.0.0.1:1")
    assert_told(outcome, "could not be reached", "127.0.0.1:1")


@pytest.mark.parametrize(
    "words", [("status",), ("sync", str(uuid.uuid4())), ("migrate",)], ids=["status", "sync", "migrate"]
)
def test_an_unreachable_database(installation: Installation, words: tuple[str, ...]) -> None:
    outcome = installation.run(*words, DATABASE_URL="postgresql://someone:hidden@127.0.0.1:1/nothing")
    assert_told(outcome, "Postgres cannot be reached at 127.0.0.1:1", "DATABASE_URL")
    assert "hidden" not in outcome.stderr


def test_an_unreachable_database_does_not_cost_the_grant_code(installation: Installation) -> None:
    code = installation.zoho.grant_code()
    words = ("connect", "--user", str(uuid.uuid4()), "--organization", installation.zoho.organization_id)
    away = installation.run(*words, "--grant-code", code, DATABASE_URL="postgresql://127.0.0.1:1/nothing")
    assert_told(away, "Postgres cannot be reached")
    assert installation.run(*words, "--grant-code", code).code == 0


def test_an_unreachable_redis(installation: Installation) -> None:
    outcome = installation.connect(REDIS_URL="redis://:hidden@127.0.0.1:1/0")
    assert_told(outcome, "Redis cannot be reached at 127.0.0.1:1", "REDIS_URL")
    assert "hidden" not in outcome.stderr


def test_a_database_without_tables(installation: Installation, postgres_url: str) -> None:
    assert_told(installation.run("status", DATABASE_URL=postgres_url), "booksync migrate")


@pytest.mark.parametrize("variable", ["DATABASE_URL", "REDIS_URL", "ZOHO_CLIENT_ID", "ENCRYPTION_KEYS"])
def test_a_missing_setting(installation: Installation, variable: str) -> None:
    assert_told(installation.run("status", **{variable: None}), f"Missing setting: {variable}.")


def test_a_malformed_setting(installation: Installation) -> None:
    outcome = installation.run("status", ENCRYPTION_KEYS="hidden", ZOHO_REQUESTS_PER_MINUTE="many")
    assert_told(outcome, "ENCRYPTION_KEYS", "Fernet", "ZOHO_REQUESTS_PER_MINUTE")
    assert "hidden" not in outcome.stderr


def test_a_worker_without_settings_reports_it_too(installation: Installation) -> None:
    installation.environment.pop("ENCRYPTION_KEYS")
    worker = installation.start("dramatiq", "workers.main", "--processes", "1", "--threads", "1")
    assert worker.wait(timeout=60) != 0
    said = (installation.logs / "dramatiq-0.log").read_text()
    assert "Missing setting: ENCRYPTION_KEYS." in said
    assert "Traceback" not in said


def test_an_unknown_connection(installation: Installation) -> None:
    assert_told(installation.run("sync", str(uuid.uuid4()), "--wait"), "There is no connection")


@pytest.mark.parametrize(
    "words",
    [
        ("sync",),
        ("connect", "--user", "somebody", "--organization", "1", "--grant-code", "x"),
        ("connect", "--organization", "1", "--user", str(uuid.uuid4())),
        ("connect", "--organization", "abc", "--grant-code", "x", "--user", str(uuid.uuid4())),
        ("migrate", "--to", "phase9"),
        ("dance",),
    ],
    ids=lambda words: " ".join(words)[:30],
)
def test_wrong_usage_exits_with_two(installation: Installation, words: tuple[str, ...]) -> None:
    assert_told(installation.run(*words), code=2)
