"""A grant's access token, shared by all workers and connections: stored in Postgres, refreshed by one at a time."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import httpx
from sqlalchemy import Engine

from db import tokens
from db.clients import DEFAULT
from db.secrets import Place, SecretName
from db.session import Session, autocommit
from db.tokens import REFRESHES_PER_WINDOW, StoredTokens
from domain.call_kinds import CallKind
from workers.budget import BudgetWait, TokenEndpointThrottled, WaitReason
from workers.observability.worker_states import own_state
from workers.secrets.clients import chosen_client, named
from workers.secrets.grants import adopt, take_newer_token, write_copies
from workers.secrets.vault import Vault
from workers.zoho import AccessToken, OAuthClient, Token, refresh_access_token
from workers.zoho.errors import (
    ClientNotSet,
    ClientRejected,
    GrantRefused,
    OAuthFailed,
    OAuthThrottled,
    TokenNotRenewed,
    TokenRevoked,
    ZohoError,
)

#: A token is refreshed this long before it expires, so that it does not expire during a call. For a short-lived token
#: the time is `EARLY_SHARE_OF_LIFETIME` of its lifetime.
EARLY_SECONDS = 300.0
EARLY_SHARE_OF_LIFETIME = 0.25

#: A refused token that is younger than this is tried once more before it is refreshed, because Zoho grants only ten
#: tokens in ten minutes.
YOUNG_SECONDS = 60.0

#: The refusal of a call for a single record refreshes the token only while fewer than this many of the ten refreshes
#: are used.
RECORD_REFRESHES = REFRESHES_PER_WINDOW // 2

#: How long a step uses its token before it reads the stored one again. If another worker refreshes the token meanwhile,
#: the old token usually stays valid. If Zoho refuses the old token, the step reads the new one.
REUSABLE_SECONDS = 15.0

#: How long an OAuth error that booksync does not know counts as temporary. After that time the grant counts as refused,
#: and a person must act.
UNKNOWN_WORD_SECONDS = 3 * 3600.0


@dataclass(frozen=True, slots=True)
class SharedTokens:
    """The access token of one connection's grant (implements `workers.zoho.Tokens`).

    `client` is the settings' client, at the accounts server of the connection. The grant may have another one.
    """

    engine: Engine
    vault: Vault
    http: httpx.Client
    client: OAuthClient
    connection_id: uuid.UUID
    #: Called with the kind and the seconds of each request for an access token, also of a failed one.
    on_call: Callable[[CallKind, float], None] = lambda _kind, _seconds: None

    def current(self) -> Token:
        """Return the stored access token, refreshed first if it is about to expire.

        Raises:
            ZohoError: the refresh failed; see `workers.zoho.oauth`.
            BudgetWait: Zoho does not grant another token yet, and the stored one has expired.
            WrongStateError, UnknownConnectionError: the connection was disconnected or erased.
        """
        stored = self._stored()
        return self._token(stored) if _will_last(stored) else self._refresh(_will_last)

    def renewed(self, stale: Token, *, tried_again: bool, is_one_record: bool = False) -> Token | None:
        """Return the access token for the next attempt after Zoho has refused the token `stale`.

        The result is the token that another worker has stored in the meantime, or else a new token from Zoho. In two
        cases `stale` itself is returned for a second try: it is less than a minute old, or it is still valid and Zoho
        does not grant another token yet. With `tried_again` this second try has been made, so `stale` is not returned.

        With `is_one_record` the call reads one record. If `_is_kept` says that the refusal concerns the record, the
        token is not refreshed: `stale` is returned for a second try, and None after that try.

        Raises:
            ZohoError: the refresh failed; see `workers.zoho.oauth`.
            TokenNotRenewed: Zoho does not grant another token for `seconds`, and `stale` was tried a second time.
            BudgetWait: Zoho does not grant another token yet, and `stale` has expired.
        """

        def is_worth_a_try(stored: StoredTokens) -> bool:
            return self._is_other(stored, stale) or (not tried_again and _is_young(stored))

        if is_one_record and self._is_kept(stale):
            return None if tried_again else stale

        return self._refresh(is_worth_a_try, is_of_use=not tried_again)

    def refresh_token(self) -> str:
        """Return the grant's refresh token.

        Raises:
            UnreadableSecretError, MisplacedSecretError: the stored token cannot be read.
        """
        return self._refresh_token(self._stored())

    def _is_kept(self, refused: Token) -> bool:
        """Return whether Zoho's refusal of a call for one record probably concerns the record and not the token.

        This is assumed if the token was refreshed less than a minute ago, or if tokens were refreshed often. The token
        is then not refreshed.
        """
        stored = self._stored()
        if self._is_other(stored, refused) or not _is_alive(stored):
            return False
        # A young token without a refresh came with the grant, and Zoho may have revoked the token since.
        return stored.refreshes >= RECORD_REFRESHES or (stored.refreshes > 0 and _is_young(stored))

    def _is_other(self, stored: StoredTokens, token: Token) -> bool:
        return stored.access_token is not None and self._access_token(stored) != token.value

    def _stored(self) -> StoredTokens:
        """The stored tokens. A connection without a grant gets its grant first."""
        with autocommit(self.engine) as db:
            stored = tokens.read(db, self.connection_id)
        if stored is not None:
            return stored
        with self.engine.begin() as db:
            return self._locked(db)

    def _locked(self, db: Session) -> StoredTokens:
        """The stored tokens, locked until the transaction ends."""
        stored = tokens.read(db, self.connection_id, lock=True)
        if stored is None:
            adopt(db, self.vault, self.connection_id)
            stored = tokens.read(db, self.connection_id, lock=True)
        assert stored is not None
        return stored

    def _refresh(self, is_fresh: Callable[[StoredTokens], bool], *, is_of_use: bool = True) -> Token:
        """Return the stored token if `is_fresh` accepts it, else a new token from Zoho.

        `is_fresh` accepts a token that another worker has refreshed in the meantime. If Zoho does not grant a new token
        yet, the stored token is returned while it is valid; without `is_of_use`, TokenNotRenewed is raised instead.
        """
        # The lock is held during Zoho's response, so the other workers wait for this token instead of requesting more.
        with self.engine.begin() as db:
            stored = self._locked(db)
            if is_fresh(stored):
                return self._token(stored)
            if take_newer_token(db, self.vault, stored.grant_id):
                stored = self._locked(db)
                if is_fresh(stored):
                    return self._token(stored)
            outcome = self._ask(db, stored)
        if isinstance(outcome, (BudgetWait, ClientNotSet)) and _is_alive(stored):
            if is_of_use:
                return self._token(stored)
            if isinstance(outcome, BudgetWait):
                raise TokenNotRenewed(seconds=outcome.seconds)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _ask(self, db: Session, stored: StoredTokens) -> Token | Exception:
        """Request a new token from Zoho.

        An error is returned and not raised, so that the transaction with the record of this request is committed.
        """
        if stored.is_revoked:
            return TokenRevoked()
        if stored.refresh_wait_seconds > 0:
            return _wait(stored.refresh_wait_seconds, stored.throttled_since)
        if stored.client == DEFAULT and not self.client.is_set:
            return ClientNotSet()
        client = chosen_client(db, self.vault, self.client, name=stored.client, data_center=stored.data_center)
        refresh_token = self._refresh_token(stored)
        tokens.note_refresh(db, stored.grant_id)
        try:
            access = self._requested(client, refresh_token)
        except OAuthThrottled as throttled:
            since = tokens.pause_refreshes(db, stored.grant_id, throttled.seconds)
            return _wait(throttled.seconds, since)
        except ZohoError as error:
            return self._refused(db, stored, error)
        if stored.client == DEFAULT:
            own_state.client_accepted(client.accounts_origin)
        self._write(db, stored, access)
        seconds = _reusable_seconds(access.expires_in, access.expires_in)
        return Token(access.value, access.api_domain or stored.api_domain, seconds)

    def _write(self, db: Session, stored: StoredTokens, access: AccessToken) -> None:
        place = Place(SecretName.ACCESS_TOKEN, stored.grant_id)
        tokens.write(
            db,
            stored.grant_id,
            access_token=self.vault.encrypt(access.value, place, like=stored.refresh_token),
            lifetime_seconds=access.expires_in,
            api_domain=access.api_domain,
        )
        write_copies(db, self.vault, stored.grant_id)

    def _requested(self, client: OAuthClient, refresh_token: str) -> AccessToken:
        began = time.monotonic()
        try:
            return refresh_access_token(self.http, client, refresh_token)
        finally:
            self.on_call(CallKind.TOKEN, time.monotonic() - began)

    def _refused(self, db: Session, stored: StoredTokens, error: ZohoError) -> ZohoError:
        """Record that Zoho's token endpoint has refused a refresh, and return the matching error."""
        if isinstance(error, (ClientRejected, OAuthFailed, TokenRevoked)):
            tokens.end_throttling(db, stored.grant_id)
        if isinstance(error, TokenRevoked):
            tokens.record_revocation(db, stored.grant_id)
        if isinstance(error, ClientRejected):
            # The refusal does not make other processes wait: no token was granted, and a process with a valid client
            # must not wait because of this attempt.
            tokens.forget_refresh(db, stored.grant_id)
            if stored.client == DEFAULT:
                own_state.client_refused(self.client.accounts_origin)
        if not isinstance(error, OAuthFailed):
            return named(error, stored.client)
        seconds = tokens.record_failure(db, stored.grant_id)
        is_final = seconds >= UNKNOWN_WORD_SECONDS
        return GrantRefused(error.call, status=error.status, detail=error.detail) if is_final else error

    def _token(self, stored: StoredTokens) -> Token:
        seconds = _reusable_seconds(stored.lifetime_seconds, stored.seconds_left)
        return Token(self._access_token(stored), stored.api_domain, seconds)

    def _access_token(self, stored: StoredTokens) -> str:
        assert stored.access_token is not None
        return self.vault.decrypt(stored.access_token, Place(SecretName.ACCESS_TOKEN, stored.grant_id))

    def _refresh_token(self, stored: StoredTokens) -> str:
        return self.vault.decrypt(stored.refresh_token, Place(SecretName.REFRESH_TOKEN, stored.grant_id))


def _wait(seconds: float, throttled_since: datetime | None) -> BudgetWait:
    if throttled_since is None:
        return BudgetWait(seconds, WaitReason.TOKENS)
    return TokenEndpointThrottled(seconds, throttled_since)


def _is_alive(stored: StoredTokens) -> bool:
    return stored.access_token is not None and stored.seconds_left > 0


def _is_young(stored: StoredTokens) -> bool:
    return _is_alive(stored) and stored.lifetime_seconds - stored.seconds_left < YOUNG_SECONDS


def _will_last(stored: StoredTokens) -> bool:
    return stored.access_token is not None and stored.seconds_left > _early_seconds(stored.lifetime_seconds)


def _early_seconds(lifetime_seconds: float) -> float:
    return min(EARLY_SECONDS, lifetime_seconds * EARLY_SHARE_OF_LIFETIME)


def _reusable_seconds(lifetime_seconds: float, seconds_left: float) -> float:
    """The seconds for which a caller may use the token without reading the stored token again."""
    return max(0.0, min(REUSABLE_SECONDS, seconds_left - _early_seconds(lifetime_seconds)))
