"""An installation with connections that the former release has made, and its accounts server."""

import uuid
from dataclasses import dataclass, field

import httpx
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import Engine

from db.secrets import Place, SecretName
from sandbox.zoho.in_process import REFRESH_TOKEN, InProcessZoho, in_process_zoho
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change, row
from workers.secrets.grants import adopt
from workers.secrets.tokens import SharedTokens
from workers.secrets.vault import Vault
from workers.zoho import OAuthClient


@dataclass
class Installation:
    """A booksync whose accounts server is a simulator on a clock of its own; time passes in both at once."""

    engine: Engine
    key: SecretStr = field(default_factory=lambda: SecretStr(Fernet.generate_key().decode()))
    vault: Vault = field(init=False)
    zoho: InProcessZoho = field(default_factory=in_process_zoho)
    statuses: list[int] = field(default_factory=list)  #: those of the accounts server's responses

    def __post_init__(self) -> None:
        self.vault = Vault([self.key])

    def connection(
        self, refresh_token: str = REFRESH_TOKEN, *, access_token: str = "access", hours: int = 0
    ) -> uuid.UUID:
        """A connection as the former release saved it. Its access token expires after that many hours."""
        connection_id = a_connection(self.engine, organization_id=str(uuid.uuid4().int)[:10]).connection_id
        self.former_process_writes(connection_id, refresh_token=refresh_token, access_token=access_token, hours=hours)
        return connection_id

    def former_process_writes(
        self, connection_id: uuid.UUID, *, access_token: str, hours: int, refresh_token: str | None = None
    ) -> None:
        """A refresh by a process of the former release; with `refresh_token` a connect."""
        encrypted = refresh_token and self.vault.encrypt(refresh_token, Place(SecretName.REFRESH_TOKEN, connection_id))
        change(
            self.engine,
            """
            UPDATE booksync.zoho_connections
               SET refresh_token_encrypted = coalesce(:refresh_token, refresh_token_encrypted),
                   webhook_secret_encrypted = :webhook_secret,
                   access_token_encrypted = :access_token,
                   access_token_expires_at = now() + make_interval(hours => :hours),
                   refreshed_at = array_append(refreshed_at, now())
             WHERE id = :id
            """,
            id=connection_id,
            refresh_token=encrypted,
            webhook_secret=self.vault.encrypt("webhook", Place(SecretName.WEBHOOK_SECRET, connection_id)),
            access_token=self.vault.encrypt(access_token, Place(SecretName.ACCESS_TOKEN, connection_id)),
            hours=hours,
        )

    def former_process_reads(self, connection_id: uuid.UUID) -> str:
        """The access token as a process of the former release reads it."""
        stored = row(
            self.engine,
            "SELECT access_token_encrypted AS token FROM booksync.zoho_connections "
            "WHERE id = :id AND access_token_expires_at > now()",
            id=connection_id,
        )
        return self.vault.decrypt(stored["token"], Place(SecretName.ACCESS_TOKEN, connection_id))

    def tokens(self, connection_id: uuid.UUID, engine: Engine | None = None) -> SharedTokens:
        http = httpx.Client(transport=httpx.MockTransport(self._respond))
        client = OAuthClient("https://accounts.zoho.com", "sandbox-client", "sandbox-secret")
        return SharedTokens(engine or self.engine, self.vault, http, client, connection_id)

    def adopt(self, connection_id: uuid.UUID) -> uuid.UUID:
        with self.engine.begin() as db:
            return adopt(db, self.vault, connection_id)

    def pass_time(self, minutes: int) -> None:
        self.zoho.clock.advance(minutes * 60)
        for table in ("grants", "zoho_connections"):
            change(
                self.engine,
                f"""
                UPDATE booksync.{table}
                   SET access_token_expires_at = access_token_expires_at - make_interval(mins => :minutes),
                       no_refresh_before = no_refresh_before - make_interval(mins => :minutes),
                       refreshed_at = ARRAY(SELECT at - make_interval(mins => :minutes) FROM unnest(refreshed_at) at)
                """,
                minutes=minutes,
            )

    def _respond(self, request: httpx.Request) -> httpx.Response:
        form = dict(httpx.QueryParams(request.content.decode()))
        response = self.zoho.token(**form)
        self.statuses.append(response.status)
        return httpx.Response(response.status, content=response.body)
