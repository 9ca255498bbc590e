"""A process checks its ENCRYPTION_KEYS on the canary before it starts work."""

from collections.abc import Sequence

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import Engine

from db import key_canary, secrets
from db.secrets import Place, SecretName
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change
from workers.secrets.keys import WrongKeysError, prove_keys
from workers.secrets.vault import Vault

RIGHT, NEWER, WRONG = (Fernet.generate_key().decode() for _ in range(3))


def a_vault(*keys: str) -> Vault:
    return Vault([SecretStr(key) for key in keys])


def prove(engine: Engine, *keys: str) -> None:
    with engine.begin() as db:
        prove_keys(db, a_vault(*keys))


def canary(engine: Engine) -> str | None:
    with engine.connect() as db:
        return key_canary.ciphertext(db)


@pytest.fixture
def connected(engine: Engine) -> Engine:
    """One connection whose secrets are encrypted with the right key."""
    connection = a_connection(engine)
    with engine.begin() as db:
        secret = a_vault(RIGHT).encrypt("a secret", Place(SecretName.WEBHOOK_SECRET, connection.connection_id))
        db.exec_driver_sql(
            "UPDATE booksync.zoho_connections SET webhook_secret_encrypted = %(secret)s WHERE id = %(id)s",
            {"secret": secret, "id": connection.connection_id},
        )
    return engine


def test_no_keys_are_checked_without_connections(engine: Engine) -> None:
    prove(engine, WRONG)
    assert canary(engine) is None, "wrong keys must not be saved as the canary"


def test_the_first_process_that_decrypts_a_secret_saves_the_canary(connected: Engine) -> None:
    prove(connected, RIGHT)
    assert canary(connected) is not None


@pytest.mark.parametrize("has_canary", [False, True])
def test_wrong_keys_are_refused(connected: Engine, has_canary: bool) -> None:
    if has_canary:
        prove(connected, RIGHT)
    before = canary(connected)
    with pytest.raises(WrongKeysError, match="ENCRYPTION_KEYS cannot read"):
        prove(connected, WRONG)
    assert canary(connected) == before


@pytest.mark.parametrize("keys", [(RIGHT,), (NEWER, RIGHT), (RIGHT, WRONG)])
def test_any_of_several_keys_may_be_the_right_one(connected: Engine, keys: Sequence[str]) -> None:
    prove(connected, RIGHT)
    prove(connected, *keys)


def test_the_newest_key_alone_is_enough_after_a_rotation(connected: Engine) -> None:
    prove(connected, RIGHT)
    change(
        connected,
        "UPDATE booksync.zoho_connections "
        "SET refresh_token_encrypted = webhook_secret_encrypted, access_token_encrypted = NULL",
    )
    secrets.rotate(connected, a_vault(NEWER, RIGHT).rotate)
    prove(connected, NEWER)
    with pytest.raises(WrongKeysError):
        prove(connected, RIGHT)
