"""Where a connect gets its grant from: a grant code, a refresh token, or another connection."""

import uuid
from dataclasses import dataclass, field

from db import connections, grants, tokens
from db.clients import DEFAULT
from domain.connection_states import Command, require_possible
from workers.boot.resources import Resources
from workers.secrets.clients import chosen_client, named
from workers.secrets.grants import token_hash
from workers.secrets.missing_grants import adopt_all
from workers.secrets.servers import unsealed
from workers.zoho import (
    AccessToken,
    Grant,
    OAuthClient,
    Token,
    Tokens,
    ZohoHosts,
    ZohoUrls,
    data_center_named,
    exchange_grant_code,
    refresh_access_token,
)
from workers.zoho.data_centers import OF_DATA_CENTER
from workers.zoho.errors import ClientRejected


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person has named: one of the three sources, and for a code or a token its client and data centre."""

    data_center: str = "com"
    client: str = DEFAULT
    urls: ZohoUrls = OF_DATA_CENTER
    grant_code: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    same_grant_as: uuid.UUID | None = None  #: another connection, whose client and data centre are used too


@dataclass(frozen=True, slots=True)
class GrantSource:
    """A grant that Zoho has just accepted."""

    data_center: str
    client: str  #: the name of the OAuth client, or `db.clients.DEFAULT`
    urls: ZohoUrls
    hosts: ZohoHosts
    tokens: Tokens  #: the access token for the calls of the connect
    refresh_token: str = field(repr=False)
    access_token: AccessToken | None = field(repr=False)  #: None if the grant's own row has the access token


class _JustGranted:
    """The access token that came with the grant: tried twice and never renewed (implements `workers.zoho.Tokens`)."""

    def __init__(self, access: AccessToken) -> None:
        self._access = access

    def current(self) -> Token:
        return Token(self._access.value, self._access.api_domain)

    def renewed(self, stale: Token, *, tried_again: bool, is_one_record: bool = False) -> Token | None:  # noqa: ARG002
        return None if tried_again else stale


def check(resources: Resources, wanted: Wanted) -> None:
    """Check what can be checked before a grant code is spent.

    Raises:
        UnknownDataCenter: the data centre is unknown, and its servers are not named.
        UnknownClient: the client has no secret for the data centre.
        UnknownConnectionError: the other connection does not exist.
        WrongStateError: the other connection is disconnected.
    """
    if wanted.same_grant_as is not None:
        with resources.engine.connect() as db:
            other = connections.connection(db, wanted.same_grant_as)
        require_possible(Command.SHARE, other.status, str(other.connection_id))
        return
    data_center = data_center_named(wanted.data_center, wanted.urls)
    _client(resources, resources.hosts(data_center, wanted.urls), wanted.client, data_center)


def obtain(resources: Resources, wanted: Wanted) -> GrantSource:
    """Get the grant. A refresh token that is stored already costs no new access token.

    Raises:
        ZohoError: Zoho does not accept the client, the code or the token, or cannot be reached.
        WrongStateError: the other connection is disconnected.
    """
    if wanted.same_grant_as is not None:
        return _shared(resources, wanted.same_grant_as)
    data_center = data_center_named(wanted.data_center, wanted.urls)
    if wanted.refresh_token is not None:
        adopt_all(resources.engine, resources.vault)
        with resources.engine.begin() as db:
            hashed = token_hash(db, resources.vault, wanted.refresh_token)
            known = grants.connection_with(db, client=wanted.client, data_center=data_center, token_hash=hashed)
        if known is not None:
            return _shared(resources, known)
    client = _client(resources, resources.hosts(data_center, wanted.urls), wanted.client, data_center)
    grant = _new(resources, client, wanted)
    return just_granted(resources, grant, data_center, client=wanted.client, urls=wanted.urls)


def just_granted(
    resources: Resources,
    grant: Grant,
    data_center: str,
    *,
    client: str = DEFAULT,
    urls: ZohoUrls = OF_DATA_CENTER,
) -> GrantSource:
    """Return a grant that Zoho has just made, as the source of connections."""
    return GrantSource(
        data_center,
        client,
        urls,
        resources.hosts(data_center, urls),
        _JustGranted(grant.access_token),
        grant.refresh_token,
        grant.access_token,
    )


def _client(resources: Resources, hosts: ZohoHosts, name: str, data_center: str) -> OAuthClient:
    with resources.engine.connect() as db:
        return chosen_client(db, resources.vault, resources.oauth_client(hosts), name=name, data_center=data_center)


def _new(resources: Resources, client: OAuthClient, wanted: Wanted) -> Grant:
    try:
        if wanted.grant_code is not None:
            return exchange_grant_code(resources.http, client, wanted.grant_code)
        assert wanted.refresh_token is not None
        return Grant(wanted.refresh_token, refresh_access_token(resources.http, client, wanted.refresh_token))
    except ClientRejected as error:
        raise named(error, wanted.client) from None


def _shared(resources: Resources, connection_id: uuid.UUID) -> GrantSource:
    with resources.engine.begin() as db:
        other = connections.connection(db, connection_id)
        tokens.forget_revocation(db, connection_id)  # A person has asked for another try.
    shared = resources.tokens(other)
    shared.current()
    urls = unsealed(resources.vault, other.servers, connection_id)
    return GrantSource(
        other.data_center,
        other.client,
        urls,
        resources.hosts(other.data_center, urls),
        shared,
        shared.refresh_token(),
        access_token=None,
    )
