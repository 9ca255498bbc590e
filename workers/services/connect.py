"""Connects a user to a Zoho organisation, after Zoho has confirmed that the user belongs to the organisation."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from db import clock, connections, disconnections, grants, openings, shared_organizations, sync_schedule, users
from db import secrets as stored_secrets
from db.clients import DEFAULT
from db.connections import NewConnection
from db.openings import HandoverState
from db.secrets import Place, SecretName
from db.session import Session
from db.shared_organizations import OtherConnection
from domain.connection_states import ConnectionStatus
from domain.errors import BooksyncError
from domain.nights import seconds_to_full_sync
from domain.time_zones import zone_named
from domain.users import UserId
from workers.boot.resources import Resources
from workers.boot.servers import require_servers
from workers.secrets.keys import prove_keys
from workers.secrets.missing_grants import adopt_all
from workers.secrets.servers import sealed
from workers.services.grant_sources import GrantSource, Wanted, check, obtain
from workers.services.share_grants import Sharing, share_grant
from workers.services.webhook_rules import new_secret, read_secret, require_readable, webhook_url
from workers.services.zoho_login import organizations_of, require_known_zone
from workers.zoho import OrganizationFacts, ZohoUrls
from workers.zoho.data_centers import OF_DATA_CENTER


class NotAMemberError(BooksyncError):
    """The Zoho user does not belong to the organisation."""


@dataclass(frozen=True, slots=True)
class Connected:
    """A connection, and the URL and secret that Zoho's webhook rules need."""

    connection_id: uuid.UUID
    webhook_url: str  #: the full webhook URL if PUBLIC_URL is set, else only the path
    webhook_secret: str = field(repr=False)
    name: str | None = field(repr=False)
    status: ConnectionStatus  #: active, or paused: a pause outlasts the second connect of a connection
    handover: HandoverState  #: whether the connection hands reminders over; a new one does not
    also_connected: Sequence[OtherConnection]  #: the other users' connections to the organisation
    sharing: Sharing  #: what the connect means for other connections, and for Zoho's limit of grants
    country_unknown: str | None  #: Zoho's text for the organisation's country, if booksync does not understand it


def connect_organization(
    resources: Resources,
    *,
    user_id: UserId,
    organization_id: str,
    data_center: str = "com",
    grant_code: str | None = None,
    refresh_token: str | None = None,
    same_grant_as: uuid.UUID | None = None,
    client: str = DEFAULT,
    urls: ZohoUrls = OF_DATA_CENTER,
    on_wait: Callable[[float], None] = lambda _: None,
) -> Connected:
    """Exchange the grant code (or use another grant), check the organisation, and save the connection.

    The grant is one of three: a code, a refresh token, or that of the connection `same_grant_as`, whose client and data
    centre are used too. A second connect of the same user and organisation reactivates the existing connection.
    Connections that shared its former grant get the new one, and work again if they were parked.

    A connect costs one API call. If that call has to wait for the API budget, `on_wait` is called with the seconds. The
    person should keep waiting, because the grant code is spent by then and cannot be used again.

    Raises:
        ZohoError: Zoho does not accept the client, the code, the token or the data centre, or cannot be reached.
        UnknownConnectionError, WrongStateError: the connection `same_grant_as` does not exist, or is disconnected.
        NotAMemberError: the user does not belong to this organisation.
        UnknownTimeZoneError: the organisation's time zone is not an IANA zone.
        BudgetWait: the call would have to wait longer than `LONGEST_WAIT_SECONDS`.
        ServerNotReadyError: Postgres is read-only or too old; Zoho was not called.
        RedisRefusesError: Redis does not accept writes; Zoho was not called.
        BudgetUnavailable: Redis began to refuse commands after the check.
        WrongKeysError: ENCRYPTION_KEYS cannot read the stored secrets; Zoho was not called.
        UnknownUserError: the host application has no such user, and booksync cannot add it; Zoho was not called.
        BeingErasedError: the rows of the existing connection are being erased; Zoho was not called.
        UnreadableSecretError: the webhook secret of an existing connection cannot be read; nothing was written.
    """
    wanted = Wanted(data_center, client, urls, grant_code, refresh_token, same_grant_as)
    # A grant code works only once, so the servers and the stored secrets are checked before it is spent.
    require_ready(resources, user_id, [organization_id])
    check(resources, wanted)
    source = obtain(resources, wanted)
    adopt_all(resources.engine, resources.vault)  # Siblings that no worker reads are found by their grant.
    seen = organizations_of(resources, source, organization_id=organization_id, on_wait=on_wait)
    return save_connection(resources, user_id, source, _member_of(seen, organization_id), seen)


def require_ready(resources: Resources, user_id: UserId, organization_ids: Sequence[str]) -> None:
    """Check the servers, the keys, the user, and the stored secrets of existing connections to these organisations.

    Raises:
        ServerNotReadyError, RedisRefusesError, WrongKeysError, UnknownUserError, BeingErasedError,
        UnreadableSecretError: see `connect_organization`.
    """
    require_servers(resources.engine, resources.redis)
    with resources.engine.begin() as db:
        prove_keys(db, resources.vault)
        for organization_id in organization_ids:
            connection_id = connections.id_for(db, user_id, organization_id)
            connections.refuse_erasing(db, connection_id)
            require_readable(db, resources.vault, connection_id)
        _try_to_make(db, user_id)


def _try_to_make(db: Session, user_id: UserId) -> None:
    """Find out whether the user's row can be added, without adding it."""
    trial = db.begin_nested()
    try:
        users.make_if_missing(db, user_id)
    finally:
        trial.rollback()


def _member_of(found: Sequence[OrganizationFacts], organization_id: str) -> OrganizationFacts:
    by_id = {facts.organization_id: facts for facts in found}
    if organization_id not in by_id:
        known = ", ".join(sorted(by_id)) or "none"
        raise NotAMemberError(
            f"This Zoho user does not belong to organisation {organization_id} (they belong to: {known}): "
            "check the organisation's id and the data centre. A grant code works once: make a new one."
        )
    return by_id[organization_id]


def save_connection(
    resources: Resources,
    user_id: UserId,
    source: GrantSource,
    facts: OrganizationFacts,
    seen: Sequence[OrganizationFacts],
) -> Connected:
    """Save the connection to an organisation that the grant's login belongs to.

    Connections that shared its former grant, and whose organisation is in `seen`, get the new grant too. `seen` are
    all organisations that the login belongs to.

    Raises:
        UnknownTimeZoneError: the organisation's time zone is not an IANA zone.
        UnreadableSecretError: the webhook secret of an existing connection cannot be read; nothing was written.
    """
    require_known_zone(facts)
    settings, access = resources.settings, source.access_token
    with resources.engine.begin() as db:
        connection_id = connections.id_for(db, user_id, facts.organization_id)
        grants.one_change_at_a_time(db)
        former_grant_id = grants.grant_of(db, connection_id)
        form = stored_secrets.example(db)

        def encrypt(secret: str, name: SecretName) -> str:
            return resources.vault.encrypt(secret, Place(name, connection_id), like=form)

        new = NewConnection(
            connection_id=connection_id,
            user_id=user_id,
            organization_id=facts.organization_id,
            data_center=source.data_center,
            client=source.client,
            servers=sealed(resources.vault, source.urls, connection_id),
            refresh_token=encrypt(source.refresh_token, SecretName.REFRESH_TOKEN),
            webhook_secret=encrypt(new_secret(), SecretName.WEBHOOK_SECRET),
            access_token=encrypt(access.value, SecretName.ACCESS_TOKEN) if access else None,
            access_token_seconds=access.expires_in if access else 0.0,
            api_domain=access.api_domain if access else None,
            organization_name=facts.name,
            time_zone=facts.time_zone,
            country_code=facts.country_code,
            currency_code=facts.currency_code,
        )
        _, encrypted = connections.save(
            db,
            new,
            sync_interval_seconds=settings.sync_interval_seconds,
            full_sync_interval_seconds=settings.full_sync_interval_seconds,
        )
        disconnections.revive_plans(db, connection_id)
        sharing = share_grant(
            db,
            resources.vault,
            connection_id,
            source,
            former_grant_id=former_grant_id,
            organization_ids=[each.organization_id for each in seen],
        )
        webhook_secret = read_secret(resources.vault, connection_id, encrypted)
        nightly = seconds_to_full_sync(
            clock.present(db), settings.full_sync_interval_seconds, zone_named(facts.time_zone), connection_id
        )
        sync_schedule.set_next_full_sync(db, connection_id, seconds=nightly)
        handover = openings.state_of(db, connection_id)
        connection = connections.connection(db, connection_id)
        also_connected = shared_organizations.others(db, connection_id)
        prove_keys(db, resources.vault)  # The first connection saves the key canary.
    return Connected(
        connection_id,
        webhook_url(settings, connection_id),
        webhook_secret,
        connection.name,
        connection.status,
        handover,
        also_connected,
        sharing,
        country_unknown=facts.country_unknown,
    )
