"""A walk by ids returns every row of a list without times, in few calls, while the list changes."""

import json
from math import ceil
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.lists import PER_PAGE, Page, Rejected
from domain.walk import LEAP, MAX_PAGE_STALLS, WalkById, WalkStuck
from tests.tables import table
from tests.unit.domain.person_lists import arrivals, departures, keeps_its_promise, persons
from tests.unit.domain.upstream import NOW, SECOND, Row, everything, id_set, ids, walked_by_id

# The cost.


def test_an_empty_list_is_believed_only_if_it_stays_empty() -> None:
    upstream = persons(0)
    walk, told = walked_by_id(upstream)
    assert (walk.is_finished, told, len(upstream.asked)) == (True, [], 1 + MAX_PAGE_STALLS)


@pytest.mark.parametrize("count", [1, 199, 200])
def test_a_single_page_costs_one_call(count: int) -> None:
    upstream = persons(count)
    _, told = walked_by_id(upstream)
    assert (ids(told), len(upstream.asked)) == (everything(upstream), 1)


@pytest.mark.parametrize("count", [20_000, 30_000, 50_000])
def test_a_long_list_costs_little_more_than_its_pages(count: int) -> None:
    upstream = persons(count)
    walk, told = walked_by_id(upstream)
    assert id_set(told) == set(everything(upstream))
    assert len(upstream.asked) <= 1.03 * ceil(count / PER_PAGE)
    assert not walk.note


@pytest.mark.parametrize("count", [201, 600, 1_000, 2_000, 3_000, 5_000, 10_470])
def test_a_short_list_costs_few_calls_more_than_its_pages(count: int) -> None:
    upstream = persons(count)
    _, told = walked_by_id(upstream)
    assert id_set(told) == set(everything(upstream))
    assert len(upstream.asked) <= ceil(count / PER_PAGE) + 3


def test_the_state_of_a_walk_stays_small() -> None:
    upstream = persons(10_000)
    walk = WalkById()
    while (request := walk.next_request()) is not None:
        walk, _ = walk.take(upstream.answer(request))
        assert len(json.dumps(walk.to_json())) < 60 * PER_PAGE


def test_it_leaps_and_reads_back_until_a_page_joins() -> None:
    upstream = persons(10_000)
    walked_by_id(upstream)
    pages = [(asked.page, asked.per_page) for asked in upstream.asked]
    assert pages[: LEAP + 1] == [(1, PER_PAGE), *((page, 197) for page in range(LEAP + 1, 1, -1))]
    far_page, length = pages[LEAP + 1]
    assert (far_page - LEAP) * length < (LEAP + 1) * 197 < (far_page - LEAP + 1) * length, "it begins within the leap"


# Changes between two calls.


@table("at_call", [1, 2, 3, 12, 24, 25, 26, 29])
@table("gone", [1, 3, 250])
def test_deletions_between_two_pages_hide_no_row(at_call: int, gone: int) -> None:
    upstream = persons(6_000)

    def the_first_rows_go() -> None:
        if len(upstream.asked) == at_call:
            for record_id in everything(upstream)[:gone]:
                upstream.delete(record_id)

    _, told = walked_by_id(upstream, the_first_rows_go)
    assert set(everything(upstream)) <= id_set(told)


def test_a_deletion_after_every_call_hides_no_row_and_costs_few_calls() -> None:
    upstream = persons(30_000)

    def one_goes() -> None:
        upstream.delete(everything(upstream)[0])

    _, told = walked_by_id(upstream, one_goes)
    assert set(everything(upstream)) <= id_set(told)
    assert len(upstream.asked) <= 1.06 * 150


def test_the_last_return_of_a_row_has_its_newest_values() -> None:
    upstream = persons(450)

    def all_are_edited() -> None:
        for record_id in everything(upstream):
            upstream.edit(record_id)

    _, told = walked_by_id(upstream, all_are_edited)
    versions: dict[str, int] = {}
    for row in told:
        assert versions.get(row.record_id, 0) < row.version
        versions[row.record_id] = row.version
    assert len(versions) < len(told)


@given(
    count=st.integers(0, 700),
    longest_page=st.integers(7, 30),
    meantimes=st.lists(st.lists(departures | arrivals, max_size=3), max_size=60),
    habits=st.fixed_dictionaries({"ignores_per_page": st.booleans(), "refuses_per_page": st.booleans()}),
)
def test_no_row_is_lost_if_pages_have_another_length_than_requested(
    count: int, longest_page: int, meantimes: list[list[tuple[str, int, int]]], habits: dict[str, bool]
) -> None:
    keeps_its_promise(persons(count, longest_page=longest_page, **habits), meantimes)


@given(
    count=st.integers(0, 7_000),
    meantimes=st.lists(st.lists(departures | arrivals, max_size=3), max_size=60),
    habits=st.fixed_dictionaries({"ignores_per_page": st.booleans(), "refuses_per_page": st.booleans()}),
)
@example(6_000, [[], [("delete", 0, 1)]], {})
def test_no_row_is_lost_during_deletions_and_additions_at_the_end(
    count: int, meantimes: list[list[tuple[str, int, int]]], habits: dict[str, bool]
) -> None:
    walk = keeps_its_promise(persons(count, **habits), meantimes)
    assert walk.is_ordered


@given(
    count=st.integers(0, 3_000),
    meantimes=st.lists(st.lists(departures, max_size=3), max_size=60),
    habits=st.fixed_dictionaries({"ignores_per_page": st.booleans(), "refuses_per_page": st.booleans()}),
)
def test_no_row_is_lost_if_the_ids_do_not_ascend(
    count: int, meantimes: list[list[tuple[str, int, int]]], habits: dict[str, bool]
) -> None:
    keeps_its_promise(persons(count, oldest_id_first=False, ignores_order=True, **habits), meantimes)


# The trust in the list.


def test_without_ascending_ids_each_page_overlaps_the_one_before() -> None:
    upstream = persons(2_000, oldest_id_first=False, newest_name_first=True)
    walk, told = walked_by_id(upstream)
    assert id_set(told) == set(everything(upstream))
    assert "ids do not ascend" in walk.note
    assert len(upstream.asked) == 1 + 11


@pytest.mark.parametrize("habits", [{"ignores_per_page": True}, {"refuses_per_page": True}, {"longest_page": 50}])
def test_one_page_is_read_again_after_each_leap_if_pages_cannot_overlap(habits: dict[str, Any]) -> None:
    upstream = persons(10_000, **habits)
    walk, told = walked_by_id(upstream)
    assert id_set(told) == set(everything(upstream))
    assert "a page is read again" in walk.note
    pages = 10_000 / min(upstream.longest_page, PER_PAGE)
    assert len(upstream.asked) <= pages * (LEAP + 1) / LEAP + LEAP + 3


def test_hidden_rows_that_count_for_the_length_hide_no_other_rows() -> None:
    upstream = persons(1_500, hides_one_in=10)
    _, told = walked_by_id(upstream)
    assert id_set(told) == set(everything(upstream)) - upstream.hidden


def test_a_walk_with_usual_pages_has_no_fallback() -> None:
    assert WalkById().with_whole_pages() is None


def test_a_list_that_always_returns_the_same_page_is_stuck() -> None:
    upstream = persons(2_000, ignores_page=True)
    with pytest.raises(WalkStuck):
        walked_by_id(upstream)
    assert len(upstream.asked) == 2 + MAX_PAGE_STALLS


@table("count", [450, 1_000, 4_900, 6_000])
@table("fault", ["repeated", "emptied"])
def test_a_wrong_response_hides_no_row(count: int, fault: str) -> None:
    for at_call in range(1 if fault == "emptied" else 2, count // PER_PAGE + 4):
        upstream = persons(count, **{fault: {at_call}})
        _, told = walked_by_id(upstream)
        assert id_set(told) == set(everything(upstream)), f"the response of call {at_call} was wrong"
        assert len(upstream.asked) <= 2 * ceil(count / PER_PAGE) + 3


@table("rejected", [(), (Rejected(None, "no id"),)])
def test_a_page_without_ids_that_promises_more_is_stuck_if_it_comes_again(rejected: tuple[Rejected, ...]) -> None:
    walk = WalkById()
    page: Page[Row] = Page((), rejected, has_more=True, server_time=NOW)
    for _ in range(MAX_PAGE_STALLS):
        walk, _ = walk.take(page)
    assert walk.page == 1
    with pytest.raises(WalkStuck):
        walk.take(page)


def test_rows_in_two_ascending_halves_are_noticed_and_read_with_overlaps() -> None:
    upstream = persons(10_000)
    rows = list(upstream.rows.items())
    upstream.rows = dict(rows[5_000:] + rows[:5_000])
    walk, told = walked_by_id(upstream)
    assert id_set(told) == set(everything(upstream))
    assert "ids do not ascend" in walk.note
    assert len(upstream.asked) <= 1.8 * 50


def test_a_rejected_row_with_a_strange_id_costs_no_further_calls() -> None:
    strange = "9" * 18
    upstream = persons(10_000, not_understood={strange})
    upstream.rows = {strange if key == "10060" else key: row for key, row in upstream.rows.items()}
    upstream.rows[strange] = Row(strange, NOW)
    _, told = walked_by_id(upstream)
    assert id_set(told) == set(everything(upstream)) - {strange}
    assert len(upstream.asked) <= 1.1 * 50


def test_a_finished_walk_accepts_no_page() -> None:
    walk, _ = walked_by_id(persons(0))
    assert walk.next_request() is None
    with pytest.raises(ValueError, match="finished"):
        walk.take(Page((), (), has_more=False, server_time=NOW))


def test_a_walk_starts_at_the_servers_time_of_the_first_page() -> None:
    upstream = persons(1_000)

    def time_passes() -> None:
        upstream.now += SECOND

    walk, _ = walked_by_id(upstream, time_passes)
    assert walk.started_at == NOW
