"""A list like Zoho's, small and in memory, with every fault that a walk must cope with."""

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any

from domain.lists import PER_PAGE, ListRequest, Page, Rejected, Sort
from domain.walk import TwoWalksById, Walk, WalkById

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
_NO_TIME = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Row:
    record_id: str
    modified_at: datetime | None
    version: int = 1


@dataclass(slots=True)
class Upstream:
    """Responds to requests and counts them; the test changes the rows and the time in between."""

    rows: dict[str, Row]  #: in the order of their ids
    now: datetime = NOW
    longest_page: int = PER_PAGE
    ignores_filter: bool = False
    ignores_order: bool = False
    newest_name_first: bool = False  #: in any requested order: like invoices, by their creation
    oldest_id_first: bool = False  #: like persons: no filter, no order by time
    ignores_page: bool = False
    ignores_per_page: bool = False
    refuses_per_page: bool = False  #: any length but the usual; only `walked_by_id` then requests another one
    filter_is_off_by: timedelta = timedelta(0)
    shuffles_seconds: bool = False  #: rows of one second have another order every time
    repeats: int = 0  #: the number of rows, the first ones, that are listed twice
    repeated: Collection[int] = ()  #: the numbers of the calls that get the response of the call before once more
    emptied: Collection[int] = ()  #: the numbers of the calls that get a last page without rows
    hides_one_in: int = 0  #: one row in this many is hidden, but counts for the page's length
    not_understood: set[str] = field(default_factory=set)
    asked: list[ListRequest] = field(default_factory=list)
    created: int = 0
    chance: Random = field(default_factory=lambda: Random(1))
    _last: Page[Row] | None = None

    def answer(self, request: ListRequest) -> Page[Row]:
        self.asked.append(request)
        call = len(self.asked)
        if call in self.emptied:
            return Page((), (), has_more=False, server_time=self.now)
        if self._last is None or call not in self.repeated:
            self._last = self._page(request)
        return self._last

    def _page(self, request: ListRequest) -> Page[Row]:
        rows = self.rows.values() if self.oldest_id_first else self._ordered(self._matching(request), request.sort)
        asked_for = PER_PAGE if self.ignores_per_page else getattr(request, "per_page", PER_PAGE)
        length = min(asked_for, self.longest_page)
        begin = 0 if self.ignores_page else (request.page - 1) * length
        page = [row for row in islice(rows, begin, begin + length) if not self._hides(row)]
        return Page(
            rows=[row for row in page if row.record_id not in self.not_understood],
            rejected=[Rejected(row.record_id, "odd") for row in page if row.record_id in self.not_understood],
            has_more=len(rows) > begin + length,
            server_time=self.now,
        )

    @property
    def hidden(self) -> set[str]:
        return {row.record_id for row in self.rows.values() if self._hides(row)}

    def _hides(self, row: Row) -> bool:
        return self.hides_one_in > 0 and int(row.record_id) % self.hides_one_in == 3

    def edit(self, record_id: str) -> None:
        self.rows[record_id] = replace(
            self.rows[record_id], modified_at=self.now, version=self.rows[record_id].version + 1
        )

    def create(self, late_by: timedelta = timedelta(0)) -> None:
        """Create a row that may become visible later than its time."""
        self.created += 1
        record_id = str(100_000 + self.created)
        self.rows[record_id] = Row(record_id, self.now - late_by)

    def delete(self, record_id: str) -> None:
        del self.rows[record_id]

    def _matching(self, request: ListRequest) -> list[Row]:
        since = None if self.ignores_filter else request.modified_since
        if since is None:
            return self._with_repeats(self.rows.values())
        since += self.filter_is_off_by
        # The filter compares whole seconds, so a fraction in `since` leaves out the rest of its second.
        if since.microsecond:
            since = since.replace(microsecond=0) + SECOND
        return self._with_repeats(row for row in self.rows.values() if row.modified_at and row.modified_at >= since)

    def _with_repeats(self, rows: Iterable[Row]) -> list[Row]:
        listed = list(rows)
        return listed + listed[: self.repeats]

    def _ordered(self, rows: list[Row], sort: Sort) -> list[Row]:
        if self.newest_name_first:
            return rows[::-1]
        if self.ignores_order:
            return sorted(rows, key=_place_by_name)
        if self.shuffles_seconds:
            rows = sorted(rows, key=lambda _: self.chance.random())
        in_order = sorted(rows, key=lambda row: row.modified_at or _NO_TIME)
        return in_order if sort is Sort.OLDEST_CHANGE_FIRST else in_order[::-1]


def _place_by_name(row: Row) -> tuple[int, str]:
    """A position independent of times that an edit may change, like a name's position."""
    return (int(row.record_id) * 40503 + row.version * 30011) % 65536, row.record_id


def a_list(*seconds: float, **habits: Any) -> Upstream:
    """Rows "0", "1", "2" … modified that many seconds after LONG_AGO."""
    return Upstream({str(n): Row(str(n), LONG_AGO + second * SECOND) for n, second in enumerate(seconds)}, **habits)


Meanwhile = Callable[[], None]


def nothing() -> None:
    """No change between two pages."""


def walked(
    upstream: Upstream, since: datetime | None = None, meanwhile: Meanwhile = nothing, most_calls: int = 1000
) -> tuple[Walk, list[Row]]:
    """The finished walk and all returned rows; The changes run after each page. Each state passes through JSON."""
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


def walked_by_id(
    upstream: Upstream, meanwhile: Meanwhile = nothing, most_calls: int = 1000
) -> tuple[WalkById, list[Row]]:
    """Like `walked`, by ids. A page of an unusual length may be refused."""
    return walked_by_two(upstream, lambda: False, meanwhile, most_calls)


def walked_by_two(
    upstream: Upstream, reads_ahead: Callable[[], bool], meanwhile: Meanwhile = nothing, most_calls: int = 1000
) -> tuple[WalkById, list[Row]]:
    """Like `walked_by_id`; before each call, `reads_ahead` says whether the second walk makes it, if there is one."""
    walks, told = TwoWalksById(WalkById()), list[Row]()
    while not walks.walk.is_finished:
        assert len(upstream.asked) < most_calls
        ahead = walks.next_ahead if reads_ahead() else None
        walk, rows = _by_id(upstream, ahead or walks.walk)
        told += rows
        walks = walks.having_walked_ahead(walk) if ahead else walks.having_walked(walk)
        meanwhile()
    return walks.walk, told


def _by_id(upstream: Upstream, walk: WalkById) -> tuple[WalkById, Sequence[Row]]:
    request = walk.next_request()
    assert request is not None
    if upstream.refuses_per_page and request.per_page != PER_PAGE:
        upstream.asked.append(request)
        other = walk.with_whole_pages()
        assert other is not None
        return other, ()
    after, rows = walk.take(upstream.answer(request))
    assert WalkById.from_json(json.loads(json.dumps(after.to_json()))) == after
    return after, rows


def ids(rows: Iterable[Row]) -> list[str]:
    return sorted((row.record_id for row in rows), key=int)


def id_set(rows: Iterable[Row]) -> set[str]:
    return {row.record_id for row in rows}


def everything(upstream: Upstream) -> list[str]:
    return list(upstream.rows)
