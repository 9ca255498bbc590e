"""Modes and limits of a walk, and the error of a walk that makes no progress."""

from datetime import timedelta
from enum import StrEnum

from domain.errors import BooksyncError

#: A walk continues by key while at most one of this many rows is repeated, else by page number.
REREAD_SHARE = 10

#: A row's time that is later than its page's time by more than this shows that Zoho's clocks disagree. Such a row does
#: not end a walk.
CLOCKS_AGREE_WITHIN = timedelta(minutes=1)

#: The passes through a crowded second that may return nothing new in a row, although the list has more rows there than
#: the walk has seen. A list may also return a row twice, so these rows need not exist.
VAIN_PASSES = 5

#: The maximum of pages without progress (no new row, or no overlap) in one walk.
MAX_STALLS = 20

#: A walk requests a page that seems wrong up to this many times more. Then it believes the response. So a whole list
#: that is empty takes four calls: an organisation without records is rare, and a wrong response must not empty a cache.
MAX_PAGE_STALLS = 3


class WalkStuck(BooksyncError):  # noqa: N818 - describes the state; a new walk may succeed
    """The list says that more follows, and returns nothing new."""


class WalkMode(StrEnum):
    """How far the walk can trust the list."""

    BY_KEY = "by_key"  #: the list honours filter and order
    NEWEST_FIRST = "newest_first"  #: the list ignores the filter: page by page until a row is older than requested
    WHOLE = "whole"  #: the list ignores the order: page by page to the end


class Paging(StrEnum):
    """The paging through a stretch (rows that are read by page number) that is longer than one page."""

    OVERLAPPING = "overlapping"  #: each page begins a few rows before the end of the page before
    THERE = "there"  #: the server returns other page lengths than requested: adjacent pages to the end of the stretch
    BACK = "back"  #: after THERE, back to the start, to find rows that moved up a page because others were deleted
