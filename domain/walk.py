"""The walk over a Zoho list: which page to ask for next, and which rows of an answer are new. It asks nothing itself.

By key: each request starts at the time of the last rows, so that no change made meanwhile can hide a row. Where that
would read many rows again (an import leaves hundreds in one second) it goes on by page number, in pages that overlap:
a page that shares a row with the one before has skipped none, whatever was inserted or deleted in between.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any, Protocol, TypeVar

from domain.lists import PER_PAGE, Listed, ListRequest, Page, Sort

#: Rows that a page repeats of the one before, by key or by number. Two of them may go in between, and the pages still
#: join; one alone that stands in the wrong place does not lead the walk astray.
OVERLAP = 3

#: By key as long as that reads at most one row in so many again, else by page number.
REREAD_SHARE = 10

#: Answers without progress (nothing new, or not joined to the page before) that one walk puts up with.
MAX_STALLS = 20

#: One version of a row: its id and the second of its change.
Key = tuple[str, datetime | None]

ListedT = TypeVar("ListedT", bound=Listed)


class WalkStuck(Exception):  # noqa: N818 - says what is the case; the walk may be begun anew
    """The list says that more follows, and tells nothing new."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class WalkMode(StrEnum):
    """How far the list can be trusted."""

    BY_KEY = "by_key"  #: filter and order are honoured
    NEWEST_FIRST = "newest_first"  #: the filter is ignored: page by page until a row is older than asked for
    WHOLE = "whole"  #: the order is ignored: page by page to the end


class Paging(StrEnum):
    """How a stretch is read that one page does not hold."""

    OVERLAPPING = "overlapping"  #: each page begins a few rows before the end of the one before
    THERE = "there"  #: the server cuts pages otherwise than asked for: side by side to the end of the stretch …
    BACK = "back"  #: … and back again, meeting the rows that moved up a page when others went


@dataclass(frozen=True, slots=True)
class PartRequest(ListRequest):
    """A request for pages of another length than usual, so that they overlap. A client may ignore it, at a price."""

    per_page: int = PER_PAGE


@dataclass(frozen=True, slots=True)
class Walk:
    """A walk at rest between two answers: ask for `next_request`, `take` the answer, keep the walk that this gives.

    Each row that stays as it is while the walk goes on is told at least once. A row that changes meanwhile has its new
    time at or after `started_at`, the server's time of the first answer: there the next walk has to start, less the
    minutes by which a change may show late. Source: DESIGN "Customer phase"; the API's notes, section 1, 3 to 5.
    """

    since: datetime | None
    cursor: datetime | None
    mode: WalkMode = WalkMode.BY_KEY
    paging: Paging = Paging.OVERLAPPING
    page: int = 1
    per_page: int = PER_PAGE
    page_length: int = PER_PAGE  #: rows that the server gives at most, as the first page of the stretch showed
    seen: tuple[Key, ...] = ()  #: what may come again: the rows of the boundary second, or of the page before
    seen_at_turn: int = 0  #: how many were seen when the way back began
    stalls: int = 0
    started_at: datetime | None = None
    is_finished: bool = False
    note: str = ""  #: why the walk costs more than it should; for the log

    @classmethod
    def begin(cls, since: datetime | None) -> "Walk":
        """A walk over the rows modified at or after `since`, to the second; None: over all of them."""
        start = None if since is None else _second(since)
        return cls(since=start, cursor=start)

    def next_request(self) -> ListRequest | None:
        """What to ask for now; None when the walk is finished."""
        if self.is_finished:
            return None
        since = self.cursor if self.mode is WalkMode.BY_KEY else self.since
        sort = Sort.NEWEST_CHANGE_FIRST if self.mode is WalkMode.NEWEST_FIRST else Sort.OLDEST_CHANGE_FIRST
        if self.per_page == PER_PAGE:
            return ListRequest(since, sort, self.page)
        return PartRequest(since, sort, self.page, self.per_page)

    def take(self, page: Page[ListedT]) -> tuple["Walk", tuple[ListedT, ...]]:
        """The walk after the answer to `next_request`, and the rows of it that are new. Raises WalkStuck."""
        if self.is_finished:
            raise ValueError("A finished walk takes no page.")
        walk = self if self.started_at else replace(self, started_at=_second(page.server_time))
        return walk._after(_Answer.of(page)), walk._new_rows(page.rows)

    def to_json(self) -> dict[str, Any]:
        """Small: a page of ids at most, but for a crowded second that has to be read there and back."""
        return {
            "since": _text(self.since),
            "cursor": _text(self.cursor),
            "mode": self.mode.value,
            "paging": self.paging.value,
            "page": self.page,
            "per_page": self.per_page,
            "page_length": self.page_length,
            "seen": [[record_id, _text(time)] for record_id, time in self.seen],
            "seen_at_turn": self.seen_at_turn,
            "stalls": self.stalls,
            "started_at": _text(self.started_at),
            "is_finished": self.is_finished,
            "note": self.note,
        }

    @classmethod
    def from_json(cls, json: Mapping[str, Any]) -> "Walk":
        return cls(
            since=_time(json["since"]),
            cursor=_time(json["cursor"]),
            mode=WalkMode(json["mode"]),
            paging=Paging(json["paging"]),
            page=json["page"],
            per_page=json["per_page"],
            page_length=json["page_length"],
            seen=tuple((record_id, _time(time)) for record_id, time in json["seen"]),
            seen_at_turn=json["seen_at_turn"],
            stalls=json["stalls"],
            started_at=_time(json["started_at"]),
            is_finished=json["is_finished"],
            note=json["note"],
        )

    def _new_rows(self, rows: Sequence[ListedT]) -> tuple[ListedT, ...]:
        new = {_key(row): row for row in rows}
        for key in self.seen:
            new.pop(key, None)
        return tuple(row for (_, time), row in new.items() if not _is_before(time, self.since))

    def _after(self, answer: "_Answer") -> "Walk":
        if answer.has_more and not answer.length:
            raise WalkStuck
        if self.page == 1 and not answer.has_more:
            return self._finished()  # The whole list is in this one answer, whatever its order.
        mode = self._mode_after(answer)
        if mode is not self.mode:
            return self._restarted(f"the list is not as '{self.mode}' needs it, read as '{mode}'", seen=(), mode=mode)
        if self.paging is Paging.BACK:
            return self._one_page_back(answer)
        if self.paging is Paging.OVERLAPPING and self.page > 1:
            if not answer.is_cut_as_asked(self.per_page) or not answer.keeps_order_of(self.seen):
                return self._there_and_back("its pages do not join", answer)
            if not answer.shares_with(self.seen):
                return self._stalled(page=self.page - 1)  # Rows may hide between the two pages: begin earlier.
        if self._is_at_end(answer):
            return self._turned(answer)
        walk = self if answer.adds_to(self.seen) or self._may_read_again() else self._stalled()
        return walk._on_by_key(answer) if walk._goes_by_key(answer) else walk._on_by_page(answer)

    def _mode_after(self, answer: "_Answer") -> WalkMode:
        """How to read the list from here: an answer that breaks the list's promise is the last one trusted."""
        # A row that changes while it is being listed may show its new time at its old place.
        times = [time for time in answer.times if not self._is_after_start(time)]
        if self.mode is WalkMode.WHOLE:
            return self.mode
        if not _ascends(times if self.mode is WalkMode.BY_KEY else times[::-1]):
            return WalkMode.WHOLE
        if self.mode is WalkMode.BY_KEY and any(_is_before(time, self.cursor) for time in times):
            return WalkMode.NEWEST_FIRST
        return self.mode

    def _is_at_end(self, answer: "_Answer") -> bool:
        if not answer.has_more:
            return True
        if self.mode is WalkMode.WHOLE or answer.steer is None:
            return False
        if self.mode is WalkMode.NEWEST_FIRST:
            return _is_before(answer.steer, self.since)
        return self._is_after_start(answer.steer) or (self._has_to_turn() and _is_before(self.cursor, answer.steer))

    def _goes_by_key(self, answer: "_Answer") -> bool:
        if self.mode is not WalkMode.BY_KEY or answer.steer in (None, self.cursor):
            return False
        read_again = sum(not _is_before(time, answer.steer) for time in answer.times)
        return self.paging is Paging.THERE or read_again <= max(_overlap(answer.length), answer.length // REREAD_SHARE)

    def _on_by_key(self, answer: "_Answer") -> "Walk":
        assert answer.steer is not None
        return self._from(answer.steer, answer)

    def _on_by_page(self, answer: "_Answer") -> "Walk":
        if self.paging is Paging.THERE:
            return replace(self, page=self.page + 1, seen=self._held(answer))
        # A server may cut at less than asked for: what its first page held is what its pages hold.
        length = answer.length if self.page == 1 else self.page_length
        covered = answer.length if self.page == 1 else self.page * self.per_page
        page, per_page = _furthest_page(covered, length)
        if page * per_page <= covered:
            return self._there_and_back("its pages are too short to overlap", answer)
        return replace(self, page=page, per_page=per_page, page_length=length, seen=self._held(answer))

    def _has_to_turn(self) -> bool:
        return self.paging is Paging.THERE and self.page > 1

    def _may_read_again(self) -> bool:
        """Page 1 may hold the boundary only; the second time there, nothing new is good news (with a last page)."""
        return self.page == 1 or (self.paging is Paging.THERE and self.page <= self.seen_at_turn)

    def _turned(self, answer: "_Answer") -> "Walk":
        if not self._has_to_turn():
            return self._finished()
        seen = self._held(answer)
        return replace(self, paging=Paging.BACK, page=self.page - 1, seen=seen, seen_at_turn=len(seen))

    def _one_page_back(self, answer: "_Answer") -> "Walk":
        seen = self._held(answer)
        if self.page > 1:
            return replace(self, page=self.page - 1, seen=seen)
        if self.mode is not WalkMode.BY_KEY or self.cursor is None:
            return self._finished()
        if len(seen) > self.seen_at_turn:  # Rows were missed on the way there: perhaps more are, still.
            return self._stalled(paging=Paging.THERE, page=2, seen=seen)
        # The crowded second is read; what came after it shall come again in its own turn.
        following = self.cursor + timedelta(seconds=1)
        return self._finished() if self._is_after_start(following) else self._from(following, answer)

    def _from(self, cursor: datetime, answer: "_Answer") -> "Walk":
        seen = tuple(key for key in self._held(answer) if not _is_before(key[1], cursor))
        return replace(self._at_page_1(), cursor=cursor, seen=seen, seen_at_turn=0)

    def _at_page_1(self) -> "Walk":
        paging = Paging.OVERLAPPING if self.paging is Paging.OVERLAPPING else Paging.THERE
        return replace(self, page=1, per_page=PER_PAGE, paging=paging)

    def _there_and_back(self, why: str, answer: "_Answer") -> "Walk":
        seen = tuple(dict.fromkeys((*self.seen, *answer.keys)))
        return self._restarted(f"{why}, read there and back", seen=seen, paging=Paging.THERE)

    def _restarted(self, note: str, **changes: Any) -> "Walk":
        """From page 1 of the stretch, in another way. Rows may be told twice by that."""
        return replace(self._at_page_1(), note=f"{self.note}; {note}" if self.note else note, **changes)

    def _held(self, answer: "_Answer") -> tuple[Key, ...]:
        """What of this answer, and in a crowd read there and back of those before, may come again."""
        if self.paging is Paging.OVERLAPPING or self.mode is not WalkMode.BY_KEY:
            return answer.keys
        return tuple(dict.fromkeys((*self.seen, *answer.keys)))

    def _stalled(self, **changes: Any) -> "Walk":
        if self.stalls >= MAX_STALLS:
            raise WalkStuck
        return replace(self, stalls=self.stalls + 1, **changes)

    def _finished(self) -> "Walk":
        return replace(self, is_finished=True, seen=())

    def _is_after_start(self, time: datetime) -> bool:
        return self.started_at is not None and time > self.started_at


@dataclass(frozen=True, slots=True)
class _Answer:
    """What of a page steers the walk: its rows' versions, and their known times in the order given."""

    keys: tuple[Key, ...]
    times: tuple[datetime, ...]
    length: int
    has_more: bool

    @classmethod
    def of(cls, page: Page[ListedT]) -> "_Answer":
        keys = [_key(row) for row in page.rows]
        return cls(
            keys=(*keys, *((aside.record_id, None) for aside in page.set_aside if aside.record_id)),
            times=tuple(time for _, time in keys if time is not None),
            length=len(page.rows) + len(page.set_aside),
            has_more=page.has_more,
        )

    @property
    def steer(self) -> datetime | None:
        """The last time that is known and borne out by the rows after it: from there the next answer may start."""
        return self.times[-_overlap(len(self.times))] if self.times else None

    def is_cut_as_asked(self, per_page: int) -> bool:
        return self.length == per_page or (self.length < per_page and not self.has_more)

    def keeps_order_of(self, seen: Sequence[Key]) -> bool:
        """Rows that come again come in the same order: of one second, a server need not keep any."""
        places = {key: place for place, key in enumerate(seen)}
        return _ascends([places[key] for key in self.keys if key in places and key[1] is not None])

    def shares_with(self, seen: Sequence[Key]) -> bool:
        return not set(self.keys).isdisjoint(seen)

    def adds_to(self, seen: Sequence[Key]) -> bool:
        return not set(self.keys).issubset(seen)


class _Ordered(Protocol):
    def __le__(self, other: Any, /) -> bool: ...


def _overlap(page_length: int) -> int:
    return min(OVERLAP, max(1, page_length // 4))


def _furthest_page(covered: int, longest: int) -> tuple[int, int]:
    """The page and its length, of `longest` at most, that reach furthest and begin within what is covered."""
    begin = covered - _overlap(longest)
    per_page = max(range(max(1, longest // 2), longest + 1), key=lambda length: begin // length * length + length)
    return begin // per_page + 1, per_page


def _ascends(values: Sequence[_Ordered]) -> bool:
    return all(earlier <= later for earlier, later in pairwise(values))


def _is_before(time: datetime | None, bound: datetime | None) -> bool:
    return time is not None and bound is not None and time < bound


def _key(row: Listed) -> Key:
    return row.record_id, None if row.modified_at is None else _second(row.modified_at)


def _second(time: datetime) -> datetime:
    """Zoho's filter and its rows know whole seconds only."""
    return time.astimezone(UTC).replace(microsecond=0)


def _text(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
