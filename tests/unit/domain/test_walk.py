"""A walk returns every row in few calls, whatever changes in the list at the same time."""

import json
from datetime import timedelta
from math import ceil
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.lists import PER_PAGE, ListRequest, Sort
from domain.walk import MAX_PAGE_STALLS, Walk, WalkMode
from tests.tables import table
from tests.unit.domain.upstream import LONG_AGO, NOW, SECOND, Upstream, a_list, everything, id_set, ids, walked

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


# Concurrent changes: the promises hold under any change.

#: The minimum overlap of the next walk: a change becomes visible no later than this after its time.
LATEST = 8

#: The kind of change, the first row, and the number of rows.
Change = tuple[str, int, int]

BEGINNING = LONG_AGO + 30 * SECOND

changes = st.tuples(
    st.sampled_from(["edit", "create", "create late", "delete"]), st.integers(0, 60), st.integers(1, 12)
)
departures = st.tuples(st.sampled_from(["edit", "delete"]), st.integers(0, 60), st.integers(1, 5))
lists = st.lists(st.sampled_from([0, 1, 2, 3, 3, 3, 3, 7, 8, 9, 9, 20, 25]), max_size=60)
starts = st.none() | st.integers(0, 26)


def happen(upstream: Upstream, meanwhile: list[Change]) -> None:
    """Apply each change to that many rows from that position on, in the order of their ids."""
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


def meets_the_promise(upstream: Upstream, since: int | None, meantimes: list[list[Change]]) -> None:
    """Walk during those changes, one list after each page, and assert the promises of a walk."""
    at_first, coming, began_at = dict(upstream.rows), iter(meantimes), upstream.now
    start = None if since is None else LONG_AGO + since * SECOND

    def time_passes() -> None:
        upstream.now += SECOND
        happen(upstream, next(coming, []))

    walk, told = walked(upstream, start, time_passes)
    newest = {row.record_id: row.version for row in sorted(told, key=lambda row: row.version)}
    assert walk.started_at == began_at
    for row in upstream.rows.values():
        assert row.modified_at is not None
        is_given = newest.get(row.record_id) == row.version
        if at_first.get(row.record_id) == row:
            assert is_given or (start is not None and row.modified_at < start) or in_order_by_luck(upstream, walk)
        else:
            assert is_given or row.modified_at >= began_at - LATEST * SECOND


def in_order_by_luck(upstream: Upstream, walk: Walk) -> bool:
    """Whether short pages of an ignored order are in order by chance, which looks like an honoured order."""
    return upstream.ignores_order and walk.mode is not WalkMode.WHOLE


@given(
    seconds=lists,
    meantimes=st.lists(st.lists(changes, max_size=3), max_size=12),
    since=starts,
    longest_page=st.integers(7, 12),
    ignores_filter=st.booleans(),
    ignores_order=st.booleans(),
)
@example([3] * 30, [[], [("delete", 0, 1)], [("delete", 0, 9)]], None, 7, False, False)
@example([3] * 60, [[], [("delete", 0, 12), ("delete", 0, 12)]], None, 7, False, False)
@example([*range(26)], [[], [("delete", 20, 3)], [("edit", 3, 3)]], None, 7, True, False)
def test_no_row_is_lost_during_concurrent_changes(
    seconds: list[int],
    meantimes: list[list[Change]],
    since: int | None,
    longest_page: int,
    ignores_filter: bool,
    ignores_order: bool,
) -> None:
    upstream = a_list(
        *seconds,
        now=BEGINNING,
        longest_page=longest_page,
        ignores_filter=ignores_filter,
        ignores_order=ignores_order,
    )
    meets_the_promise(upstream, since, meantimes)


@given(
    seconds=lists,
    meantimes=st.lists(st.lists(departures, max_size=2), max_size=12),
    since=starts,
    longest_page=st.integers(7, 12),
)
def test_no_row_is_lost_if_moving_rows_prevent_overlapping_pages(
    seconds: list[int], meantimes: list[list[Change]], since: int | None, longest_page: int
) -> None:
    upstream = a_list(*seconds, now=BEGINNING, longest_page=longest_page, ignores_per_page=True)
    meets_the_promise(upstream, since, meantimes)


@given(
    seconds=lists,
    longest_page=st.integers(7, 12),
    since=starts,
    ignores_filter=st.booleans(),
    ignores_order=st.booleans(),
    ignores_per_page=st.booleans(),
)
def test_an_unchanged_list_is_read_to_its_end_whatever_it_ignores(
    seconds: list[int], longest_page: int, since: int | None, **ignored: bool
) -> None:
    meets_the_promise(a_list(*seconds, now=BEGINNING, longest_page=longest_page, **ignored), since, [])


@given(
    seconds=lists,
    longest_page=st.integers(7, 12),
    since=starts,
    emptied=st.sets(st.integers(1, 12), max_size=3),
    ignores_filter=st.booleans(),
    ignores_order=st.booleans(),
    ignores_per_page=st.booleans(),
)
def test_a_wrongly_empty_page_hides_no_row(
    seconds: list[int], longest_page: int, since: int | None, emptied: set[int], **ignored: bool
) -> None:
    # The first page of an incremental walk is often empty. Such a walk proves nothing, see `db.watermarks`.
    wrong = emptied if since is None else emptied - {1}
    upstream = a_list(*seconds, now=BEGINNING, longest_page=longest_page, emptied=wrong, **ignored)
    meets_the_promise(upstream, since, [])


@given(seconds=lists, longest_page=st.integers(7, 12), since=starts)
def test_an_unchanged_list_is_returned_completely_with_each_row_once(
    seconds: list[int], longest_page: int, since: int | None
) -> None:
    upstream = a_list(*seconds, longest_page=longest_page)
    _, told = walked(upstream, None if since is None else LONG_AGO + since * SECOND)
    assert ids(told) == [str(number) for number, second in enumerate(seconds) if since is None or second >= since]
