"""Request the next page of a walk over a Zoho list; runs and `booksync verify` share it."""

from collections.abc import Callable
from typing import TypeVar

from domain.lists import ListedT, ListRequest, Page
from domain.walk import Walk, WalkById
from workers.zoho.errors import BadRequest

WalkT = TypeVar("WalkT", Walk, WalkById)


def walk_on(
    walk: WalkT, get: Callable[[ListRequest], Page[ListedT]]
) -> tuple[WalkT, Page[ListedT] | None, tuple[ListedT, ...]]:
    """The walk after its next page, that page, and its new rows.

    Without a page where Zoho refuses one of an unusual length: the walk goes on with whole ones.

    Raises:
        ValueError: the walk is finished.
        BadRequest: a page of the usual length is refused.
        WalkStuck: the list says that more follows, and tells nothing new.
    """
    request = walk.next_request()
    if request is None:
        raise ValueError("A finished walk asks for no page.")
    try:
        page = get(request)
    except BadRequest:
        other = walk.with_whole_pages()
        if other is None:
            raise
        return other, None, ()
    walked, rows = walk.take(page)
    return walked, page, rows
