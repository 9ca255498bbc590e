"""Fetches pages of a later list while the step fetches its own, because one call at a time leaves the budget unused."""

from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context

import structlog

from domain.entities import Entity
from domain.runs import Mode
from domain.walk import WalkStuck
from workers.budget import BudgetWait
from workers.observability.logs import describe
from workers.sync.list_pages import ListPage, checkpoint_with, fetch_page
from workers.sync.work import Work
from workers.zoho.errors import ZohoError

log = structlog.get_logger(__name__)


_ERRORS_OF_CALLS = (BudgetWait, ZohoError, WalkStuck)


class ListAhead:
    """Makes a second call at a time, for a list that the run reads later.

    Only full runs read ahead, and only while Zoho responds more slowly than the budget grants calls. An error ends the
    reading ahead. If the error lasts, the step that reads this list raises it.
    """

    def __init__(self, work: Work, entity: Entity) -> None:
        self._work = work
        self._entity = entity
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fetch-ahead")
        self._call: Future[ListPage] | None = None
        self._is_ended = work.run.mode is not Mode.FULL

    def __enter__(self) -> "ListAhead":
        return self

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        # An error of the step's own call does not waste the other call.
        if isinstance(error, _ERRORS_OF_CALLS):
            self.finish()
        self._thread.shutdown()

    def go_on(self) -> None:
        """Stage the page that has arrived, if any, and start the call for the next one, without waiting."""
        if self._call is not None and self._call.done():
            self.finish()
        work, read = self._work, self._work.run.position.list_of(self._entity)
        is_worth_it = work.is_slower_than_budget and work.slice.has_room and not read.is_fetched
        if self._call is None and is_worth_it and not self._is_ended:
            self._call = self._thread.submit(
                copy_context().run, fetch_page, work, self._entity, read, lists=work.lists_ahead
            )

    def finish(self) -> None:
        """Wait for the call, and stage its page."""
        call, self._call = self._call, None
        if call is None:
            return
        try:
            fetched = call.result()
        except _ERRORS_OF_CALLS as error:
            self._is_ended = True
            log.info(
                "A page that the run reads later could not be fetched ahead",
                action="list.not_ahead",
                kind=self._entity.kind,
                reason=describe(error),
            )
            return
        with self._work.transaction() as db:
            checkpoint_with(db, self._work, self._work.run, self._entity, fetched)
