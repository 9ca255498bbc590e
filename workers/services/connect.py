"""Linking a user to a Zoho organisation, after Zoho itself has confirmed both."""

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from db import clock, connections, openings
from db import secrets as stored_secrets
from db.connections import NewLink
from db.openings import HandoverState
from db.secrets import Place, SecretName
from domain.nights import seconds_to_full_sync
from domain.time_zones import known_zone, zone_named
from workers.boot.calls import CountedBudget
from workers.boot.resources import Resources
from workers.boot.servers import require_servers
from workers.budget import BudgetWait, Lane
from workers.secrets.keys import prove_keys
from workers.services.webhook_rules import new_secret, read_secret, require_readable, webhook_url
from workers.zoho import (
    AccessToken,
    Grant,
    OrganizationFacts,
    Token,
    ZohoHosts,
    ZohoTransport,
    data_center_named,
    exchange_grant_code,
    get_organizations,
    refresh_access_token,
)

#: A person waits that long for the API budget; the window that follows an emptied Redis is shorter.
LONGEST_WAIT_SECONDS = 120.0


class NotAMemberError(Exception):
    """The Zoho user does not belong to the organisation."""


class UnknownTimeZoneError(Exception):
    """Zoho names no IANA time zone for the organisation, so nobody knows when its day begins."""


@dataclass(frozen=True, slots=True)
class Linked:
    """A connection, and what Zoho's webhook rules need to reach it."""

    connection_id: uuid.UUID
    webhook_url: str  #: whole with PUBLIC_URL, else a path
    webhook_secret: str = field(repr=False)
    handover: HandoverState  #: a new connection is closed
    country_unknown: str | None  #: Zoho's text for the organisation's country, where booksync does not understand it


def link_organization(
    resources: Resources,
    *,
    user_id: uuid.UUID,
    organization_id: str,
    data_center: str,
    grant_code: str | None = None,
    refresh_token: str | None = None,
    on_wait: Callable[[float], None] = lambda _: None,
) -> Linked:
    """Exchanges the grant code (or takes the refresh token), checks the organisation, and saves the connection.

    The same user and organisation again is the same connection, active once more. Where the one call that this costs
    has to wait for the API budget, `on_wait` is told the seconds: the grant code is spent by then, and works only once.

    Raises:
        ZohoError: Zoho does not accept the client, the code, the token or the data centre, or cannot be reached.
        NotAMemberError: the user does not belong to this organisation.
        UnknownTimeZoneError: its time zone is no IANA zone.
        BudgetWait: the call could be made only after more than `LONGEST_WAIT_SECONDS`.
        ServerNotReadyError: Postgres is read-only or too old; nothing was asked of Zoho.
        RedisRefusesError: Redis does not accept writes; nothing was asked of Zoho.
        BudgetUnavailable: Redis has refused since.
        WrongKeysError: ENCRYPTION_KEYS are not those of the stored secrets; nothing was asked of Zoho.
        UnreadableSecretError: the connection exists and its webhook secret cannot be read; nothing was written.
    """
    data_center = data_center_named(data_center)
    hosts = resources.hosts(data_center)
    # A grant code works only once: neither a server that cannot be used nor secrets that cannot be read may cost it.
    require_servers(resources.engine, resources.redis)
    with resources.engine.begin() as connection:
        prove_keys(connection, resources.vault)
        require_readable(connection, resources.vault, connections.id_for(connection, user_id, organization_id))
    grant = _grant(resources, hosts, grant_code, refresh_token)
    facts = _organization(resources, hosts, organization_id, grant.access_token, on_wait)
    return _save(resources, user_id, data_center, facts, grant)


def _grant(resources: Resources, hosts: ZohoHosts, grant_code: str | None, refresh_token: str | None) -> Grant:
    client = resources.oauth_client(hosts)
    if grant_code is not None:
        return exchange_grant_code(resources.http, client, grant_code)
    assert refresh_token is not None
    return Grant(refresh_token, refresh_access_token(resources.http, client, refresh_token))


def _organization(
    resources: Resources,
    hosts: ZohoHosts,
    organization_id: str,
    access: AccessToken,
    on_wait: Callable[[float], None],
) -> OrganizationFacts:
    transport = ZohoTransport(
        resources.http,
        organization_id=organization_id,
        hosts=hosts,
        tokens=_JustGranted(access),
        budget=CountedBudget(resources.budget, resources.engine, resources.counters),
        lane=Lane.INTERACTIVE,
        holder=f"connect-{uuid.uuid4()}",
    )
    found = {facts.organization_id: facts for facts in _patiently(lambda: get_organizations(transport), on_wait)}
    if organization_id not in found:
        known = ", ".join(sorted(found)) or "none"
        raise NotAMemberError(
            f"This Zoho user does not belong to organisation {organization_id} (they belong to: {known}): "
            "check the organisation's id and the data centre."
        )
    facts = found[organization_id]
    if known_zone(facts.time_zone) is None:
        raise UnknownTimeZoneError(
            f"Zoho names {facts.time_zone or 'no time zone'} as the time zone of organisation {organization_id}, which"
            " is no IANA zone. Choose one in Zoho Books under Settings, Organization Profile, then connect again."
        )
    return facts


def _patiently(
    ask: Callable[[], Sequence[OrganizationFacts]], on_wait: Callable[[float], None]
) -> Sequence[OrganizationFacts]:
    patience = LONGEST_WAIT_SECONDS
    while True:
        try:
            return ask()
        except BudgetWait as wait:
            patience -= wait.seconds
            if patience < 0:
                raise
            on_wait(wait.seconds)
            time.sleep(wait.seconds)


class _JustGranted:
    """The token that came with the grant (implements `workers.zoho.Tokens`), tried twice: there is no other."""

    def __init__(self, access: AccessToken) -> None:
        self._access = access

    def current(self) -> Token:
        return Token(self._access.value, self._access.api_domain)

    def renewed(self, stale: Token, *, tried_again: bool, is_one_record: bool = False) -> Token | None:  # noqa: ARG002
        return None if tried_again else stale


def _save(resources: Resources, user_id: uuid.UUID, data_center: str, facts: OrganizationFacts, grant: Grant) -> Linked:
    settings = resources.settings
    with resources.engine.begin() as connection:
        connection_id = connections.id_for(connection, user_id, facts.organization_id)
        form = stored_secrets.example(connection)

        def encrypt(secret: str, name: SecretName) -> str:
            return resources.vault.encrypt(secret, Place(name, connection_id), like=form)

        new = NewLink(
            connection_id=connection_id,
            user_id=user_id,
            organization_id=facts.organization_id,
            data_center=data_center,
            refresh_token=encrypt(grant.refresh_token, SecretName.REFRESH_TOKEN),
            webhook_secret=encrypt(new_secret(), SecretName.WEBHOOK_SECRET),
            access_token=encrypt(grant.access_token.value, SecretName.ACCESS_TOKEN),
            access_token_seconds=grant.access_token.expires_in,
            api_domain=grant.access_token.api_domain,
            organization_name=facts.name,
            time_zone=facts.time_zone,
            country_code=facts.country_code,
            currency_code=facts.currency_code,
        )
        _, encrypted = connections.save(
            connection,
            new,
            sync_interval_seconds=settings.sync_interval_seconds,
            full_sync_interval_seconds=settings.full_sync_interval_seconds,
        )
        webhook_secret = read_secret(resources.vault, connection_id, encrypted)
        nightly = seconds_to_full_sync(
            clock.present(connection), settings.full_sync_interval_seconds, zone_named(facts.time_zone), connection_id
        )
        connections.set_next_full_sync(connection, connection_id, seconds=nightly)
        handover = openings.state_of(connection, connection_id)
        prove_keys(connection, resources.vault)  # The first connection saves the canary.
    return Linked(
        connection_id,
        webhook_url(settings, connection_id),
        webhook_secret,
        handover,
        country_unknown=facts.country_unknown,
    )
