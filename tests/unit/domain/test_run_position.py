"""Promises of domain/run_position.py: how far a list is fetched and written, and how that is stored."""

import datetime as dt
from dataclasses import replace

from domain.entities import CUSTOMER
from domain.run_position import ListRead, Position
from domain.walk import Walk

SOME_TIME = dt.datetime(2026, 3, 2, 11, 0, tzinfo=dt.UTC)
BEGUN = Walk.begin(None)
FIRST = replace(BEGUN, started_at=SOME_TIME, page=2)
LAST = replace(FIRST, is_finished=True)


def test_the_next_call_follows_the_fetched_pages_and_the_walk_the_written_ones() -> None:
    read = ListRead(BEGUN).having_fetched(FIRST)
    assert (read.frontier, read.walk) == (FIRST, BEGUN)
    assert read.has_staged_pages


def test_a_list_is_walked_when_its_last_page_is_written() -> None:
    fetched = ListRead(BEGUN).having_fetched(FIRST).having_fetched(LAST)
    assert fetched.is_fetched
    assert not fetched.is_walked
    half = fetched.having_written(FIRST)
    assert half.has_staged_pages
    assert not half.is_walked
    whole = half.having_written(LAST)
    assert whole.is_walked
    assert not whole.has_staged_pages


def test_a_position_is_stored_exactly() -> None:
    read = ListRead(BEGUN, asked_at=SOME_TIME, is_unread=True).having_fetched(FIRST).having_fetched(LAST)
    position = Position().with_list(CUSTOMER, read.having_written(FIRST))
    assert Position.from_json(position.to_json()) == position


def test_a_position_of_a_release_without_staged_pages_continues_after_the_written_ones() -> None:
    stored = Position().with_list(CUSTOMER, ListRead(BEGUN).having_fetched(FIRST)).to_json()
    former = {key: value for key, value in stored.items() if not key.endswith(("_ahead", "_fetched", "_written"))}
    read = Position.from_json(former).list_of(CUSTOMER)
    assert read == ListRead(BEGUN)
    assert not read.has_staged_pages
