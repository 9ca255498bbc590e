"""Resumes parked connections: tries the stored token of each one, and activates the connections that Zoho accepts."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from db import connections, grants, parking, tokens
from workers.boot.resources import Resources
from workers.budget import BudgetUnavailable, BudgetWait, Lane
from workers.observability.logs import describe
from workers.secrets.keys import prove_keys
from workers.secrets.vault import MisplacedSecretError, UnreadableSecretError
from workers.zoho import get_organizations
from workers.zoho.errors import CLIENT_ERRORS, PARKING_ERRORS, WrongOrganization, ZohoError


@dataclass(frozen=True, slots=True)
class Resumed:
    """The result of resuming one connection."""

    connection_id: uuid.UUID
    was_parked: bool
    refusal: str | None = None  #: why the connection stays parked; None if Zoho accepts it
    needs_grant: bool = False  #: Zoho refuses the stored grant, so a new one is needed

    @property
    def sentence(self) -> str:
        if self.refusal is not None:
            return f"still parked: {self.refusal}"
        return "works again: its next sync is due now" if self.was_parked else "was not parked"


def resume(resources: Resources, connection_ids: Sequence[uuid.UUID]) -> Iterator[Resumed]:
    """Try each parked connection with one call to Zoho, and activate those that Zoho accepts.

    Raises:
        UnknownConnectionError: a connection does not exist.
        WrongKeysError: this process's keys cannot read the stored secrets; no call is made.
    """
    with resources.engine.begin() as db:
        prove_keys(db, resources.vault)
    tried: set[uuid.UUID] = set()
    for connection_id in connection_ids:
        _let_grant_be_tried(resources, connection_id, tried)
        yield _resume(resources, connection_id)


def parked(resources: Resources) -> Sequence[uuid.UUID]:
    """Return the parked connections, the oldest first."""
    with resources.engine.connect() as db:
        return parking.parked(db)


def _let_grant_be_tried(resources: Resources, connection_id: uuid.UUID, tried: set[uuid.UUID]) -> None:
    """Let Zoho be asked again about a revoked grant, once for all connections that share it."""
    with resources.engine.begin() as db:
        grant_id = grants.grant_of(db, connection_id)
        if grant_id is not None and grant_id not in tried:
            tokens.forget_revocation(db, connection_id)
            tried.add(grant_id)


def _resume(resources: Resources, connection_id: uuid.UUID) -> Resumed:
    with resources.engine.connect() as db:
        connection = connections.connection(db, connection_id)
    if not connection.is_parked:
        return Resumed(connection_id, was_parked=False)
    try:
        transport = resources.transport(connection, lane=Lane.INTERACTIVE, holder=f"resume-{uuid.uuid4()}")
        known = {facts.organization_id for facts in get_organizations(transport)}
        if connection.organization_id not in known:
            raise WrongOrganization
    except (ZohoError, UnreadableSecretError, BudgetWait, BudgetUnavailable) as error:
        needs_grant = isinstance(error, (*PARKING_ERRORS, MisplacedSecretError)) and not isinstance(
            error, CLIENT_ERRORS
        )
        return Resumed(connection_id, was_parked=True, refusal=describe(error), needs_grant=needs_grant)
    with resources.engine.begin() as db:
        parking.resume(db, connection_id)
    return Resumed(connection_id, was_parked=True)
