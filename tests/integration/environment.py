"""The environment of a booksync process that makes no call to Zoho."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from cryptography.fernet import Fernet

from workers.boot.settings import settings


@contextmanager
def environment_of_a_process(
    monkeypatch: pytest.MonkeyPatch, *, database_url: str, redis_url: str, **others: str
) -> Iterator[None]:
    """Sets the environment, with the variables `others`.

    Settings are read from it inside the block, and read again after the block.
    """
    variables = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "ZOHO_CLIENT_ID": "1000.CLIENT",
        "ZOHO_CLIENT_SECRET": "client-secret",
        "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        **others,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    try:
        yield
    finally:
        settings.cache_clear()
