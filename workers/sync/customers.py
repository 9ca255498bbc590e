"""The upsert of what a contacts page has staged: joined with its persons, a hundred rows a transaction (TR-4)."""

from collections.abc import Sequence
from dataclasses import replace

import structlog
from sqlalchemy import Connection

from db import connections, customers, staging
from db.runs import StepRef
from db.staging import Observed
from domain.runs import Phase, Run
from workers.sync.work import Work

log = structlog.get_logger(__name__)


def upsert_customers(work: Work) -> StepRef:
    """Upserts all staged contacts, then goes back to the walk, or on to the invoices when it has ended."""
    while True:
        with work.transaction() as connection:
            batch = staging.staged_batch(connection, work.run.run_id, customers.BATCH)
            if not batch:
                return work.advance(connection, _after(connection, work.run))
            work.keep(connection, _upsert(connection, work, batch))


def _upsert(connection: Connection, work: Work, batch: Sequence[Observed]) -> Run:
    run = work.run
    written = customers.upsert(
        connection,
        work.link,
        _joined(connection, run, batch),
        fallback=work.resources.settings.phone_fallback,
        now=work.now,
    )
    staging.set_aside(connection, run.connection_id, "contact", written.set_aside)
    staging.unstage(connection, run.run_id, [observed.contact.contact_id for observed in batch])
    counters = run.counters.plus(
        customers_new=written.new,
        customers_updated=written.updated,
        invoices_new=written.taken_up.new,
        invoices_updated=written.taken_up.updated,
    )
    return replace(run, counters=counters)


def _joined(connection: Connection, run: Run, batch: Sequence[Observed]) -> list[Observed]:
    """List rows with their persons from the sweep; what a detail answer told stays as it is."""
    swept_at = run.position.persons_swept_at
    if not run.position.persons_swept or swept_at is None:
        return list(batch)
    without = [observed.contact.contact_id for observed in batch if observed.contact.persons is None]
    persons = staging.staged_persons(connection, run.run_id, without)
    return [
        Observed(
            observed.contact.with_persons(persons[observed.contact.contact_id]),
            # The joined row is as old as the older of its two answers.
            min(observed.observed_at, swept_at),
        )
        if observed.contact.persons is None and observed.contact.contact_id in persons
        else observed
        for observed in batch
    ]


def _after(connection: Connection, run: Run) -> Run:
    walk = run.position.contacts
    assert walk is not None
    if not walk.is_finished:
        return run.go_to(Phase.CONTACTS)
    assert walk.started_at is not None
    connections.set_customer_watermark(connection, run.connection_id, walk.started_at)
    log.info("The customers are complete", action="customers.complete", new=run.counters.customers_new)
    return replace(run, position=replace(run.position, customers_complete=True)).go_to(Phase.INVOICES)
