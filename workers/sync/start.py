"""The first step of a run: it determines the run's mode and where its walks begin."""

from dataclasses import replace

import structlog

from db.runs import StepRef
from domain.connection_states import ConnectionStatus
from domain.entities import CUSTOMER
from domain.run_position import ListRead
from domain.runs import Mode, Phase, Run, RunStatus
from domain.walk import Walk
from workers.jobs.outcomes import Outcome, handling_of
from workers.observability.logs import describe
from workers.services.organization_facts import write_facts
from workers.sync.list_pages import start_of_walk
from workers.sync.truth_check import check_truth
from workers.sync.work import Work
from workers.zoho import OrganizationFacts, get_organizations
from workers.zoho.errors import ZohoError

log = structlog.get_logger(__name__)


def start_sync(work: Work) -> StepRef:
    """Begin the customer phase of the run. A connection's first run is always a full run."""
    run, connection = work.run, work.connection
    if connection.status is not ConnectionStatus.ACTIVE:
        with work.transaction() as db:
            parked = replace(run, phase=Phase.DONE, status=RunStatus.PARKED, degraded_reason=connection.stop_reason)
            return work.advance(db, parked)
    if run.is_scheduled and run.mode is Mode.FULL:
        check_truth(work)
    begun = _begun(work)
    facts = _organization(work) if begun.mode is Mode.FULL else None
    with work.transaction() as db:
        if facts is not None:
            write_facts(db, connection.connection_id, facts)
        return work.advance(db, begun)


def _organization(work: Work) -> OrganizationFacts | None:
    """Read the organisation's own facts, by one call in each full run.

    If Zoho does not return the facts, None is returned and the known facts stay.
    """
    try:
        found = get_organizations(work.transport)
    except ZohoError as error:
        if handling_of(error).outcome not in (Outcome.RETRIED, Outcome.GIVEN_UP):
            raise  # The error concerns every call of the run, not only this one.
        log.warning(
            "The organisation's time zone and country could not be read; booksync keeps the known ones",
            action="organization.unread",
            reason=describe(error),
        )
        return None
    facts = next((facts for facts in found if facts.organization_id == work.connection.organization_id), None)
    if facts is not None and facts.country_unknown is not None:
        log.warning(
            "booksync does not understand the organisation's country: choose a country in Zoho Books",
            action="organization.country_unknown",
            country=facts.country_unknown,
        )
    return facts


def _begun(work: Work) -> Run:
    run, since = work.run, start_of_walk(work, CUSTOMER)
    mode = Mode.FULL if since is None else run.mode
    begins_in_bulk = mode is Mode.FULL and not work.connection.bulk_persons_refused
    log.info(
        "The run begins to read the lists of Zoho",
        action="run.begun",
        mode=mode,
        persons="bulk list" if begins_in_bulk else "detail calls",
        since=since.isoformat() if since else None,
    )
    return replace(
        run,
        mode=mode,
        phase=Phase.PERSONS if begins_in_bulk else Phase.CONTACTS,
        # Workers of release 0.2.0, which may take the next step during an upgrade, need this walk.
        position=run.position.with_list(CUSTOMER, ListRead(Walk.begin(since))),
    )
