"""A walk loses no row, whatever changes between its pages and whatever the list ignores."""

from hypothesis import example, given
from hypothesis import strategies as st

from domain.walk import Walk, WalkMode
from tests.unit.domain.upstream import LONG_AGO, SECOND, Upstream, a_list, ids, walked

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
