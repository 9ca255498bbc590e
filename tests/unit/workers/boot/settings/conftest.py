"""The environment of each test."""

from collections.abc import Iterator

import pytest

from tests.unit.workers.boot.settings.complaints import REQUIRED
from workers.boot.settings import Settings, settings


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """An environment with only the required settings."""
    for name in Settings.model_fields:
        for variable in (name, name.upper()):
            monkeypatch.delenv(variable, raising=False)
    for variable, value in REQUIRED.items():
        monkeypatch.setenv(variable, value)
    settings.cache_clear()
    yield monkeypatch
    settings.cache_clear()
