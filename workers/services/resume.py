"""Resumes parked connections: tries the stored token of each one, and activates the connections that Zoho accepts."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from db import connections, grants, parking, pauses, tokens
from db.connections import Connection
from domain.connection_states import Command, require_possible
from workers.boot.resources import Resources
from workers.budget import BudgetUnavailable, BudgetWait, Lane
from workers.observability.logs import describe
from workers.secrets.keys import prove_keys
from workers.secrets.vault import MisplacedSecretError, UnreadableSecretError
from workers.services.organization_facts import write_facts
from workers.zoho import get_organizations
from workers.zoho.errors import CLIENT_ERRORS, PARKING_ERRORS, WrongOrganization, ZohoError


@dataclass(frozen=True, slots=True)
class Resumed:
    """The result of resuming one connection."""

    connection_id: uuid.UUID
    name: str | None = field(repr=False)
    was_parked: bool
    was_paused: bool = False
    refusal: str | None = None  #: why the connection stays parked; None if Zoho accepts it
    needs_grant: bool = False  #: Zoho refuses the stored grant, so a new one is needed

    @property
    def sentence(self) -> str:
        if self.refusal is not None:
            return f"still parked: {self.refusal}"
        if self.was_parked or self.was_paused:
            return "works again: its next sync is due now"
        return "was not parked"


def resume(resources: Resources, connection_ids: Sequence[uuid.UUID]) -> Iterator[Resumed]:
    """Try each parked connection with one call to Zoho, and activate those that Zoho accepts.

    The pause of a paused connection ends, without a call unless the connection was parked before.

    Raises:
        UnknownConnectionError: a connection does not exist.
        WrongStateError: a connection is disconnected.
        WrongKeysError: this process's keys cannot read the stored secrets; no call is made.
    """
    with resources.engine.begin() as db:
        prove_keys(db, resources.vault)
    tried: set[uuid.UUID] = set()  # grants
    for connection_id in connection_ids:
        yield _resume(resources, connection_id, tried)


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


def _resume(resources: Resources, connection_id: uuid.UUID, tried: set[uuid.UUID]) -> Resumed:
    with resources.engine.begin() as db:
        require_possible(Command.RESUME, connections.connection(db, connection_id).status, str(connection_id))
        was_paused = pauses.end_pause(db, connection_id)
        connection = connections.connection(db, connection_id)
    resumed = Resumed(connection_id, connection.name, connection.is_parked, was_paused=was_paused)
    return _try(resources, connection, resumed, tried) if connection.is_parked else resumed


def _try(resources: Resources, connection: Connection, resumed: Resumed, tried: set[uuid.UUID]) -> Resumed:
    """Try a parked connection with one call to Zoho, and activate it if Zoho accepts it."""
    _let_grant_be_tried(resources, connection.connection_id, tried)
    try:
        transport = resources.transport(connection, lane=Lane.INTERACTIVE, holder=f"resume-{uuid.uuid4()}")
        known = {facts.organization_id: facts for facts in get_organizations(transport)}
        if connection.organization_id not in known:
            raise WrongOrganization
    except (ZohoError, UnreadableSecretError, BudgetWait, BudgetUnavailable) as error:
        needs_grant = isinstance(error, (*PARKING_ERRORS, MisplacedSecretError)) and not isinstance(
            error, CLIENT_ERRORS
        )
        return replace(resumed, refusal=describe(error), needs_grant=needs_grant)
    facts = known[connection.organization_id]
    with resources.engine.begin() as db:
        write_facts(db, connection.connection_id, facts)
        parking.resume(db, connection.connection_id)
    return resumed
