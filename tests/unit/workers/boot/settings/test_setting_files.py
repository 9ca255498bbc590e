"""Promises of boot/setting_files.py: every setting can be in a file that `NAME_FILE` names."""

from pathlib import Path

import pytest

from tests.unit.workers.boot.settings.complaints import KEY, OLD_KEY, REQUIRED, complaint
from workers.boot.settings import Settings, database_url, settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, value in REQUIRED.items():
        (tmp_path / name).write_text(f"{value}\n", encoding="utf-8")
    return tmp_path


def test_each_needed_setting_is_read_from_its_file(environment: pytest.MonkeyPatch, folder: Path) -> None:
    by_variables = settings()
    settings.cache_clear()
    for name in REQUIRED:
        environment.delenv(name)
        environment.setenv(f"{name}_FILE", str(folder / name))
    assert settings() == by_variables
    assert database_url() == REQUIRED["DATABASE_URL"]


@pytest.mark.parametrize("field", ["console_password", "reminder_webhook_secret", "zoho_concurrency"])
def test_any_other_setting_may_be_in_a_file_too(environment: pytest.MonkeyPatch, tmp_path: Path, field: str) -> None:
    (tmp_path / "value").write_text("1234567890123456", encoding="utf-8")
    environment.setenv(f"{field.upper()}_FILE", str(tmp_path / "value"))
    assert getattr(settings(), field) not in (None, Settings.model_fields[field].default)


def test_a_list_in_a_file_is_split(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"{KEY},{OLD_KEY}\n", encoding="utf-8")
    environment.delenv("ENCRYPTION_KEYS")
    environment.setenv("ENCRYPTION_KEYS_FILE", str(tmp_path / "keys"))
    assert [key.get_secret_value() for key in settings().encryption_keys] == [KEY, OLD_KEY]


def test_a_missing_file_is_named(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.delenv("DATABASE_URL")
    environment.setenv("DATABASE_URL_FILE", str(tmp_path / "none"))
    assert complaint() == (
        f"DATABASE_URL_FILE names a file that cannot be read: {tmp_path}/none (No such file or directory)."
    )


def test_an_empty_file_is_a_missing_setting(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    environment.delenv("DATABASE_URL")
    environment.setenv("DATABASE_URL_FILE", str(tmp_path / "empty"))
    assert complaint() == "Missing setting: DATABASE_URL."


def test_a_malformed_value_in_a_file_is_not_quoted(environment: pytest.MonkeyPatch, folder: Path) -> None:
    environment.delenv("REDIS_URL")
    environment.setenv("REDIS_URL_FILE", str(folder / "DATABASE_URL"))
    assert "REDIS_URL must start with" in complaint()
    settings.cache_clear()
    assert "database-secret" not in complaint()


def test_a_setting_that_is_given_twice_is_refused(environment: pytest.MonkeyPatch, folder: Path) -> None:
    environment.setenv("DATABASE_URL_FILE", str(folder / "DATABASE_URL"))
    assert complaint() == "DATABASE_URL and DATABASE_URL_FILE are both set: unset one of them."
