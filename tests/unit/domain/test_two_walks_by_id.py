"""Two walks by ids over one list return every row, in as many calls as one, in whatever order their pages arrive."""

from collections.abc import Callable
from itertools import cycle
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from domain.walk import LEAP, MAX_PAGE_STALLS, TwoWalksById, WalkById
from tests.tables import table
from tests.unit.domain.person_lists import arrivals, departures, keeps_its_promise, persons
from tests.unit.domain.upstream import everything, id_set, walked_by_id, walked_by_two


def in_turn(*ahead: bool) -> Callable[[], bool]:
    """Which walk makes the next call, again and again: the second one for True."""
    return cycle(ahead).__next__


@pytest.mark.parametrize("count", [0, 200, 3_000, 7_000, 10_470, 20_000])
@pytest.mark.parametrize("turns", [(True,), (True, False), (False, False, True), (False,)])
def test_two_walks_make_the_calls_of_one(count: int, turns: tuple[bool, ...]) -> None:
    alone, together = persons(count), persons(count)
    walked_by_id(alone)
    walk, told = walked_by_two(together, in_turn(*turns, False))
    assert id_set(told) == set(everything(together))
    assert sorted((each.page, each.per_page) for each in together.asked) == sorted(
        (each.page, each.per_page) for each in alone.asked
    )
    assert not walk.note


def test_the_second_walk_reads_the_next_leap_while_the_first_one_reads_backwards() -> None:
    upstream = persons(10_000)
    walked_by_two(upstream, in_turn(False, True))
    pages = [asked.page for asked in upstream.asked]
    assert pages[1] == LEAP + 1
    backwards, ahead = pages[2 : 2 * LEAP - 4 : 2], pages[3 : 2 * LEAP - 3 : 2]
    assert backwards == list(range(LEAP, 3, -1))
    assert ahead == list(range(2 * LEAP + 1, LEAP + 4, -1))


def test_there_is_no_second_walk_before_the_first_leap_or_after_the_last_one() -> None:
    upstream = persons(3_000)
    walks = TwoWalksById(WalkById())
    while not walks.walk.is_finished:
        assert walks.next_ahead is None
        request = walks.walk.next_request()
        assert request is not None
        walks = walks.having_walked(walks.walk.take(upstream.answer(request))[0])


@pytest.mark.slow
@table("at_call", [2, 3, 12, 24, 25, 26, 27, 28, 48, 52])
@table("gone", [1, 3, 250])
@table("turns", [(True, False), (True, True, False), (False, False, True)])
def test_deletions_between_two_pages_hide_no_row(at_call: int, gone: int, turns: tuple[bool, ...]) -> None:
    upstream = persons(12_000)

    def the_first_rows_go() -> None:
        if len(upstream.asked) == at_call:
            for record_id in everything(upstream)[:gone]:
                upstream.delete(record_id)

    _, told = walked_by_two(upstream, in_turn(*turns), the_first_rows_go)
    assert set(everything(upstream)) <= id_set(told)


HABITS = st.fixed_dictionaries({"ignores_per_page": st.booleans(), "refuses_per_page": st.booleans()})
CHANGES = st.lists(st.lists(departures | arrivals, max_size=3), max_size=90)
TURNS = st.lists(st.booleans(), max_size=90)


@given(count=st.integers(0, 14_000), meantimes=CHANGES, habits=HABITS, turns=TURNS)
@example(12_000, [[], [("delete", 0, 1)]], {}, [True, False] * 20)
def test_no_row_is_lost_during_deletions_and_additions_at_the_end(
    count: int, meantimes: list[list[tuple[str, int, int]]], habits: dict[str, bool], turns: list[bool]
) -> None:
    walk = keeps_its_promise(persons(count, **habits), meantimes, in_turn(*turns, False))
    assert walk.is_ordered


@given(count=st.integers(0, 700), longest_page=st.integers(7, 30), meantimes=CHANGES, habits=HABITS, turns=TURNS)
def test_no_row_is_lost_if_pages_have_another_length_than_requested(
    count: int,
    longest_page: int,
    meantimes: list[list[tuple[str, int, int]]],
    habits: dict[str, bool],
    turns: list[bool],
) -> None:
    keeps_its_promise(persons(count, longest_page=longest_page, **habits), meantimes, in_turn(*turns, False))


@given(count=st.integers(0, 3_000), meantimes=st.lists(st.lists(departures, max_size=3), max_size=60), turns=TURNS)
def test_no_row_is_lost_if_the_ids_do_not_ascend(
    count: int, meantimes: list[list[tuple[str, int, int]]], turns: list[bool]
) -> None:
    unordered: dict[str, Any] = {"oldest_id_first": False, "ignores_order": True}
    keeps_its_promise(persons(count, **unordered), meantimes, in_turn(*turns, False))


ORDERS = st.sampled_from([{}, {"longest_page": 150}, {"oldest_id_first": False, "ignores_order": True}])
DELETIONS = st.lists(st.lists(departures, max_size=2), max_size=60)


@given(
    count=st.integers(201, 14_000),
    repeated=st.sets(st.integers(2, 120), max_size=4),
    emptied=st.sets(st.integers(1, 120), max_size=4),
    meantimes=DELETIONS,
    habits=HABITS,
    order=ORDERS,
    turns=TURNS,
)
@example(4_892, {3}, set(), [], {}, {}, [])
@example(4_892, {3}, set(), [], {"refuses_per_page": True}, {}, [])
@example(6_000, set(), {27}, [], {}, {}, [])
@example(6_000, set(), {1}, [], {}, {}, [])
@example(633, set(), {2}, [], {}, {"oldest_id_first": False, "ignores_order": True}, [])
@example(9_517, {49}, {48}, [], {}, {}, [True, False] * 30)
def test_no_row_is_lost_if_some_responses_are_wrong(
    count: int,
    repeated: set[int],
    emptied: set[int],
    meantimes: list[list[tuple[str, int, int]]],
    habits: dict[str, bool],
    order: dict[str, Any],
    turns: list[bool],
) -> None:
    # A walk believes the fourth response in a row, and the calls of two walks alternate.
    wrong = sorted(repeated | emptied)
    first_and_fourth = zip(wrong, wrong[MAX_PAGE_STALLS:], strict=False)
    assume(all(fourth - first > 4 * MAX_PAGE_STALLS for first, fourth in first_and_fourth))
    upstream = persons(count, repeated=repeated, emptied=emptied, **habits, **order)
    keeps_its_promise(upstream, meantimes, in_turn(*turns, False))


def test_disorder_in_a_page_of_the_second_walk_makes_the_first_one_begin_again() -> None:
    upstream = persons(11_000)
    rows = list(upstream.rows.items())
    rows[8_000], rows[8_001] = rows[8_001], rows[8_000]  # lies in the second leap
    upstream.rows = dict(rows)
    walk, told = walked_by_two(upstream, in_turn(True, False))
    assert not walk.is_ordered
    assert walk.note.count("ids do not ascend") == 1
    assert id_set(told) == set(everything(upstream))
