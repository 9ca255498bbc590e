"""A walk tells every row, in few calls, whatever happens to the list meanwhile."""

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from math import ceil
from random import Random

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from domain.lists import PER_PAGE, ListRequest, Page, SetAside, Sort
from domain.walk import MAX_STALLS, Walk, WalkMode, WalkStuck
from tests.unit.domain.upstream import LONG_AGO, NOW, SECOND, Row, Upstream, a_list

Meanwhile = Callable[[], None]


def nothing() -> None:
    """What usually happens between two answers."""


def walked(
    upstream: Upstream, since: datetime | None = None, meanwhile: Meanwhile = nothing, most_calls: int = 1000
) -> tuple[Walk, list[Row]]:
    """The finished walk and all that it told; `meanwhile` happens after each answer. Each step passes through JSON."""
    walk, told = Walk.begin(since), list[Row]()
    while (request := walk.next_request()) is not None:
        assert len(upstream.asked) < most_calls
        walk, rows = walk.take(upstream.answer(request))
        kept = Walk.from_json(json.loads(json.dumps(walk.to_json())))
        assert kept == walk
        walk = kept
        told += rows
        meanwhile()
    return walk, told


def ids(rows: Iterable[Row]) -> list[str]:
    return sorted((row.record_id for row in rows), key=int)


def everything(upstream: Upstream) -> list[str]:
    return ids(upstream.rows.values())


# What it costs.


def test_an_unchanged_list_costs_one_call() -> None:
    upstream = a_list(*range(1000))
    walk, told = walked(upstream, since=NOW - timedelta(minutes=5))
    assert (walk.is_finished, told, len(upstream.asked)) == (True, [], 1)


@pytest.mark.parametrize("count", [0, 1, 199, 200])
def test_what_one_page_holds_costs_one_call(count: int) -> None:
    upstream = a_list(*range(count))
    _, told = walked(upstream)
    assert (ids(told), len(upstream.asked)) == (everything(upstream), 1)


@pytest.mark.parametrize("count", [201, 1000, 8212])
def test_a_cold_walk_costs_hardly_more_than_the_rows_fill_pages(count: int) -> None:
    chance = Random(count)
    upstream = a_list(*(chance.randrange(5_000_000) for _ in range(count)))
    walk, told = walked(upstream)
    assert ids(told) == everything(upstream)
    assert len(upstream.asked) <= ceil(1.03 * count / PER_PAGE)
    assert not walk.note


@pytest.mark.parametrize(
    ("count", "a_second", "pages_worth"),
    [
        (400, 400, 1.5),  # 3 calls: two pages cannot overlap and hold 400
        (700, 700, 1.0),
        (5000, 5000, 1.15),
        (5000, 1667, 1.15),
        (5000, 700, 1.15),
        (5000, 250, 1.15),
        (5000, 101, 1.15),  # by key alone every page would be read twice
        (5000, 15, 1.15),
    ],
)
def test_an_import_costs_little_more_and_tells_each_row_once(count: int, a_second: int, pages_worth: float) -> None:
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


def test_rows_that_change_after_the_start_are_told_in_passing_but_not_asked_for() -> None:
    upstream = a_list(*range(1000))

    def an_import_goes_on() -> None:
        upstream.now += SECOND
        for _ in range(150):
            upstream.create()

    walk, told = walked(upstream, meanwhile=an_import_goes_on)
    assert set(map(str, range(1000))) < set(ids(told))
    assert len(upstream.asked) == 6
    assert walk.started_at == NOW


def test_a_row_that_changes_after_it_was_told_is_told_again() -> None:
    upstream = a_list(*range(300))

    def somebody_edits() -> None:
        upstream.now += SECOND
        if upstream.rows["7"].version == 1:
            upstream.edit("7")

    _, told = walked(upstream, meanwhile=somebody_edits)
    assert [row.version for row in told if row.record_id == "7"] == [1, 2]


# What it asks for.


def test_each_request_starts_at_the_time_of_the_last_rows() -> None:
    upstream = a_list(*range(300))
    walked(upstream)
    assert upstream.asked == [
        ListRequest(None, Sort.OLDEST_CHANGE_FIRST),
        ListRequest(LONG_AGO + 197 * SECOND, Sort.OLDEST_CHANGE_FIRST),
    ]


def test_it_asks_from_the_whole_second_on_in_which_the_watermark_lies() -> None:
    upstream = a_list(0, 1.25, 2)
    _, told = walked(upstream, since=LONG_AGO + 1.75 * SECOND)
    assert upstream.asked[0].modified_since == LONG_AGO + SECOND
    assert ids(told) == ["1", "2"]


def test_a_finished_walk_takes_no_page() -> None:
    walk, _ = walked(a_list())
    assert walk.next_request() is None
    with pytest.raises(ValueError, match="finished"):
        walk.take(a_list().answer(ListRequest(None, Sort.OLDEST_CHANGE_FIRST)))


# What it does not trust.


def test_an_ignored_filter_is_noticed_and_the_newest_rows_are_read_instead() -> None:
    upstream = a_list(*range(2000), ignores_filter=True)
    walk, told = walked(upstream, since=LONG_AGO + 1500 * SECOND)
    assert walk.mode is WalkMode.NEWEST_FIRST
    assert "newest_first" in walk.note
    assert ids(told) == [str(number) for number in range(1500, 2000)]
    assert len(upstream.asked) == 4


def test_an_ignored_filter_costs_a_full_walk_two_calls_more() -> None:
    upstream = a_list(*range(2000), ignores_filter=True)
    walk, told = walked(upstream)
    assert set(ids(told)) == set(everything(upstream))
    assert walk.mode is WalkMode.NEWEST_FIRST
    assert len(upstream.asked) == 2 + 11


def test_an_ignored_order_is_noticed_and_the_whole_list_is_read_filtered() -> None:
    upstream = a_list(*range(2000), ignores_order=True)
    walk, told = walked(upstream, since=LONG_AGO + 1500 * SECOND)
    assert walk.mode is WalkMode.WHOLE
    assert set(ids(told)) == {str(number) for number in range(1500, 2000)}
    assert len(upstream.asked) == 1 + 3


def test_when_filter_and_order_are_ignored_only_what_was_asked_for_is_told() -> None:
    upstream = a_list(*range(2000), ignores_filter=True, ignores_order=True)
    walk, told = walked(upstream, since=LONG_AGO + 1500 * SECOND)
    assert walk.mode is WalkMode.WHOLE
    assert set(ids(told)) == {str(number) for number in range(1500, 2000)}


def test_a_list_of_one_page_is_read_whatever_its_order() -> None:
    upstream = a_list(*range(100), ignores_filter=True, ignores_order=True)
    _, told = walked(upstream, since=LONG_AGO + 50 * SECOND)
    assert ids(told) == [str(number) for number in range(50, 100)]
    assert len(upstream.asked) == 1


def test_a_row_that_changes_while_it_is_listed_does_not_cast_doubt_on_the_order() -> None:
    upstream = a_list(*range(1000))
    walk = Walk.begin(None)
    page = upstream.answer(ListRequest(None, Sort.OLDEST_CHANGE_FIRST))
    changing = Row("70", NOW + SECOND, version=2)
    rows = [changing if row.record_id == "70" else row for row in page.rows]
    walk, told = walk.take(Page(rows, (), page.has_more, page.server_time))
    assert changing in told
    assert walk.mode is WalkMode.BY_KEY


@pytest.mark.parametrize(
    "habits",
    [
        {"longest_page": 50},
        {"longest_page": 7},
        {"ignores_per_page": True},
        {"hides_every": 10},
        {"ignores_per_page": True, "longest_page": 50, "hides_every": 7},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "ignored", [{}, {"ignores_filter": True}, {"ignores_order": True}], ids=["trusted", "no filter", "no order"]
)
def test_pages_of_any_length_are_read_to_the_end(habits: dict[str, int], ignored: dict[str, bool]) -> None:
    upstream = a_list(*range(100), *[100] * 230, *[101] * 210, *range(102, 150), **habits, **ignored)
    _, told = walked(upstream, most_calls=3000)
    assert set(ids(told)) == set(everything(upstream)) - upstream.hidden
    assert len(upstream.asked) <= 4 * ceil(588 / upstream.longest_page) + 20


@pytest.mark.parametrize("longest_page", [1, 2, 3])
def test_pages_too_short_to_overlap_are_read_to_the_end(longest_page: int) -> None:
    upstream = a_list(0, 1, 2, 2, 2, 2, 3, 3, 4, longest_page=longest_page)
    walk, told = walked(upstream)
    assert set(ids(told)) == set(everything(upstream))
    assert "too short" in walk.note


def test_where_pages_cannot_overlap_rows_that_move_up_a_page_are_met_on_the_way_back() -> None:
    upstream = a_list(*[0] * 900, *range(1, 100), ignores_per_page=True)

    def ten_of_the_first_go() -> None:
        upstream.now += SECOND
        for record_id in list(upstream.rows)[: 10 if upstream.now < NOW + 4 * SECOND else 0]:
            upstream.delete(record_id)

    walk, told = walked(upstream, meanwhile=ten_of_the_first_go)
    assert set(everything(upstream)) <= set(ids(told))
    assert len(told) == len(set(ids(told)))
    assert "there and back" in walk.note


def test_a_second_without_order_is_read_until_nothing_new_comes() -> None:
    upstream = a_list(*[0] * 700, *range(1, 100), shuffles_seconds=True)
    walk, told = walked(upstream)
    assert ids(told) == everything(upstream)
    assert "there and back" in walk.note


@pytest.mark.parametrize("habits", [{}, {"ignores_filter": True}, {"ignores_order": True}, {"ignores_per_page": True}])
def test_a_list_that_gives_its_first_page_for_ever_is_an_error(habits: dict[str, bool]) -> None:
    upstream = a_list(*[0] * 500, *range(1, 500), ignores_page=True, **habits)
    with pytest.raises(WalkStuck):
        walked(upstream, since=LONG_AGO)
    assert len(upstream.asked) <= MAX_STALLS + 10


def test_an_empty_page_before_the_end_is_an_error() -> None:
    with pytest.raises(WalkStuck, match="tells nothing new"):
        Walk.begin(None).take(Page((), (), has_more=True, server_time=NOW))


def test_rows_without_a_time_are_told_and_steer_nothing() -> None:
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


def test_a_page_of_rows_that_nobody_understands_is_passed() -> None:
    upstream = a_list(*range(900))
    upstream.not_understood = set(map(str, range(150, 450)))
    _, told = walked(upstream)
    assert set(ids(told)) == set(everything(upstream)) - upstream.not_understood


def test_rows_without_an_id_that_nobody_understands_count_for_the_pages_length() -> None:
    upstream = a_list(*[0] * 500)
    page = upstream.answer(ListRequest(None, Sort.OLDEST_CHANGE_FIRST))
    walk, _ = Walk.begin(None).take(Page(page.rows[1:], [SetAside(None, "no id")], True, NOW))
    request = walk.next_request()
    assert request is not None
    walk, _ = walk.take(upstream.answer(request))
    assert not walk.note


# What happens meanwhile: promises kept whatever does.

#: The least by which the next walk overlaps: a change shows no later than this after its time.
LATEST = 8

changes = st.tuples(
    st.sampled_from(["edit", "create", "create late", "delete"]), st.integers(0, 60), st.integers(1, 12)
)
meantimes = st.lists(st.lists(changes, max_size=3), max_size=12)
lists = st.lists(st.sampled_from([0, 1, 2, 3, 3, 3, 3, 7, 8, 9, 9, 20, 25]), max_size=60)


def happen(upstream: Upstream, meanwhile: list[tuple[str, int, int]]) -> None:
    """Each change befalls that many rows from that place on, in the order of their ids."""
    for kind, place, count in meanwhile:
        for record_id in ids(upstream.rows.values())[place : place + count]:
            match kind:
                case "edit":
                    upstream.edit(record_id)
                case "create":
                    upstream.create()
                case "create late":
                    upstream.create(late_by=(place % LATEST + 1) * SECOND)
                case "delete":
                    upstream.delete(record_id)


@settings(max_examples=400, deadline=None)
@given(
    seconds=lists,
    meantimes=meantimes,
    since=st.none() | st.integers(0, 26),
    longest_page=st.integers(7, 12),
    ignored=st.sampled_from([(), ("ignores_filter",), ("ignores_order",), ("ignores_filter", "ignores_order")]),
)
@example([3] * 30, [[], [("delete", 0, 1)], [("delete", 0, 9)]], None, 7, ())
@example([3] * 60, [[], [("delete", 0, 12), ("delete", 0, 12)]], None, 7, ())
@example([*range(26)], [[], [("delete", 20, 3)], [("edit", 3, 3)]], None, 7, ("ignores_filter",))
def test_no_row_is_lost_whatever_happens_meanwhile(
    seconds: list[int],
    meantimes: list[list[tuple[str, int, int]]],
    since: int | None,
    longest_page: int,
    ignored: tuple[str, ...],
) -> None:
    habits = dict.fromkeys(ignored, True)
    upstream = a_list(*seconds, now=LONG_AGO + 30 * SECOND, longest_page=longest_page, **habits)
    at_first, coming = dict(upstream.rows), iter(meantimes)
    start = None if since is None else LONG_AGO + since * SECOND

    def time_passes() -> None:
        upstream.now += SECOND
        happen(upstream, next(coming, []))

    walk, told = walked(upstream, start, time_passes)
    # Short pages of an ignored order may be in order by luck, which nothing tells from an order that is honoured.
    assume("ignores_order" not in ignored or walk.mode is WalkMode.WHOLE or len(upstream.asked) == 1)

    newest = {row.record_id: row.version for row in sorted(told, key=lambda row: row.version)}
    assert walk.started_at == LONG_AGO + 30 * SECOND
    for row in upstream.rows.values():
        assert row.modified_at is not None
        is_told = newest.get(row.record_id) == row.version
        if at_first.get(row.record_id) == row:
            assert is_told or (start is not None and row.modified_at < start)
        else:
            assert is_told or row.modified_at >= walk.started_at - LATEST * SECOND


@settings(max_examples=100, deadline=None)
@given(seconds=lists, longest_page=st.integers(7, 12), since=st.none() | st.integers(0, 26))
def test_a_quiet_list_is_told_whole_and_each_row_once(seconds: list[int], longest_page: int, since: int | None) -> None:
    upstream = a_list(*seconds, longest_page=longest_page)
    _, told = walked(upstream, None if since is None else LONG_AGO + since * SECOND)
    assert ids(told) == [str(number) for number, second in enumerate(seconds) if since is None or second >= since]
