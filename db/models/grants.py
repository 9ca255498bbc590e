"""OAuth clients, and the grants that connections share."""

import datetime as dt

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, DateTime, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, Id, Moment


class ZohoClient(Base):
    """An OAuth client with a name, and its secret in one data centre or in all. The settings' client has no row."""

    __tablename__ = "zoho_clients"
    __table_args__ = (UniqueConstraint("name", "data_center"),)

    id: Mapped[Id]
    name: Mapped[str]
    data_center: Mapped[str]  #: the data centre of this secret, or `db.clients.ALL`
    client_id: Mapped[str]
    client_secret_encrypted: Mapped[str]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


class Grant(Base):
    """One refresh token with its access token. All connections with that refresh token refer to this row."""

    __tablename__ = "grants"
    __table_args__ = (UniqueConstraint("client", "data_center", "token_hash"),)

    id: Mapped[Id]
    client: Mapped[str]  #: the name of the OAuth client, or `db.clients.DEFAULT`
    data_center: Mapped[str]
    token_hash: Mapped[str]  #: the keyed hash of the refresh token
    refresh_token_encrypted: Mapped[str]
    access_token_encrypted: Mapped[str | None]
    access_token_expires_at: Mapped[Moment | None]
    api_domain: Mapped[str | None]
    #: The times of the last refreshes of the access token, oldest first: Zoho grants ten tokens in ten minutes.
    refreshed_at: Mapped[list[dt.datetime]] = mapped_column(
        ARRAY(DateTime(timezone=True)), server_default=text("'{}'::timestamptz[]")
    )
    #: The first refusal of a token with an OAuth error that booksync does not know; NULL after Zoho has issued a token.
    oauth_failing_since: Mapped[Moment | None]
    #: The time since which Zoho's token endpoint is throttled; NULL while it is not.
    oauth_throttled_since: Mapped[Moment | None]
    no_refresh_before: Mapped[Moment | None]  #: Zoho's token endpoint refuses requests until then
    #: When Zoho reported that the refresh token is revoked. No connection tries it again until a person acts.
    revoked_at: Mapped[Moment | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


class GrantHashKey(Base):
    """The key of the refresh tokens' hashes, made once at random. A rotation of ENCRYPTION_KEYS keeps the key."""

    __tablename__ = "grant_hash_key"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, server_default=text("1"))
    ciphertext: Mapped[str]
    created_at: Mapped[CreatedAt]
