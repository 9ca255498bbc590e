"""A walk detects that the list does not honour a request, and reads it in a way that still works."""

from dataclasses import replace
from datetime import timedelta
from math import ceil
from random import Random

import pytest

from domain.lists import PER_PAGE, ListRequest, Page, Rejected, Sort
from domain.walk import MAX_PAGE_STALLS, MAX_STALLS, Walk, WalkMode, WalkStuck
from tests.tables import table
from tests.unit.domain.upstream import LONG_AGO, NOW, SECOND, Row, a_list, everything, id_set, ids, walked


def test_an_ignored_filter_is_noticed_and_the_newest_rows_are_read_instead() -> None:
    upstream = a_list(*range(2000), ignores_filter=True)
    walk, told = walked(upstream, since=LONG_AGO + 1500 * SECOND)
    assert walk.mode is WalkMode.NEWEST_FIRST
    assert "filter" in walk.note
    assert ids(told) == [str(number) for number in range(1500, 2000)]
    assert len(upstream.asked) == 4


def test_an_ignored_filter_costs_a_full_walk_two_calls_more() -> None:
    upstream = a_list(*range(2000), ignores_filter=True)
    walk, told = walked(upstream)
    assert id_set(told) == set(everything(upstream))
    assert walk.mode is WalkMode.NEWEST_FIRST
    assert len(upstream.asked) == 2 + 11


@pytest.mark.parametrize(
    ("filter_is_off_by", "mode"),
    [
        (timedelta(seconds=1), WalkMode.BY_KEY),  # "after" instead of "at or after": the overlap makes up for it
        (timedelta(hours=1), WalkMode.NEWEST_FIRST),  # a misread offset
    ],
)
def test_a_filter_that_omits_rows_loses_none(filter_is_off_by: timedelta, mode: WalkMode) -> None:
    upstream = a_list(*range(0, 20_000, 10), filter_is_off_by=filter_is_off_by)
    walk, told = walked(upstream)
    assert id_set(told) == set(everything(upstream))
    assert walk.mode is mode


def test_one_misplaced_row_does_not_make_the_walk_skip_others() -> None:
    page = a_list(*range(1000)).answer(ListRequest(None, Sort.OLDEST_CHANGE_FIRST))
    rows = [*page.rows[:-1], Row("999", LONG_AGO + 999 * SECOND)]
    walk, _ = Walk.begin(None).take(Page(rows, (), page.has_more, page.server_time))
    request = walk.next_request()
    assert request is not None
    assert request.modified_since == LONG_AGO + 197 * SECOND


def test_an_ignored_order_is_noticed_and_the_whole_list_is_read_filtered() -> None:
    upstream = a_list(*range(2000), ignores_order=True)
    walk, told = walked(upstream, since=LONG_AGO + 1500 * SECOND)
    assert walk.mode is WalkMode.WHOLE
    assert "order" in walk.note
    assert id_set(told) == {str(number) for number in range(1500, 2000)}
    assert len(upstream.asked) == 1 + 3


def test_a_late_violation_of_the_order_restarts_the_walk() -> None:
    upstream = a_list(*range(1000))
    walk, _ = Walk.begin(LONG_AGO).take(upstream.answer(ListRequest(LONG_AGO, Sort.OLDEST_CHANGE_FIRST)))
    page = upstream.answer(ListRequest(LONG_AGO + 197 * SECOND, Sort.OLDEST_CHANGE_FIRST))
    walk, _ = walk.take(Page(page.rows[::-1], (), page.has_more, page.server_time))
    assert walk.next_request() == ListRequest(LONG_AGO, Sort.OLDEST_CHANGE_FIRST)


def test_only_requested_rows_are_returned_if_filter_and_order_are_ignored() -> None:
    upstream = a_list(*range(2000), ignores_filter=True, ignores_order=True)
    walk, told = walked(upstream, since=LONG_AGO + 1500 * SECOND)
    assert walk.mode is WalkMode.WHOLE
    assert id_set(told) == {str(number) for number in range(1500, 2000)}


@pytest.mark.parametrize("changed", [["2", "300"], ["150", "550"], ["0"], ["599"], []], ids=str)
def test_an_apparent_newest_first_order_is_not_trusted_if_filter_and_order_are_ignored(changed: list[str]) -> None:
    upstream = a_list(*range(600), ignores_filter=True, newest_name_first=True)
    for record_id in changed:
        upstream.edit(record_id)
    walk, told = walked(upstream, since=NOW - 300 * SECOND)
    assert walk.mode is WalkMode.WHOLE
    assert id_set(told) == set(changed)


def test_rows_stamped_ahead_of_the_servers_clock_are_read_to_the_end() -> None:
    two_hours = timedelta(hours=2)
    upstream = a_list(*range(1000))
    upstream.rows = {
        record_id: replace(row, modified_at=NOW + two_hours + int(record_id) * SECOND)
        for record_id, row in upstream.rows.items()
    }
    _, told = walked(upstream, since=NOW - 300 * SECOND)
    assert id_set(told) == set(everything(upstream))


def test_a_crowd_is_read_there_and_back_if_other_page_lengths_are_refused() -> None:
    upstream = a_list(*[100] * 450, *range(101, 300))
    walk, told = Walk.begin(None), set[str]()
    while (request := walk.next_request()) is not None:
        if request.per_page != PER_PAGE:
            refused = walk.with_whole_pages()
            assert refused is not None
            walk = refused
            continue
        walk, rows = walk.take(upstream.answer(request))
        told |= id_set(rows)
    assert told == set(everything(upstream))
    assert "another length" in walk.note


def test_a_walk_that_requests_usual_pages_has_no_fallback() -> None:
    assert Walk.begin(None).with_whole_pages() is None


def test_a_list_of_one_page_is_read_whatever_its_order() -> None:
    upstream = a_list(*range(100), ignores_filter=True, ignores_order=True)
    _, told = walked(upstream, since=LONG_AGO + 50 * SECOND)
    assert ids(told) == [str(number) for number in range(50, 100)]
    assert len(upstream.asked) == 1


def test_a_row_that_changes_during_the_request_does_not_violate_the_order() -> None:
    upstream = a_list(*range(1000))
    walk = Walk.begin(None)
    page = upstream.answer(ListRequest(None, Sort.OLDEST_CHANGE_FIRST))
    changing = Row("70", NOW + SECOND, version=2)
    rows = [changing if row.record_id == "70" else row for row in page.rows]
    walk, told = walk.take(Page(rows, (), page.has_more, page.server_time))
    assert changing in told
    assert walk.mode is WalkMode.BY_KEY


@table(
    "habits",
    [
        {"longest_page": 50},
        {"longest_page": 7},
        {"ignores_per_page": True},
        {"hides_one_in": 10},
        {"ignores_per_page": True, "longest_page": 50, "hides_one_in": 7},
    ],
)
@table("ignored", [{}, {"ignores_filter": True}, {"ignores_order": True}])
def test_pages_of_any_length_are_read_to_the_end(habits: dict[str, int], ignored: dict[str, bool]) -> None:
    upstream = a_list(*range(100), *[100] * 230, *[101] * 210, *range(102, 150), **habits, **ignored)
    _, told = walked(upstream, most_calls=3000)
    assert id_set(told) == set(everything(upstream)) - upstream.hidden
    assert len(upstream.asked) <= 4 * ceil(588 / upstream.longest_page) + 20


def test_a_crowd_at_the_end_of_the_list_is_read_if_page_lengths_are_not_honoured() -> None:
    upstream = a_list(*[0] * 300, ignores_per_page=True)
    _, told = walked(upstream)
    assert id_set(told) == set(everything(upstream))


@pytest.mark.parametrize("longest_page", [1, 2, 3])
def test_pages_too_short_to_overlap_are_read_to_the_end(longest_page: int) -> None:
    upstream = a_list(0, 1, 2, 2, 2, 2, 3, 3, 4, longest_page=longest_page)
    walk, told = walked(upstream)
    assert id_set(told) == set(everything(upstream))
    assert "too short" in walk.note


def test_rows_that_move_up_a_page_are_found_on_the_way_back() -> None:
    upstream = a_list(*[0] * 900, *range(1, 100), ignores_per_page=True)

    def ten_of_the_first_go() -> None:
        upstream.now += SECOND
        for record_id in list(upstream.rows)[: 10 if upstream.now < NOW + 4 * SECOND else 0]:
            upstream.delete(record_id)

    walk, told = walked(upstream, meanwhile=ten_of_the_first_go)
    assert set(everything(upstream)) <= id_set(told)
    assert len(told) == len(id_set(told))
    assert "there and back" in walk.note


@pytest.mark.parametrize("crowd", [700, 1300])
def test_a_second_without_order_is_read_until_nothing_new_comes(crowd: int) -> None:
    upstream = a_list(*[0] * crowd, *range(1, 100), shuffles_seconds=True)
    walk, told = walked(upstream)
    assert ids(told) == everything(upstream)
    assert "there and back" in walk.note


@pytest.mark.parametrize("crowd", [250, 300, 420])
def test_a_crowded_second_in_any_order_loses_no_row(crowd: int) -> None:
    for seed in range(40):
        upstream = a_list(*[0] * crowd, *range(1, 100), shuffles_seconds=True, chance=Random(seed))
        _, told = walked(upstream)
        assert ids(told) == everything(upstream)


def test_rows_that_a_crowded_second_lists_twice_end_the_walk_after_some_vain_passes() -> None:
    upstream = a_list(*[0] * 450, shuffles_seconds=True, repeats=5)
    walk, told = walked(upstream)
    assert id_set(told) == set(everything(upstream))
    assert walk.is_finished
    assert len(upstream.asked) <= 60


@pytest.mark.parametrize("habits", [{}, {"ignores_filter": True}, {"ignores_order": True}, {"ignores_per_page": True}])
def test_a_list_that_always_returns_its_first_page_is_an_error(habits: dict[str, bool]) -> None:
    upstream = a_list(*[0] * 500, *range(1, 500), ignores_page=True, **habits)
    with pytest.raises(WalkStuck):
        walked(upstream, since=LONG_AGO)
    assert len(upstream.asked) <= MAX_STALLS + 10


def test_an_empty_page_before_the_end_is_an_error_if_it_comes_again() -> None:
    walk = Walk.begin(None)
    page: Page[Row] = Page((), (), has_more=True, server_time=NOW)
    for _ in range(MAX_PAGE_STALLS):
        walk, _ = walk.take(page)
    assert walk.next_request() == Walk.begin(None).next_request()
    with pytest.raises(WalkStuck, match="returns nothing new"):
        walk.take(page)


def test_rows_without_a_time_are_returned_and_do_not_control_the_walk() -> None:
    upstream = a_list(*range(500))
    for number in range(500, 950):
        upstream.rows[str(number)] = Row(str(number), None)
    walk, told = walked(upstream)
    assert ids(told) == everything(upstream)
    assert walk.mode is WalkMode.BY_KEY


def test_a_list_without_any_times_is_read_page_by_page() -> None:
    upstream = a_list()
    upstream.rows = {str(number): Row(str(number), None) for number in range(900)}
    _, told = walked(upstream)
    assert ids(told) == everything(upstream)


def test_a_page_of_rejected_rows_does_not_stop_the_walk() -> None:
    upstream = a_list(*range(900))
    upstream.not_understood = set(map(str, range(150, 450)))
    _, told = walked(upstream)
    assert id_set(told) == set(everything(upstream)) - upstream.not_understood


def test_rejected_rows_without_an_id_count_for_the_pages_length() -> None:
    upstream = a_list(*[0] * 500)
    page = upstream.answer(ListRequest(None, Sort.OLDEST_CHANGE_FIRST))
    walk, _ = Walk.begin(None).take(Page(page.rows[1:], [Rejected(None, "no id")], True, NOW))
    request = walk.next_request()
    assert request is not None
    walk, _ = walk.take(upstream.answer(request))
    assert not walk.note


def test_rows_that_change_at_their_old_place_make_the_walk_skip_no_row() -> None:
    unchanged = [Row(str(number), LONG_AGO) for number in range(197)]
    changed = [Row(str(number), NOW + SECOND) for number in range(197, 200)]
    page = Page((*unchanged, *changed), (), has_more=True, server_time=NOW)
    walk, _ = Walk.begin(None).take(page)
    following = walk.next_request()
    assert following is not None
    assert (following.modified_since, following.page) == (None, 2)
