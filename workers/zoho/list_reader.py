"""Reads Zoho's lists page by page along walks, for runs and `booksync verify`, even lists that Zoho sorts oddly."""

from collections.abc import Callable
from datetime import tzinfo
from typing import Any, TypeVar

import structlog

from domain.entities import Entity
from domain.lists import ListedT, ListRequest, Page, RawPage
from domain.walk import Walk, WalkById
from workers.zoho.contacts import ZohoContactsClient
from workers.zoho.entities import records_of
from workers.zoho.errors import BadRequest
from workers.zoho.records import PersonOfContact
from workers.zoho.transport import ZohoTransport

WalkT = TypeVar("WalkT", Walk, WalkById)

log = structlog.get_logger(__name__)


class ListReader:
    """Reads the lists of one organisation.

    `page` and `persons` make one call. They return the walk after the next page, that page, and its new rows. If Zoho
    refuses a page of an unusual length, they return None as the page, and a walk that goes on with pages of the usual
    length.

    Raises:
        ValueError: the walk is finished.
        BudgetWait, ZohoError: see `ZohoTransport.get`.
        UnusableResponse: see `workers.zoho.entities.read_page`.
        BadRequest: a page of the usual length is refused.
        WalkStuck: the list reports further pages, but returns nothing new.
    """

    def __init__(self, transport: ZohoTransport, *, zone: tzinfo) -> None:
        self._transport = transport
        self._zone = zone

    def page(self, entity: Entity, walk: Walk) -> tuple[Walk, Page[Any] | None, tuple[Any, ...]]:
        records = records_of(entity)
        return walk_on(walk, lambda request: records.page(self._transport, request, self._zone))

    def staged_page(self, entity: Entity, raw: RawPage) -> Page[Any]:
        """Parse the staged page `raw`, without a call."""
        return records_of(entity).staged_page(raw, self._zone)

    def persons(self, walk: WalkById) -> tuple[WalkById, Page[PersonOfContact] | None, tuple[PersonOfContact, ...]]:
        """Read the next page of the bulk list of persons.

        The method also raises BulkPersonsRefused if the organisation has no such list.
        """
        return walk_on(walk, ZohoContactsClient(self._transport, zone=self._zone).get_contact_persons)


def walk_on(
    walk: WalkT, get: Callable[[ListRequest], Page[ListedT]]
) -> tuple[WalkT, Page[ListedT] | None, tuple[ListedT, ...]]:
    """Read the next page of a walk, see `ListReader`. A list that cannot be read in the usual way is logged once."""
    request = walk.next_request()
    if request is None:
        raise ValueError("A finished walk has no next page.")
    try:
        page = get(request)
    except BadRequest:
        other = walk.with_whole_pages()
        if other is None:
            raise
        _log_fallback(walk, other)
        return other, None, ()
    walked, rows = walk.take(page)
    _log_fallback(walk, walked)
    return walked, page, rows


def _log_fallback(before: WalkT, after: WalkT) -> None:
    if after.note != before.note:
        log.warning(
            "Zoho does not sort, filter or page a list as booksync requests, so reading this list takes more calls",
            action="walk.fallback",
            reason=after.note,
        )
