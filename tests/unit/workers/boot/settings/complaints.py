"""The required settings, and the error about wrong ones."""

import pytest
from cryptography.fernet import Fernet

from workers.boot.settings import SettingsError, settings

KEY = Fernet.generate_key().decode()
OLD_KEY = Fernet.generate_key().decode()

REQUIRED = {
    "DATABASE_URL": "postgresql://booksync:database-secret@db.example/booksync",
    "REDIS_URL": "redis://:redis-secret@redis.example:6379/0",
    "ZOHO_CLIENT_ID": "1000.CLIENT",
    "ZOHO_CLIENT_SECRET": "client-secret",
    "ENCRYPTION_KEYS": KEY,
}


def complaint() -> str:
    with pytest.raises(SettingsError) as wrong:
        settings()
    assert wrong.value.__cause__ is None
    return str(wrong.value)
