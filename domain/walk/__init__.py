"""The walk over a Zoho list: which page to request next, and which rows of a page are new. The walk makes no request.

A list is read by key: each request starts at the time of the last rows, so that a change during the walk cannot hide a
row. If a start by key would repeat many rows (an import leaves hundreds in one second), the walk continues by page
number, in pages that overlap: a page that shares a row with the one before has skipped none, whatever was inserted or
deleted in between.

A list without filter and times, but with ascending ids, is read in leaps over many pages: `WalkById`.
"""

from domain.walk._by_id import LEAP, WalkById
from domain.walk._walk import MAX_STALLS, Paging, Walk, WalkMode, WalkStuck

__all__ = ["LEAP", "MAX_STALLS", "Paging", "Walk", "WalkById", "WalkMode", "WalkStuck"]
