"""Fetches pages of a later list while the step fetches its own."""

from collections.abc import Callable

from domain.entities import Entity
from domain.runs import Mode
from workers.sync.calls_ahead import CallsAhead
from workers.sync.list_pages import ListPage, call_for_page, checkpoint_with
from workers.sync.work import Work


class ListAhead(CallsAhead[ListPage]):
    """Reads a list ahead that the run reads later. Only full runs do this."""

    def __init__(self, work: Work, entity: Entity) -> None:
        super().__init__(work, entity.kind, is_wanted=work.run.mode is Mode.FULL)
        self._entity = entity

    def _has_begun(self) -> bool:
        return self._work.run.position.list_of(self._entity).has_staged_pages

    def _next_call(self) -> Callable[[], ListPage] | None:
        if self._work.run.position.list_of(self._entity).is_fetched:
            return None
        return call_for_page(self._work, self._entity, self._work.lists_ahead)

    def _keep(self, page: ListPage) -> None:
        with self._work.transaction() as db:
            checkpoint_with(db, self._work, self._work.run, self._entity, page)
