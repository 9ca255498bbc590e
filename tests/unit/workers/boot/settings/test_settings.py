"""Promises of boot/settings.py: the environment is read once, and its errors are reported in one line."""

import os

import pytest

from db import engine
from domain.phones import PhoneFallback
from tests.unit.workers.boot.settings.complaints import KEY, OLD_KEY, REQUIRED, complaint
from workers.boot.settings import SettingsError, database_url, settings


def test_the_rest_has_defaults() -> None:
    found = settings()
    assert found.zoho_api_url is None
    assert found.zoho_accounts_url is None
    assert (found.zoho_requests_per_minute, found.zoho_window_seconds, found.zoho_concurrency) == (100, 60, 5)
    assert (found.zoho_interactive_reserve, found.zoho_daily_reserve) == (10, 0.1)
    assert (found.sync_interval_seconds, found.full_sync_interval_seconds) == (300, 86400)
    assert (found.sweep_interval_seconds, found.claim_seconds) == (15, 90)
    assert found.console_password is None
    assert found.phone_fallback is PhoneFallback.NONE


class TestPreparedStatements:
    """The address passed to the engine says whether prepared statements are used."""

    def test_prepared_statements_are_used_by_default(self) -> None:
        assert engine.prepares_statements(settings().database_url.get_secret_value())

    @pytest.mark.parametrize("value", ["off", "OFF", " off "])
    def test_the_setting_switches_them_off_for_every_process_and_the_migrations(
        self, environment: pytest.MonkeyPatch, value: str
    ) -> None:
        environment.setenv("DATABASE_PREPARED_STATEMENTS", value)
        for url in (settings().database_url.get_secret_value(), database_url()):
            assert not engine.prepares_statements(url)
            assert engine.database_url(url) == engine.database_url(REQUIRED["DATABASE_URL"])

    def test_the_address_switches_them_off_too(self, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("DATABASE_URL", f"{REQUIRED['DATABASE_URL']}?sslmode=require&prepared_statements=off")
        url = settings().database_url.get_secret_value()
        assert not engine.prepares_statements(url)
        assert dict(engine.database_url(url).query) == {"sslmode": "require"}

    def test_a_malformed_setting_is_named(self, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("DATABASE_PREPARED_STATEMENTS", "perhaps")
        assert complaint() == "Malformed setting: DATABASE_PREPARED_STATEMENTS Input should be 'on' or 'off'."

    def test_a_malformed_parameter_is_named(self, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("DATABASE_URL", f"{REQUIRED['DATABASE_URL']}?prepared_statements=perhaps")
        assert complaint() == "Malformed setting: DATABASE_URL the parameter prepared_statements is on or off."


def test_the_environment_is_read_once_a_process(environment: pytest.MonkeyPatch) -> None:
    first = settings()
    environment.setenv("ZOHO_CONCURRENCY", "3")
    assert settings() is first


def test_empty_variable_gives_the_default(environment: pytest.MonkeyPatch) -> None:
    variables = (
        "ZOHO_API_URL",
        "ZOHO_CONCURRENCY",
        "CONSOLE_PASSWORD",
        "CONSOLE_AUTH_HEADER",
        "CONSOLE_AUTH_PROXIES",
        "PHONE_FALLBACK",
    )
    for variable in variables:
        environment.setenv(variable, "")
    found = settings()
    assert (found.zoho_api_url, found.zoho_concurrency, found.console_password) == (None, 5, None)


@pytest.mark.parametrize("variable", REQUIRED)
@pytest.mark.parametrize("value", [None, ""])
def test_missing_setting_is_named(environment: pytest.MonkeyPatch, variable: str, value: str | None) -> None:
    if value is None:
        environment.delenv(variable)
    else:
        environment.setenv(variable, value)
    assert complaint() == f"Missing setting: {variable}."


def test_all_missing_settings_are_reported_together(environment: pytest.MonkeyPatch) -> None:
    for variable in REQUIRED:
        environment.delenv(variable)
    assert complaint() == f"Missing settings: {', '.join(REQUIRED)}."


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", "mysql://user:mistaken-secret@db.example/booksync"),
        ("DATABASE_URL", "mistaken-secret"),
        ("DATABASE_URL", "postgresql://user:mistaken-secret@db.example:port/booksync"),
        ("REDIS_URL", "http://:mistaken-secret@redis.example"),
        ("REDIS_URL", "redis://:mistaken-secret@redis.example:port/0"),
        ("REDIS_URL", "redis://:mistaken/secret@redis.example/0"),
        ("ENCRYPTION_KEYS", "mistaken-secret"),
        pytest.param("ENCRYPTION_KEYS", f"{KEY},mistaken-secret", id="ENCRYPTION_KEYS-a good and a bad one"),
        ("ENCRYPTION_KEYS", " , "),
        ("ZOHO_API_URL", "mistaken-secret"),
        ("ZOHO_ACCOUNTS_URL", "ftp://mistaken-secret.example"),
        ("ZOHO_REQUESTS_PER_MINUTE", "0"),
        ("ZOHO_REQUESTS_PER_MINUTE", "many"),
        ("ZOHO_WINDOW_SECONDS", "0"),
        ("ZOHO_WINDOW_SECONDS", "nan"),
        ("ZOHO_CONCURRENCY", "2.5"),
        ("ZOHO_INTERACTIVE_RESERVE", "-1"),
        ("ZOHO_DAILY_RESERVE", "1"),
        ("SYNC_INTERVAL_SECONDS", "-300"),
        ("FULL_SYNC_INTERVAL_SECONDS", "daily"),
        ("SWEEP_INTERVAL_SECONDS", "0"),
        ("CLAIM_SECONDS", "0"),
        ("CLAIM_SECONDS", "inf"),
        ("PHONE_FALLBACK", "perhaps"),
    ],
)
def test_malformed_setting_is_named_but_never_quoted(
    environment: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    environment.setenv(variable, value)
    sentence = complaint()
    assert sentence.startswith(f"Malformed setting: {variable} ")
    assert "\n" not in sentence
    assert "mistaken" not in sentence


def test_missing_and_malformed_settings_fit_in_one_line(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("REDIS_URL")
    environment.setenv("ZOHO_CONCURRENCY", "0")
    environment.setenv("CLAIM_SECONDS", "0")
    sentence = complaint()
    assert sentence.startswith("Missing setting: REDIS_URL. Malformed settings: ZOHO_CONCURRENCY ")
    assert "; CLAIM_SECONDS " in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    "url",
    [
        "postgres://db/x",
        "postgresql://db/x",
        "postgresql+psycopg://db/x",
        # As used by another application of the same database.
        "postgresql+psycopg2://db/x",
        "postgresql+asyncpg://db/x",
    ],
)
def test_postgres_urls_with_other_schemes_are_accepted(environment: pytest.MonkeyPatch, url: str) -> None:
    environment.setenv("DATABASE_URL", url)
    assert settings().database_url.get_secret_value() == database_url() == url
    assert engine.database_url(url).drivername == "postgresql+psycopg"


@pytest.mark.parametrize("url", ["mysql://db/x", "postgresqlite://db/x", "postgresql+://db/x", "db/x", "://"])
def test_other_databases_are_refused(environment: pytest.MonkeyPatch, url: str) -> None:
    environment.setenv("DATABASE_URL", url)
    assert complaint() == "Malformed setting: DATABASE_URL must start with postgresql://."


@pytest.mark.parametrize("url", ["redis://h", "rediss://h:6380/1", "unix:///run/valkey.sock"])
def test_redis_is_reached_by_network_or_socket(environment: pytest.MonkeyPatch, url: str) -> None:
    environment.setenv("REDIS_URL", url)
    assert settings().redis_url.get_secret_value() == url


def test_keys_are_kept_in_their_order(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ENCRYPTION_KEYS", f" {KEY}, {OLD_KEY},")
    assert [key.get_secret_value() for key in settings().encryption_keys] == [KEY, OLD_KEY]


@pytest.mark.parametrize("written", ["http://127.0.0.1:9000", " http://127.0.0.1:9000/ "])
def test_an_origins_last_slash_means_nothing(environment: pytest.MonkeyPatch, written: str) -> None:
    environment.setenv("ZOHO_API_URL", written)
    assert str(settings().zoho_api_url).rstrip("/") == "http://127.0.0.1:9000"


def test_no_repr_shows_a_secret(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CONSOLE_PASSWORD", "console-secret")
    found = settings()
    for text in (repr(found), str(found)):
        assert "secret@" not in text
        assert "client-secret" not in text
        assert "console-secret" not in text
        assert KEY not in text


def test_a_migration_needs_the_database_only(environment: pytest.MonkeyPatch) -> None:
    for variable in REQUIRED.keys() - {"DATABASE_URL"}:
        environment.delenv(variable)
    assert database_url() == os.environ["DATABASE_URL"]


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("", "Missing setting: DATABASE_URL."),
        ("sqlite://mistaken", "Malformed setting: DATABASE_URL must start with postgresql://."),
    ],
)
def test_migration_reports_a_wrong_database_setting(environment: pytest.MonkeyPatch, value: str, sentence: str) -> None:
    environment.setenv("DATABASE_URL", value)
    with pytest.raises(SettingsError) as wrong:
        database_url()
    assert str(wrong.value) == sentence


@pytest.mark.parametrize(
    "variable",
    [
        "DATABASE_URL",
        "REDIS_URL",
        "ZOHO_CLIENT_ID",
        "ZOHO_CLIENT_SECRET",
        "ZOHO_API_URL",
        "PHONE_FALLBACK",
        "REMINDER_WEBHOOK_URL",
        "ZOHO_CONCURRENCY",
    ],
)
def test_invalid_bytes_are_reported_with_the_setting(environment: pytest.MonkeyPatch, variable: str) -> None:
    environment.setenv(variable, f"{REQUIRED.get(variable, 'x')}\udcff")
    assert f"{variable} is not UTF-8 text" in complaint()
