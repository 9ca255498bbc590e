"""The web process needs no Zoho client; every other process does."""

import pytest

from workers.boot.settings import SettingsError, settings, web_settings

CLIENT = ("ZOHO_CLIENT_ID", "ZOHO_CLIENT_SECRET")


def test_with_a_client_the_settings_are_those_of_every_process() -> None:
    assert web_settings().model_dump() == settings().model_dump()
    assert web_settings().has_zoho_client


@pytest.mark.parametrize("value", [None, ""])
def test_without_a_client_only_the_web_process_has_settings(environment: pytest.MonkeyPatch, value: str | None) -> None:
    for variable in CLIENT:
        if value is None:
            environment.delenv(variable)
        else:
            environment.setenv(variable, value)
    assert not web_settings().has_zoho_client
    with pytest.raises(SettingsError, match="Missing settings: ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET"):
        settings()


@pytest.mark.parametrize("variable", CLIENT)
def test_half_a_client_is_refused(environment: pytest.MonkeyPatch, variable: str) -> None:
    environment.delenv(variable)
    with pytest.raises(SettingsError) as refused:
        web_settings()
    assert str(refused.value) == (
        "Malformed setting: ZOHO_CLIENT_SECRET goes with ZOHO_CLIENT_ID: the web process has both or neither."
    )


def test_the_other_settings_stay_required(environment: pytest.MonkeyPatch) -> None:
    for variable in ("DATABASE_URL", "REDIS_URL", "ENCRYPTION_KEYS"):
        environment.delenv(variable)
    with pytest.raises(SettingsError, match="Missing settings: DATABASE_URL, REDIS_URL, ENCRYPTION_KEYS"):
        web_settings()
