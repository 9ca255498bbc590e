"""The walk over one entity's list, page by page, and the end of the list; equal for every entity."""

from dataclasses import dataclass, replace
from typing import Any

from db import deletions, staging, watermarks
from db.session import Session, autocommit
from domain.entities import Entity
from domain.lists import Page, record_ids
from domain.runs import Mode, Run
from domain.walk import Walk
from domain.watermarks import overlapping
from workers.sync.floods import complete_events
from workers.sync.work import Work


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list, and the run's state with the walk after that page."""

    run: Run
    page: Page[Any] | None  #: None if Zoho refuses a page of an unusual length: the walk continues with whole pages
    rows: tuple[Any, ...]  #: the page's rows that the walk has not returned before


def fetch_page(work: Work, entity: Entity) -> ListPage:
    """Make one call for the next page of the entity's list.

    The walk begins before the entity's watermark; in a full run, at the start of the list.

    Raises:
        BudgetWait, ZohoError, WalkStuck: see `workers.zoho.list_reader.ListReader`.
    """
    run = work.run
    read = run.position.list_of(entity)
    walk = read.walk or _new_walk(work, entity)
    asked_at = read.asked_at or work.now_before(walk)
    walk, page, rows = work.lists.page(entity, walk)
    position = run.position.with_list(entity, replace(read, walk=walk, asked_at=asked_at))
    return ListPage(replace(run, position=position), page, rows)


def _new_walk(work: Work, entity: Entity) -> Walk:
    if work.run.mode is Mode.FULL:
        return Walk.begin(None)
    with autocommit(work.resources.engine) as db:
        return Walk.begin(overlapping(watermarks.watermark(db, work.run.connection_id, entity)))


def record_page(db: Session, run: Run, entity: Entity, page: Page[Any], seen: list[str] | None = None) -> Run:
    """Record the rejected rows of a page and, in a full run, the ids on the page (or the ids in `seen`)."""
    if run.mode is Mode.FULL:
        deletions.see(db, run.run_id, entity, record_ids(page) if seen is None else seen)
    staging.rejected(db, run.connection_id, entity.name, page.rejected)
    return run.having_read(page)


def end_list(db: Session, work: Work, run: Run, entity: Entity) -> Run:
    """Set the entity's watermark after the last page, and continue with the missing records or the next list.

    If the list was not understood, its watermark stays, so that the next run reads the list again.
    """
    read = run.position.list_of(entity)
    if read.is_unread:
        return run.go_on_after(entity)
    assert read.walk is not None
    assert read.walk.started_at is not None
    watermarks.set_watermark(db, run.connection_id, entity, read.walk.started_at)
    if run.mode is Mode.FULL:
        return run.go_to_checks(entity)
    complete_events(db, work, run, entity)
    return run.go_on_after(entity)
