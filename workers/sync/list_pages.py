"""The walk over one entity's list, page by page, and the end of the list.

A page is staged before the next one is fetched, so a killed worker repeats at most one call. Of contacts, one actor
stages a slice of pages and another one writes it, because their persons come in between. `read_list` fetches and writes
the other entities' pages at the same time.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from db import deletions, rejected_records, staged_pages, waiting_invoices, watermarks
from db.pipelines import pipelined
from db.runs import StepRef
from db.session import Session, autocommit
from domain.entities import INVOICE, Entity
from domain.lists import Page, record_ids
from domain.observed import Observed
from domain.run_position import ListRead
from domain.runs import Mode, Run
from domain.walk import Walk
from domain.watermarks import overlapping
from workers.sync.calls_ahead import BackgroundTask
from workers.sync.floods import complete_events
from workers.sync.refresh_rejected import request_refreshes
from workers.sync.work import Work
from workers.zoho.list_reader import ListReader


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list."""

    number: int
    walk: Walk  #: the walk after the page
    page: Page[Any] | None  #: None if Zoho refuses a page of an unusual length: the walk continues with whole pages
    rows: tuple[Any, ...]  #: the page's rows that the walk has not returned before
    asked_at: datetime | None  #: Postgres's time before the first call for the list
    #: The result of `ListWriter.compare`, which may still be under way; None if no other page was being written.
    comparison: Future[Any] | None = None

    @property
    def observed(self) -> list[Observed[Any]]:
        """The rows with the time of the response."""
        return [] if self.page is None else [Observed(row, self.page.server_time) for row in self.rows]

    @property
    def compared(self) -> Any:
        """The result of the comparison, which has ended; None if the page was not compared ahead."""
        return None if self.comparison is None else self.comparison.result()


@dataclass(frozen=True, slots=True)
class ListWriter:
    """How the pages of one entity's list are written."""

    entity: Entity
    #: Writes the rows of a page that is not None, and returns the run with its counts.
    rows: Callable[[Session, Run, ListPage], Run]
    #: Compares the rows of a page that is not None with the cache, while the page before is written.
    compare: Callable[[ListPage], Any] = lambda _: None


def fetch_page(work: Work, entity: Entity, read: ListRead, *, lists: ListReader | None = None) -> ListPage:
    """Make one call for the next page of the entity's list, with `lists` or else with the step's own list reader.

    The walk begins before the entity's watermark; in a full run, at the start of the list.

    Raises:
        BudgetWait, ZohoError, WalkStuck: see `workers.zoho.list_reader.ListReader`.
    """
    walk = read.frontier or _new_walk(work, entity)
    asked_at = read.asked_at or work.now_before(walk)
    work.slice.count_page()
    walked, page, rows = (lists or work.lists).page(entity, walk)
    return ListPage(read.fetched + 1, walked, page, rows, asked_at)


def call_for_page(work: Work, entity: Entity, lists: ListReader | None = None) -> Callable[[], ListPage]:
    """The call for the page after the last staged one, to be made in another thread; see `fetch_page`."""
    # The connection is cached before, so that only the step's own thread reads it.
    read, _ = work.run.position.list_of(entity), work.connection
    return partial(fetch_page, work, entity, read, lists=lists)


def having_fetched(run: Run, entity: Entity, fetched: ListPage) -> Run:
    """Return the run with its position after the fetched page."""
    read = replace(run.position.list_of(entity), asked_at=fetched.asked_at)
    return _at(run, entity, read.having_fetched(fetched.walk))


def stage_page(db: Session, work: Work, run: Run, entity: Entity, fetched: ListPage) -> None:
    """Stage a fetched page."""
    staged_pages.stage(db, run.run_id, entity, fetched.number, None if fetched.page is None else fetched.page.raw)
    if fetched.page is not None:
        work.resources.pages.keep(run.run_id, entity, fetched.number, fetched.page)


def checkpoint_with(db: Session, work: Work, run: Run, entity: Entity, fetched: ListPage) -> None:
    """Checkpoint the run with a fetched page, which is staged."""
    stage = partial(stage_page, db, work, run, entity, fetched)
    work.checkpoint(db, having_fetched(run, entity, fetched), together_with=stage)


def staged_page(db: Session, work: Work, run: Run, entity: Entity) -> ListPage:
    """Return the first staged page of the list, parsed again from its bytes unless this process still has the page."""
    read = run.position.list_of(entity)
    number, walk = read.written + 1, read.walk or _new_walk(work, entity)
    raw = staged_pages.staged(db, run.run_id, entity, number)
    if raw is None:
        return ListPage(number, walk.with_whole_pages() or walk, None, (), read.asked_at)
    page = work.resources.pages.take(run.run_id, entity, number, raw) or work.lists.staged_page(entity, raw)
    walked, rows = walk.take(page)
    return ListPage(number, walked, page, rows, read.asked_at)


def write_page(db: Session, run: Run, writer: ListWriter, listed: ListPage) -> Run:
    """Write a staged or just fetched page. Return the run with its counts and its position after the page."""
    run = note_written(db, run, writer.entity, listed)
    return run if listed.page is None else writer.rows(db, run, listed)


def note_written(
    db: Session,
    run: Run,
    entity: Entity,
    listed: ListPage,
    *,
    seen: Callable[[Page[Any]], Sequence[str]] = record_ids,
) -> Run:
    """Record that a staged or just fetched page is written; the caller writes its rows.

    `seen` returns the ids of the page that a full run has seen. The returned run has the number of read rows and the
    position after the page.
    """
    page = listed.page
    is_staged = listed.number <= run.position.list_of(entity).fetched
    if not is_staged:
        run = having_fetched(run, entity, listed)
    run = _at(run, entity, run.position.list_of(entity).having_written(listed.walk))
    with pipelined(db):
        if is_staged:
            staged_pages.remove(db, run.run_id, entity, listed.number)
        if page is not None and run.mode is Mode.FULL:
            deletions.see(db, run.run_id, entity, seen(page))
        if page is not None:
            rejected_records.record(db, run.connection_id, entity.name, page.rejected)
    return run if page is None else run.having_read(page)


def _at(run: Run, entity: Entity, read: ListRead) -> Run:
    return replace(run, position=run.position.with_list(entity, read))


def read_list(work: Work, writer: ListWriter, end: Callable[[Session, Run], Run]) -> StepRef:
    """Read a slice of the entity's list: each page is written while the next one is compared and another is fetched.

    Pages that an earlier step has staged come first. After the last page of the list, `end` returns the run in its next
    phase. A page is staged only if another call follows, because a killed worker repeats the last call in any case.
    """
    entity = writer.entity
    comparisons = ThreadPoolExecutor(max_workers=1, thread_name_prefix="compare")
    with comparisons, BackgroundTask[ListPage]() as call:
        page = _first_page(work, entity)
        while True:
            if not call.is_under_way and _may_fetch_after(work, entity, page):
                _stage(work, entity, page)
                call.start(partial(_page_compared_by, comparisons, writer, call_for_page(work, entity)))
            if page.comparison is not None:
                wait([page.comparison])  # Not in the transaction, whose connection the comparison may be waiting for.
            with work.transaction() as db:
                run = write_page(db, work.run, writer, page)
                request_refreshes(db, work, run, entity, page.page)
                following = call.arrived()
                has_staged = run.position.list_of(entity).has_staged_pages
                is_over = not has_staged or not work.slice.has_room
                if following is None and not call.is_under_way and is_over:
                    return work.advance(db, end(db, run) if page.walk.is_finished else run)
                if following is not None and (has_staged or _may_fetch_after(work, entity, following)):
                    checkpoint_with(db, work, run, entity, following)
                else:
                    work.checkpoint(db, run)
            page = _first_page(work, entity) if has_staged else following or call.wait()


def _first_page(work: Work, entity: Entity) -> ListPage:
    """The first page that an earlier step has staged; else the next page of the list."""
    read = work.run.position.list_of(entity)
    if not read.has_staged_pages:
        return fetch_page(work, entity, read)
    work.slice.count_page()
    with work.transaction() as db:
        return staged_page(db, work, work.run, entity)


def _page_compared_by(comparisons: Executor, writer: ListWriter, call: Callable[[], ListPage]) -> ListPage:
    """Make the call for a page, and let `comparisons` compare its rows with the cache."""
    fetched = call()
    if fetched.page is None:
        return fetched
    return replace(fetched, comparison=comparisons.submit(copy_context().run, writer.compare, fetched))


def _may_fetch_after(work: Work, entity: Entity, page: ListPage) -> bool:
    """Whether a call for a further page may follow: the list has one, and the slice has room."""
    read = work.run.position.list_of(entity)
    last = page.walk if page.number >= read.fetched else read.frontier
    is_at_end = last is not None and last.is_finished
    return not is_at_end and work.slice.has_room


def _stage(work: Work, entity: Entity, page: ListPage) -> None:
    if page.number > work.run.position.list_of(entity).fetched:
        with work.transaction() as db:
            checkpoint_with(db, work, work.run, entity, page)


def _new_walk(work: Work, entity: Entity) -> Walk:
    return Walk.begin(start_of_walk(work, entity))


def start_of_walk(work: Work, entity: Entity) -> datetime | None:
    """The time from which the run reads the entity's list; None in a full run, and before the first sync."""
    if work.run.mode is Mode.FULL:
        return None
    with autocommit(work.resources.engine) as db:
        return overlapping(watermarks.watermark(db, work.run.connection_id, entity))


def end_list(db: Session, work: Work, run: Run, entity: Entity) -> Run:
    """Set the entity's watermark after the last page, and continue with the missing records or the next list.

    If a page of the list was rejected completely, the watermark stays, so that the next run reads the list again.
    A list without any row proves nothing, and the list of a full run is proven by the check of the missing records.
    """
    read = run.position.list_of(entity)
    if read.is_unread:
        return run.go_on_after(entity)
    if run.mode is Mode.FULL:
        _set_watermark(db, run, entity, is_proven=False)
        return run.go_to_checks(entity)
    assert read.walk is not None
    _set_watermark(db, run, entity, is_proven=read.walk.has_rows)
    complete_events(db, work, run, entity)
    return run.go_on_after(entity)


def accept_list(db: Session, work: Work, run: Run, entity: Entity) -> None:
    """Draw the conclusions that only a reliable list of a full run allows.

    The watermark counts, waiting invoices that the list lacks are gone, and the events of a flood are done.
    """
    _set_watermark(db, run, entity, is_proven=True)
    if entity is INVOICE:
        waiting_invoices.drop_unseen(db, run.connection_id, run.run_id, read_since=_began_at(run, entity))
    complete_events(db, work, run, entity)


def _set_watermark(db: Session, run: Run, entity: Entity, *, is_proven: bool) -> None:
    watermarks.set_watermark(db, run.connection_id, entity, _began_at(run, entity), is_proven=is_proven)


def _began_at(run: Run, entity: Entity) -> datetime:
    """The time, by Zoho's clock, at which the walk over the entity's list began."""
    walk = run.position.list_of(entity).walk
    assert walk is not None
    assert walk.started_at is not None
    return walk.started_at
