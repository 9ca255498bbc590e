"""Fetches pages of a later list while the step fetches its own, because one call at a time leaves the budget unused."""

from typing import Self

import structlog

from domain.entities import Entity
from domain.runs import Mode
from workers.observability.logs import describe
from workers.sync.list_pages import CALL_ERRORS, PageCall, checkpoint_with
from workers.sync.work import Work

log = structlog.get_logger(__name__)


class ListAhead:
    """Makes a second call at a time, for a list that the run reads later.

    Only full runs read ahead, and only while Zoho responds more slowly than the budget grants calls. An error ends the
    reading ahead. If the error lasts, the step that reads this list raises it.
    """

    def __init__(self, work: Work, entity: Entity) -> None:
        self._work = work
        self._entity = entity
        self._call = PageCall(work, entity)
        self._is_ended = work.run.mode is not Mode.FULL

    def __enter__(self) -> Self:
        self._call.__enter__()
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        # An error of the step's own call does not waste the other call.
        if isinstance(error, CALL_ERRORS):
            self.finish()
        self._call.__exit__(kind, error, traceback)

    def go_on(self) -> None:
        """Stage the page that has arrived, if any, and start the call for the next one, without waiting."""
        if self._call.is_done:
            self.finish()
        if self._is_ended or self._call.is_under_way:
            return
        work, read = self._work, self._work.run.position.list_of(self._entity)
        # A step that has made no call yet goes on with what an earlier step began.
        is_slow = work.is_slower_than_budget or (work.calls == 0 and read.has_staged_pages)
        if is_slow and work.slice.has_room and not read.is_fetched:
            self._call.start(work.lists_ahead)

    def finish(self) -> None:
        """Wait for the call, and stage its page."""
        if not self._call.is_under_way:
            return
        try:
            fetched = self._call.wait()
        except CALL_ERRORS as error:
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
