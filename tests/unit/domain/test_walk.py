"""A walk returns every row in few calls, whatever changes in the list at the same time."""

import json
from datetime import timedelta
from math import ceil
from random import Random

import pytest

from domain.lists import PER_PAGE, ListRequest, Sort
from domain.walk import MAX_PAGE_STALLS, Walk, WalkMode
from tests.tables import table
from tests.unit.domain.upstream import LONG_AGO, NOW, SECOND, a_list, everything, id_set, ids, walked

# The cost.


def test_an_unchanged_list_costs_one_call() -> None:
    upstream = a_list(*range(1000))
    walk, told = walked(upstream, since=NOW - timedelta(minutes=5))
    assert (walk.is_finished, told, len(upstream.asked)) == (True, [], 1)


def test_an_empty_whole_list_is_believed_only_if_it_stays_empty() -> None:
    upstream = a_list()
    walk, told = walked(upstream)
    assert (walk.is_finished, told, len(upstream.asked)) == (True, [], 1 + MAX_PAGE_STALLS)


@pytest.mark.parametrize("count", [1, 199, 200])
def test_a_single_page_costs_one_call(count: int) -> None:
    upstream = a_list(*range(count))
    _, told = walked(upstream)
    assert (ids(told), len(upstream.asked)) == (everything(upstream), 1)


@pytest.mark.parametrize("count", [201, 1000, 8212])
def test_a_first_walk_costs_few_calls_more_than_the_pages_of_its_rows(count: int) -> None:
    chance = Random(count)
    upstream = a_list(*(chance.randrange(5_000_000) for _ in range(count)))
    walk, told = walked(upstream)
    assert ids(told) == everything(upstream)
    assert len(upstream.asked) <= ceil(1.03 * count / PER_PAGE)
    assert not walk.note


@pytest.mark.slow
@table(
    ("count", "a_second", "pages_worth"),
    [
        (400, 400, 1.5),  # 3 calls: two overlapping pages cannot hold 400 rows
        (700, 700, 1.0),
        (5000, 5000, 1.15),
        (5000, 1667, 1.15),
        (5000, 700, 1.15),
        (5000, 250, 1.15),
        (5000, 101, 1.15),  # by key alone, every page would be read twice
        (5000, 15, 1.15),
    ],
)
def test_an_import_costs_little_more_and_each_row_is_returned_once(
    count: int, a_second: int, pages_worth: float
) -> None:
    upstream = a_list(*(number // a_second for number in range(count)))
    walk, told = walked(upstream)
    assert ids(told) == everything(upstream)
    assert len(upstream.asked) <= pages_worth * ceil(count / PER_PAGE)
    assert not walk.note


def test_the_state_of_a_walk_stays_small() -> None:
    upstream = a_list(*[0] * 3000)
    walk = Walk.begin(None)
    while (request := walk.next_request()) is not None:
        walk, _ = walk.take(upstream.answer(request))
        assert len(json.dumps(walk.to_json())) < 60 * PER_PAGE


def test_rows_that_change_after_the_start_cost_no_extra_call() -> None:
    upstream = a_list(*range(1000))

    def an_import_goes_on() -> None:
        upstream.now += SECOND
        for _ in range(150):
            upstream.create()

    walk, told = walked(upstream, since=NOW - 1_000_000_000 * SECOND, meanwhile=an_import_goes_on)
    assert set(map(str, range(1000))) < id_set(told)
    assert len(upstream.asked) == 6
    assert walk.started_at == NOW


def test_a_walk_over_everything_ends_only_where_the_list_does() -> None:
    upstream = a_list(*range(1000))
    ahead = 3600 * SECOND

    def edited_by_a_faster_clock() -> None:
        upstream.now += SECOND

    upstream.now -= ahead  # the server's Date is behind the timestamps of its rows
    _, told = walked(upstream, meanwhile=edited_by_a_faster_clock)
    assert id_set(told) == set(map(str, range(1000)))


def test_all_rows_of_the_second_in_which_the_walk_begins_are_returned() -> None:
    upstream = a_list(*[0] * 500, now=LONG_AGO)
    _, told = walked(upstream)
    assert ids(told) == everything(upstream)


def test_a_row_that_changes_after_it_was_returned_is_returned_again() -> None:
    upstream = a_list(*range(300))

    def somebody_edits() -> None:
        upstream.now += SECOND
        if upstream.rows["7"].version == 1:
            upstream.edit("7")

    _, told = walked(upstream, meanwhile=somebody_edits)
    assert [row.version for row in told if row.record_id == "7"] == [1, 2]


def test_thousands_of_deletions_in_a_crowded_second_hide_no_row_and_keep_the_mode() -> None:
    upstream = a_list(*[0] * 2000, *range(1, 100))

    def the_first_half_goes() -> None:
        upstream.now += SECOND
        if upstream.now == NOW + 2 * SECOND:
            upstream.rows = {record_id: row for record_id, row in upstream.rows.items() if int(record_id) >= 1000}

    walk, told = walked(upstream, meanwhile=the_first_half_goes)
    assert set(everything(upstream)) < id_set(told)
    assert walk.mode is WalkMode.BY_KEY


# The requests.


def test_each_request_starts_at_the_time_of_the_last_rows() -> None:
    upstream = a_list(*range(300))
    walked(upstream)
    assert upstream.asked == [
        ListRequest(None, Sort.OLDEST_CHANGE_FIRST),
        ListRequest(LONG_AGO + 197 * SECOND, Sort.OLDEST_CHANGE_FIRST),
    ]


def test_a_walk_starts_at_the_whole_second_of_the_watermark() -> None:
    upstream = a_list(0, 1.25, 2)
    _, told = walked(upstream, since=LONG_AGO + 1.75 * SECOND)
    assert upstream.asked[0].modified_since == LONG_AGO + SECOND
    assert ids(told) == ["1", "2"]


def test_a_finished_walk_accepts_no_page() -> None:
    walk, _ = walked(a_list())
    assert walk.next_request() is None
    with pytest.raises(ValueError, match="finished"):
        walk.take(a_list().answer(ListRequest(None, Sort.OLDEST_CHANGE_FIRST)))
