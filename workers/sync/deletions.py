"""Deletions: a full run reads each cached record that its walk did not return, by its id, and marks the gone records.

If suspiciously many records are gone without proof, they are held back until a person decides.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import structlog

from db import deletions, held_deletions
from db.runs import StepRef
from db.session import Session
from domain.contacts import Contact, ContactKind
from domain.deletions import MOST_ASKED_ABOUT, Evidence, Tally, is_unreliable, needs_permission
from domain.entities import Entity
from domain.lists import Rejected
from domain.observed import Observed
from domain.runs import RecordRef, Run
from workers.services.mark_deleted import mark_deleted
from workers.sync.detail_calls import DetailCalls, ask_each
from workers.sync.gone import note_gone
from workers.sync.list_pages import accept_list
from workers.sync.spare_calls import is_affordable
from workers.sync.work import Work
from workers.sync.writing import write_records

log = structlog.get_logger(__name__)

#: The detail calls of one step. Each response is checkpointed at once, so a repeated step does not repeat its call.
QUESTIONS_PER_STEP = 20


def confirm_deletions(work: Work) -> StepRef:
    """Read the next missing records by id.

    After the last missing record, mark the gone records deleted, or hold them back for a person.
    """
    run, entity = work.run, work.run.entity
    assert entity is not None
    with work.transaction() as db:
        # `adopt` runs in a transaction of its own, because it locks invoices, and marking locks customers, which must
        # be locked first.
        deletions.adopt(db, work.connection, entity)
    with work.transaction() as db:
        # `prune` runs in a transaction of its own, because a webhook and marking lock the cached record before its row
        # in held_deletions.
        held_deletions.prune(db, work.connection)
    with work.transaction() as db:
        missing = deletions.unseen(
            db, work.connection, run.run_id, entity, QUESTIONS_PER_STEP, with_held=run.allow_deletions
        )
        tally = deletions.tally(db, work.connection, run.run_id, entity)
        if not missing:
            return _advance_with_list(db, work, _decided(db, work, entity, tally), entity)
        if is_unreliable(run.position.found_there, tally.cached):
            return work.advance(db, _decided(db, work, entity, tally).degraded(_unreliable(entity)))
        if _asks_no_more(db, work, tally):
            decided = _decided(db, work, entity, tally).degraded(_not_all_asked(entity))
            return _advance_with_list(db, work, decided, entity)
    ask_each(work, missing, _detail_calls(work, entity))
    with work.transaction() as db:
        return work.advance(db, work.run)


def _advance_with_list(db: Session, work: Work, decided: Run, entity: Entity) -> StepRef:
    """Accept the entity's list as reliable, and advance the run."""
    accept_list(db, work, decided, entity)
    return work.advance(db, decided)


def _asks_no_more(db: Session, work: Work, tally: Tally) -> bool:
    """Whether to stop the detail calls: enough records are gone for a person to decide, or few calls are left."""
    if work.run.allow_deletions or not needs_permission(tally):
        return False
    return tally.gone >= MOST_ASKED_ABOUT or not is_affordable(db, work)


def _decided(db: Session, work: Work, entity: Entity, tally: Tally) -> Run:
    """Mark the gone records.

    If suspiciously many records are gone, and the run has no permission to mark them, mark only those with a proof and
    hold the others back.
    """
    gone = deletions.confirmed(db, work.run.run_id, entity)
    if work.run.allow_deletions or not needs_permission(tally):
        _mark(db, work, entity, gone)
        return _on_from(work.run, entity)
    proven = deletions.proven(db, work.connection, entity, gone)
    _mark(db, work, entity, sorted(proven))
    held = held_deletions.hold(db, work.connection, entity, sorted(set(gone) - proven), Evidence.NOT_LISTED)
    run = work.run.degraded(_held_back(work, entity, held, before=tally.held)) if held else work.run
    return _on_from(run, entity)


def _held_back(work: Work, entity: Entity, count: int, *, before: int) -> str:
    log.error(
        "Suspiciously many records are gone from Zoho, so they are held back until a person decides",
        action="deletions.held",
        kind=entity.kind,
        count=count,
    )
    records = f"1 {entity.noun} is" if count == 1 else f"{count:,} {entity.noun}s are"
    others = f", and {before:,} were before" if before else ""
    connection_id = work.run.connection_id
    return (
        f"Suspiciously many {entity.noun}s are gone from Zoho: {records} held back from being marked deleted{others}. "
        f"Next: `booksync deletions list {connection_id}`, then apply or dismiss them. "
        f"`booksync sync {connection_id} --full --allow-deletions` marks all that are gone."
    )


def _unreliable(entity: Entity) -> str:
    log.error(
        "Zoho's list omits many records that Zoho still has, so the run checks no further missing records",
        action="deletions.unreliable_list",
        kind=entity.kind,
    )
    return f"Zoho's list lacked many {entity.noun}s that Zoho still has, so the other missing ones were not checked."


def _not_all_asked(entity: Entity) -> str:
    return f"More {entity.noun}s are missing from the list. The next full run checks them."


def _mark(db: Session, work: Work, entity: Entity, record_ids: list[str]) -> None:
    if not record_ids:
        return
    # The 404 has the server's time and not this host's, because rows that were read by a clock ahead of this one must
    # not seem newer.
    found_at = work.run.position.found_gone_at or work.now
    marked = mark_deleted(db, work.connection, entity, record_ids, observed_at=found_at, now=work.now)
    log.info(
        "Records that are gone from Zoho are marked deleted in the cache",
        action="deletions.marked",
        kind=entity.kind,
        count=marked,
    )


def _on_from(run: Run, entity: Entity) -> Run:
    return replace(run, position=replace(run.position, found_there=0)).go_on_after(entity)


def _detail_calls(work: Work, entity: Entity) -> DetailCalls[str]:
    def reject(db: Session, record_id: str, _reason: str) -> Run:
        # Zoho has not reported the rejected record as gone, so its cached row stays.
        deletions.see(db, work.run.run_id, entity, [record_id])
        return work.run

    return DetailCalls(lambda record_id: RecordRef(entity, record_id), partial(_ask, work, entity), reject)


def _ask(work: Work, entity: Entity, record_id: str) -> None:
    """Make one detail call for a missing record: record it as gone, or write it if Zoho still has it."""
    found = _find(work, entity, record_id)
    with work.transaction() as db:
        if found is None:
            deletions.confirm_gone(db, work.run.run_id, entity, record_id)
            note_gone(db, work, entity, record_id, reads_all_invoices=work.run.reads_all_invoices)
            position = replace(work.run.position, found_gone_at=work.observed_at)
            work.checkpoint(db, replace(work.run, position=position))
        else:
            deletions.see(db, work.run.run_id, entity, [record_id])
            run = found(db)
            work.checkpoint(db, replace(run, position=replace(run.position, found_there=run.position.found_there + 1)))


#: Entity → how to write a record that Zoho still has.
Writer = Callable[[Session], Run]


def _find(work: Work, entity: Entity, record_id: str) -> Writer | None:
    record = work.ask(entity, record_id)
    if isinstance(record, Rejected):
        return lambda _: work.run  # The unreadable record exists, and its cached row stays as it was last understood.
    if record is None or (isinstance(record, Contact) and record.kind is ContactKind.VENDOR):
        return None
    return lambda db: write_records(db, work, work.run, entity, [Observed(record, work.observed_at)])
