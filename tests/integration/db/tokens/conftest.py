"""A token that many workers share."""

import httpx
import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import Engine

from db.connections import Connection
from db.secrets import Place, SecretName
from tests.integration.db.look import change
from tests.integration.db.tokens.accounts import Accounts
from workers.secrets.grants import adopt
from workers.secrets.tokens import SharedTokens
from workers.secrets.vault import Vault
from workers.zoho import OAuthClient


@pytest.fixture
def accounts() -> Accounts:
    return Accounts()


@pytest.fixture
def vault() -> Vault:
    return Vault([SecretStr(Fernet.generate_key().decode())])


@pytest.fixture
def shared(engine: Engine, connection: Connection, vault: Vault, accounts: Accounts) -> SharedTokens:
    """The connection's tokens; the access token is valid for another hour."""
    change(
        engine,
        """
        UPDATE booksync.zoho_connections
           SET refresh_token_encrypted = :refresh_token, access_token_encrypted = :access_token,
               access_token_expires_at = now() + interval '1 hour'
        """,
        refresh_token=vault.encrypt("refresh-1", Place(SecretName.REFRESH_TOKEN, connection.connection_id)),
        access_token=vault.encrypt("access-1", Place(SecretName.ACCESS_TOKEN, connection.connection_id)),
    )
    with engine.begin() as db:
        adopt(db, vault, connection.connection_id)
    return SharedTokens(
        engine,
        vault,
        httpx.Client(transport=httpx.MockTransport(accounts)),
        OAuthClient("https://accounts.zoho.eu", "1000.CLIENT", "client-secret"),
        connection.connection_id,
    )
