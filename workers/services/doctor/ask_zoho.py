"""Asks Zoho, by one call for each connection, whether it accepts the connection, and what time it is there."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

from db import connections
from db.connections import Connection
from db.skipped_reminders import connection_ids
from workers.boot.resources import Resources
from workers.budget import BudgetUnavailable, BudgetWait, Lane
from workers.observability.logs import describe
from workers.secrets.vault import UnreadableSecretError
from workers.services.doctor.clocks import ClockFacts, check_clocks
from workers.services.doctor.findings import Finding, Part, error
from workers.zoho import get_organizations
from workers.zoho.errors import PARKING_ERRORS, ClientRejected, WrongOrganization, ZohoError

#: The most connections that are tried; each one costs a call.
MOST_CONNECTIONS = 20


def ask_zoho(resources: Resources) -> Iterator[Finding]:
    """Try the connections that are not parked, the oldest first, and return the troubles.

    Raises:
        DBAPIError: Postgres does not work.
    """
    with resources.engine.connect() as db:
        known = [connections.connection(db, each) for each in connection_ids(db)[:MOST_CONNECTIONS]]
    for connection in known:
        if not connection.is_parked:
            yield from _ask(resources, connection)


def _ask(resources: Resources, connection: Connection) -> Iterator[Finding]:
    transport = resources.transport(connection, lane=Lane.INTERACTIVE, holder=f"doctor-{uuid.uuid4()}")
    try:
        if connection.organization_id not in {each.organization_id for each in get_organizations(transport)}:
            raise WrongOrganization
    except (ZohoError, UnreadableSecretError, BudgetWait, BudgetUnavailable) as refusal:
        yield _refused(connection, refusal)
    if transport.server_time is not None:
        ahead = (transport.server_time - datetime.now(UTC)).total_seconds()
        yield from check_clocks(ClockFacts(zoho=ahead))


def _refused(connection: Connection, refusal: Exception) -> Finding:
    if isinstance(refusal, ClientRejected):
        next_step = "correct ZOHO_CLIENT_ID and ZOHO_CLIENT_SECRET of all processes, and restart them"
    elif isinstance(refusal, PARKING_ERRORS):
        next_step = "booksync connect, with the same user and organisation and a new grant code"
    else:
        next_step = "repeat booksync doctor --ask-zoho in some minutes"
    return error(
        Part.ZOHO,
        "zoho_refuses",
        f"A call for connection {connection.connection_id} has failed",
        cause=describe(refusal).rstrip("."),
        next_step=next_step,
    )
