"""Connects a user in a browser: from a link to Zoho's consent page, back with a code, to the chosen organisations."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from db import sync_schedule, users
from domain.errors import BooksyncError
from domain.time_zones import known_zone
from domain.users import UserId, user_id_from
from workers.boot.resources import Resources
from workers.secrets.clients import client_in, named
from workers.secrets.missing_grants import adopt_all
from workers.services.browser_logins import Login, Logins
from workers.services.connect import Connected, require_ready, save_connection
from workers.services.connect_links import ConnectLink, link_from, public_url, require_client
from workers.services.grant_sources import just_granted
from workers.services.zoho_login import organizations_of
from workers.zoho import Grant, OrganizationFacts, data_center_named, exchange_grant_code
from workers.zoho.errors import ClientRejected, GrantCodeInvalid
from workers.zoho.oauth import consent_address

#: In the API budget, the organisation of calls that name none.
_NO_ORGANIZATION = "-"

#: A browser waits this long at most for the API budget.
_PATIENCE_SECONDS = 20.0

#: The data centre at which Zoho signs a user in who does not know their own. Zoho then names the right one.
ANY_DATA_CENTER = "com"

CALLBACK_PATH = "/oauth/callback"


class LinkExpiredError(BooksyncError):
    """This link has expired. Ask for a new one."""


class LoginLostError(BooksyncError):
    """This page was open for too long, was used before, or was opened in another browser. Open the link again."""


class ConsentRefusedError(BooksyncError):
    """Zoho was not allowed to share the data, so nothing is connected. You can try again."""


class ConsentExpiredError(BooksyncError):
    """Zoho's consent is valid for a minute, and only once, so nothing is connected. You can try again."""


class NothingChosenError(BooksyncError):
    """No organisation was chosen, so nothing is connected. Choose one or several."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An organisation that the login may read."""

    facts: OrganizationFacts
    has_known_zone: bool  #: without it, the organisation cannot be connected


@dataclass(frozen=True, slots=True)
class Finished:
    """The connections that a browser has made, and where it goes next."""

    connected: Sequence[Connected]
    return_url: str | None


def link_of(resources: Resources, sealed: str) -> ConnectLink:
    """The link that the browser has opened.

    Raises:
        LinkExpiredError: see the class.
        NoClientError: this web process lacks Zoho's client.
    """
    require_client(resources.settings)
    link = link_from(resources.vault, sealed)
    if link is None:
        raise LinkExpiredError
    return link


def begin(resources: Resources, sealed_link: str, data_center: str) -> tuple[str, str]:
    """Begin the way to Zoho; return the address of the consent page, and the login's name for the browser's cookie.

    Raises:
        LinkExpiredError, NoClientError: see `link_of`.
        UnknownDataCenter: Zoho has no such data centre.
        NoPublicUrlError: PUBLIC_URL is not set.
        ServerNotReadyError, WrongKeysError, UnknownUserError and others: see `require_ready`.
    """
    user_id = _user_of(resources, link_of(resources, sealed_link))
    hosts = resources.hosts(data_center_named(data_center))
    require_ready(resources, user_id, [])
    login = Login.begun(sealed_link, data_center_named(data_center))
    client = resources.oauth_client(hosts)
    address = consent_address(
        hosts.accounts_origin, client.client_id, redirect_uri=_redirect_uri(resources), state=login.state
    )
    return address, _logins(resources).keep(login)


def come_back(resources: Resources, name: str, *, state: str) -> Login:
    """The login that Zoho has sent back to its browser. It ends.

    Raises:
        LoginLostError: see the class.
    """
    logins = _logins(resources)
    login = logins.look(name)
    # Another state ends nothing: it comes from an older page, or from another site.
    if login is None or not secrets.compare_digest(login.state.encode(), state.encode()):
        raise LoginLostError
    if logins.take(name) is None:
        raise LoginLostError
    return login


def consent(resources: Resources, login: Login, *, code: str | None, location: str | None) -> str:
    """Exchange the code with which Zoho has sent the browser back; return the name of the login that has consented.

    The code is exchanged at the data centre that Zoho names in `location`; only Zoho's own data centres count.

    Raises:
        ConsentRefusedError, ConsentExpiredError, NoClientError: see the classes.
        UnknownDataCenter: Zoho names a data centre that booksync does not know.
        ZohoError, BudgetWait: see `zoho_login.organizations_of` and `exchange_grant_code`.
    """
    if code is None:
        raise ConsentRefusedError
    require_client(resources.settings)
    data_center = data_center_named(location) if location else login.data_center
    name, grant = _exchanged(resources, code, data_center)
    source = just_granted(resources, grant, data_center, client=name)
    found = organizations_of(resources, source, organization_id=_NO_ORGANIZATION, patience_seconds=_PATIENCE_SECONDS)
    fresh = Login.begun(login.link, data_center)
    return _logins(resources).keep(replace(fresh, client=name, grant=grant, organizations=tuple(found)))


def _exchanged(resources: Resources, code: str, data_center: str) -> tuple[str, Grant]:
    """The grant for the code, with the name of the client that has made it."""
    default = resources.oauth_client(resources.hosts(data_center))
    with resources.engine.connect() as db:
        name, client = client_in(db, resources.vault, default, data_center=data_center)
    try:
        return name, exchange_grant_code(resources.http, client, code, redirect_uri=_redirect_uri(resources))
    except GrantCodeInvalid:
        raise ConsentExpiredError from None
    except ClientRejected as error:
        raise named(error, name) from None


def choices(resources: Resources, name: str) -> tuple[Login, Sequence[Choice]]:
    """The organisations from which the browser's user chooses, by name.

    Raises:
        LoginLostError: see the class.
    """
    login = _logins(resources).look(name)
    if login is None or login.grant is None:
        raise LoginLostError
    found = sorted(login.organizations, key=lambda facts: (facts.name.casefold(), facts.organization_id))
    return login, [Choice(facts, known_zone(facts.time_zone) is not None) for facts in found]


def connect_chosen(resources: Resources, name: str, *, state: str, organization_ids: Sequence[str]) -> Finished:
    """Connect the chosen organisations of the login, all with its one grant; their next syncs are due. The login ends.

    Raises:
        LoginLostError, NothingChosenError: see the classes.
        LinkExpiredError: the link has expired in the meantime.
        BeingErasedError, UnreadableSecretError and others: see `require_ready`; nothing was connected.
    """
    login, offered = choices(resources, name)
    if not secrets.compare_digest(login.state.encode(), state.encode()):
        raise LoginLostError
    chosen = [each.facts for each in offered if each.facts.organization_id in organization_ids and each.has_known_zone]
    if not chosen:
        raise NothingChosenError
    link = link_of(resources, login.link)
    user_id = _user_of(resources, link)
    require_ready(resources, user_id, [facts.organization_id for facts in chosen])
    if _logins(resources).take(name) is None or login.grant is None:
        raise LoginLostError
    adopt_all(resources.engine, resources.vault)
    source = just_granted(resources, login.grant, login.data_center, client=login.client)
    connected = [save_connection(resources, user_id, source, facts, login.organizations) for facts in chosen]
    with resources.engine.begin() as db:
        for each in connected:
            sync_schedule.set_next_sync(db, each.connection_id, seconds=0)
    return Finished(connected, link.return_url)


def _user_of(resources: Resources, link: ConnectLink) -> UserId:
    with resources.engine.connect() as db:
        return user_id_from(link.user_id, users.id_type(db))


def _redirect_uri(resources: Resources) -> str:
    return f"{public_url(resources.settings)}{CALLBACK_PATH}"


def _logins(resources: Resources) -> Logins:
    return Logins(resources.redis, resources.vault)
