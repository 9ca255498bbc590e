"""The requests of the control API about the simulator itself: limits, tokens, a restart."""

from pathlib import Path

from pydantic import Field

from sandbox.zoho.commands import Document


class LimitsRequest(Document):
    """New limits of one organisation, or of all. Limits that are left out stay unchanged.

    `unblock` forgets the calls of the last minute and ends the block.
    """

    organization_id: str | None = None
    requests_per_minute: int | None = None
    window_seconds: float | None = None
    block_seconds: float | None = None
    requests_per_day: int | None = None
    day_grace: int | None = None
    concurrency: int | None = None
    unblock: bool = False
    spend_day: int = 0
    """The calls of the day that another integration has used."""


class RestartRequest(Document):
    """A new start of the simulator; options that are left out have the values of the command line."""

    contacts: int | None = Field(None, ge=0)
    invoices: int | None = Field(None, ge=0)
    organizations: int | None = Field(None, gt=0)
    requests_per_minute: int | None = Field(None, gt=0)
    state: Path | None = None
    """A file that the simulator saved: its books and tokens, instead of new ones."""


class SaveRequest(Document):
    """Saves books and tokens to a file. A restart with this file continues with them."""

    state: Path


class TokenSettings(Document):
    """The lifetime of access tokens in seconds, and how many one refresh token yields in ten minutes."""

    expires_in: int | None = Field(None, gt=0)
    max_per_window: int | None = Field(None, gt=0)


class GrantCodeRequest(Document):
    """Requests a grant code for a user of one, several or (none named) all organisations.

    Zoho's code 57 refuses every call for which a scope is missing in `scopes`.
    """

    organization_id: str | None = None
    organization_ids: tuple[str, ...] = ()
    scopes: tuple[str, ...] | None = None
    login: str = ""
    """Codes of one login belong to the same person, whatever organisations they name."""
    data_center: str = "com"


class ClientRequest(Document):
    """Registers an OAuth client, or the secret that it has in one data centre."""

    client_id: str
    client_secret: str
    data_center: str = "all"
