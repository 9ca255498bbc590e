"""A connection's access token, shared by all workers: kept in Postgres, refreshed by one of them (API section 5)."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
from sqlalchemy import Engine

from db import tokens
from workers.vault import Vault
from workers.zoho import AccessToken, OAuthClient, Token, refresh_access_token

#: A token is refreshed this long before it ends, so that no call meets its last second.
EARLY_SECONDS = 300


@dataclass(frozen=True, slots=True)
class SharedTokens:
    """One connection's token (implements `workers.zoho.Tokens`)."""

    engine: Engine
    vault: Vault
    http: httpx.Client
    client: OAuthClient
    connection_id: uuid.UUID

    def current(self) -> Token:
        """The stored token, refreshed first where it is about to end.

        Raises:
            ZohoError: the refresh failed; see `workers.zoho.oauth`.
        """
        with self.engine.connect() as connection:
            stored = tokens.read(connection, self.connection_id)
        if stored.access_token and stored.seconds_left > EARLY_SECONDS:
            return self._token(stored)
        return self._refresh(lambda again: again.access_token is not None and again.seconds_left > EARLY_SECONDS)

    def renewed(self, stale: Token) -> Token:
        """A token other than the stale one: somebody else's, if they were quicker, or a fresh one.

        Raises:
            ZohoError: the refresh failed; see `workers.zoho.oauth`.
        """
        return self._refresh(
            lambda again: again.access_token is not None and self.vault.decrypt(again.access_token) != stale.value
        )

    def _refresh(self, is_fresh: Callable[[tokens.StoredTokens], bool]) -> Token:
        # The lock is held while Zoho answers: the others wait for this one token instead of asking for more.
        with self.engine.begin() as connection:
            stored = tokens.read(connection, self.connection_id, lock=True)
            if is_fresh(stored):
                return self._token(stored)
            access = refresh_access_token(self.http, self.client, self.vault.decrypt(stored.refresh_token))
            tokens.write(
                connection,
                self.connection_id,
                access_token=self.vault.encrypt(access.value),
                expires_at=expires_at(access),
                api_domain=access.api_domain,
            )
        return Token(access.value, access.api_domain or stored.api_domain)

    def _token(self, stored: tokens.StoredTokens) -> Token:
        assert stored.access_token is not None
        return Token(self.vault.decrypt(stored.access_token), stored.api_domain)


def expires_at(access: AccessToken) -> datetime:
    """When a token just received ends."""
    return datetime.now(UTC) + timedelta(seconds=access.expires_in)
