"""The resources of a process: its basics, the queue's broker, the HTTP client and the vault."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
from dramatiq import Broker

from db.connections import Connection
from db.engine import POOL_SIZE
from domain.call_kinds import CallKind
from workers.boot.basics import Basics, open_basics
from workers.boot.calls import CallNotes, CountedBudget
from workers.boot.page_cache import PageCache
from workers.boot.settings import Settings
from workers.boot.slices import SliceLimits
from workers.boot.turns import Turns
from workers.budget import CALL_SECONDS, Lane
from workers.observability.histograms import CALLS
from workers.queue import new_broker
from workers.secrets.servers import unsealed
from workers.secrets.tokens import SharedTokens
from workers.secrets.vault import Vault
from workers.zoho import OAuthClient, ZohoHosts, ZohoTransport, ZohoUrls, new_http_client, zoho_hosts
from workers.zoho.data_centers import OF_DATA_CENTER

#: The share of a step's lease that one HTTP call may take, because the lease must outlast each call.
_CALL_SHARE_OF_CLAIM = 0.8


@dataclass(frozen=True, slots=True)
class Resources(Basics):
    """What one process shares between its parts: the basics, the broker, the HTTP client and the vault."""

    broker: Broker
    http: httpx.Client
    vault: Vault
    call_notes: CallNotes
    slices: SliceLimits = field(default_factory=SliceLimits)
    pages: PageCache = field(default_factory=PageCache)
    turns: Turns = field(default_factory=Turns)

    def hosts(self, data_center: str, urls: ZohoUrls = OF_DATA_CENTER) -> ZohoHosts:
        """Return the hosts of a Zoho data centre; `urls`, else ZOHO_API_URL and ZOHO_ACCOUNTS_URL override them."""
        api, accounts = self.settings.zoho_api_url, self.settings.zoho_accounts_url
        return zoho_hosts(
            data_center,
            api_url=str(api) if api else None,
            accounts_url=str(accounts) if accounts else None,
            urls=urls,
        )

    def oauth_client(self, hosts: ZohoHosts) -> OAuthClient:
        """Return the OAuth client of the settings at Zoho's accounts server.

        In a web process without Zoho's client it can only revoke (`OAuthClient.is_set`).
        """
        return OAuthClient(
            accounts_origin=hosts.accounts_origin,
            client_id=self.settings.zoho_client_id,
            client_secret=self.settings.zoho_client_secret.get_secret_value(),
        )

    def tokens(self, connection: Connection) -> SharedTokens:
        """Return the access token of the connection's grant."""
        client = self.oauth_client(self._hosts_of(connection))
        return SharedTokens(
            self.engine, self.vault, self.http, client, connection.connection_id, on_call=self._count_duration
        )

    def transport(
        self,
        connection: Connection,
        *,
        lane: Lane,
        holder: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> ZohoTransport:
        """Return the transport for calls of one connection; `holder` identifies the caller in the budget's slots.

        `now` returns the time with which Zoho's clock is compared. The default is the time of this host's clock. A
        caller that has read Postgres's clock passes that clock's time.
        """
        return ZohoTransport(
            self.http,
            organization_id=connection.organization_id,
            hosts=self._hosts_of(connection),
            tokens=self.tokens(connection),
            budget=CountedBudget(self.budget, self.call_notes, self.counters),
            lane=lane,
            holder=holder,
            now=now,
            call_seconds=min(CALL_SECONDS, self.settings.claim_seconds * _CALL_SHARE_OF_CLAIM),
            on_call=self._count_duration,
        )

    def _count_duration(self, kind: CallKind, seconds: float) -> None:
        self.counters.duration(CALLS, kind, seconds)

    def _hosts_of(self, connection: Connection) -> ZohoHosts:
        urls = unsealed(self.vault, connection.servers, connection.connection_id)
        return self.hosts(connection.data_center, urls)


@contextmanager
def open_resources(
    application_name: str,
    broker: Broker | None = None,
    own_settings: Settings | None = None,
    *,
    postgres_seconds: float | None = None,
    pool_size: int = POOL_SIZE,
) -> Iterator[Resources]:
    """Open the resources of a process and close them at the end of the block. Connections are made on first use.

    A worker passes its own `broker`. Without it, the process gets a broker that only sends messages and fails quickly.
    `own_settings` replace those of `settings()`. `postgres_seconds` limits the duration of each statement. `pool_size`
    is that of `new_engine`.

    Raises:
        SettingsError: a setting is missing or malformed.
    """
    with (
        open_basics(application_name, own_settings, postgres_seconds=postgres_seconds, pool_size=pool_size) as basics,
        new_http_client(proxy_url=basics.settings.zoho_proxy_url, ca_bundle=basics.settings.zoho_ca_bundle) as http,
    ):
        yield Resources(
            settings=basics.settings,
            engine=basics.engine,
            redis=basics.redis,
            budget=basics.budget,
            counters=basics.counters,
            broker=broker or new_broker(basics.redis),
            http=http,
            vault=Vault(basics.settings.encryption_keys),
            call_notes=CallNotes(basics.engine, basics.settings.zoho_window_seconds),
        )
