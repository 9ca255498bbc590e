"""The walk over a Zoho list: which page to ask for next, and which rows of an answer are new. It asks nothing itself.

By key: each request starts at the time of the last rows, so that no change made meanwhile can hide a row. Where that
would read many rows again (an import leaves hundreds in one second) it goes on by page number, in pages that overlap:
a page that shares a row with the one before has skipped none, whatever was inserted or deleted in between.

A list without filter and times, but with ascending ids, is walked by leaps: `WalkById`.
"""

from domain.walk._by_id import LEAP, WalkById
from domain.walk._walk import MAX_STALLS, Paging, Walk, WalkMode, WalkStuck

__all__ = ["LEAP", "MAX_STALLS", "Paging", "Walk", "WalkById", "WalkMode", "WalkStuck"]
