"""The walk over a Zoho list: which page to request next, and which rows of a page are new. The walk makes no request.

A list is read by key: each request starts at the time of the last rows, so that a change during the walk cannot hide a
row. If a start by key would repeat many rows (an import leaves hundreds in one second), the walk continues by page
number, in pages that overlap. If a page shares a row with the page before, no row between the two pages was skipped,
whatever was inserted or deleted between the two requests.

`WalkById` reads a list that has no filter and no times, but ascending ids. It jumps ahead some pages and then reads the
pages in between backwards. `TwoWalksById` reads two leaps at the same time.
"""

from domain.walk._by_id import LEAP, WalkById
from domain.walk._modes import MAX_PAGE_STALLS, MAX_STALLS, Paging, WalkMode, WalkStuck
from domain.walk._two_by_id import TwoWalksById
from domain.walk._walk import Walk

__all__ = [
    "LEAP",
    "MAX_PAGE_STALLS",
    "MAX_STALLS",
    "Paging",
    "TwoWalksById",
    "Walk",
    "WalkById",
    "WalkMode",
    "WalkStuck",
]
