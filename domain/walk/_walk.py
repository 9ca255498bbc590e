"""The walk's state between two pages of a list, and the conclusions that it draws from a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from domain.lists import PER_PAGE, ListedT, ListRequest, Page, Sort
from domain.walk._modes import (
    CLOCKS_AGREE_WITHIN,
    MAX_PAGE_STALLS,
    MAX_STALLS,
    REREAD_SHARE,
    VAIN_PASSES,
    Paging,
    WalkMode,
    WalkStuck,
)
from domain.walk._page_facts import Key, PageFacts, ascends, furthest_page, is_before, key_of, overlap, second, steer_of


@dataclass(frozen=True, slots=True)
class Walk:
    """The state of a walk between two pages.

    Request `next_request`, pass the page to `take`, and keep the returned walk.

    Each row that does not change during the walk is returned at least once. A row that changes during the walk has its
    new time at or after `started_at`, the server's time of the first page: the next walk must start at that time, less
    the minutes by which a change may become visible late.
    """

    since: datetime | None
    cursor: datetime | None
    mode: WalkMode = WalkMode.BY_KEY
    paging: Paging = Paging.OVERLAPPING
    page: int = 1
    per_page: int = PER_PAGE
    page_length: int = PER_PAGE  #: the server's maximum of rows per page, from the first page of the stretch
    seen: tuple[Key, ...] = ()  #: rows that may be repeated: those of the boundary second, or of the page before
    seen_at_turn: int = 0  #: the number of seen rows when the way back through the stretch began
    listed: int = 0  #: the number of rows on the stretch's pages, on the way there
    vain_passes: int = 0  #: how many passes there and back in a row have returned nothing new
    stalls: int = 0
    page_stalls: int = 0  #: how often in a row the present page was wrongly empty
    started_at: datetime | None = None
    has_rows: bool = False  #: whether a page had rows; a walk without any may have met wrongly empty responses
    is_finished: bool = False
    note: str = ""  #: why the walk costs more calls than usual; for the log

    @classmethod
    def begin(cls, since: datetime | None) -> "Walk":
        """A new walk over the rows modified at or after `since`, in whole seconds; None: all rows."""
        start = None if since is None else second(since)
        return cls(since=start, cursor=start)

    def next_request(self) -> ListRequest | None:
        """The next page to request; None when the walk is finished."""
        if self.is_finished:
            return None
        sort = Sort.NEWEST_CHANGE_FIRST if self.mode is WalkMode.NEWEST_FIRST else Sort.OLDEST_CHANGE_FIRST
        return ListRequest(self.cursor, sort, self.page, self.per_page)

    def take(self, page: Page[ListedT]) -> tuple["Walk", tuple[ListedT, ...]]:
        """The walk after the page of `next_request`, and the page's new rows. Raises WalkStuck."""
        if self.is_finished:
            raise ValueError("A finished walk takes no page.")
        facts = PageFacts.of(page)
        walk = self if self.started_at else replace(self, started_at=second(page.server_time))
        if self._is_wrongly_empty(facts) and self.page_stalls < MAX_PAGE_STALLS:
            return replace(walk, page_stalls=self.page_stalls + 1), ()
        walk = replace(walk, has_rows=walk.has_rows or facts.length > 0, page_stalls=0)
        return walk._after(facts), walk._new_rows(page.rows)

    def with_whole_pages(self) -> "Walk | None":
        """The walk with pages of `PER_PAGE` rows, after Zoho has refused a page of another length.

        The result is None if the refused page already had this length.
        """
        if self.per_page == PER_PAGE:
            return None
        return self._restarted("pages of another length are refused, read there and back", paging=Paging.THERE)

    def to_json(self) -> dict[str, Any]:
        """The walk's state as JSON: at most a page of ids, or all ids of a second that many rows share."""
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
            "listed": self.listed,
            "vain_passes": self.vain_passes,
            "stalls": self.stalls,
            "page_stalls": self.page_stalls,
            "started_at": _text(self.started_at),
            "has_rows": self.has_rows,
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
            listed=json.get("listed", 0),  # a walk of an earlier release has neither
            vain_passes=json.get("vain_passes", 0),
            stalls=json["stalls"],
            page_stalls=json.get("page_stalls", 0),  # a walk of an earlier release has none
            started_at=_time(json["started_at"]),
            has_rows=json.get("has_rows", True),  # a walk of an earlier release does not know
            is_finished=json["is_finished"],
            note=json["note"],
        )

    def _new_rows(self, rows: Sequence[ListedT]) -> tuple[ListedT, ...]:
        new = {key_of(row): row for row in rows}
        for key in self.seen:
            new.pop(key, None)
        return tuple(row for (_, time), row in new.items() if not is_before(time, self.since))

    def _is_wrongly_empty(self, facts: PageFacts) -> bool:
        """Whether the page has no rows, although rows must or may be there.

        More may follow, the walk may have seen rows that are on the page or before it, or the walk reads the whole
        list. An incremental walk with an empty first page is normal.
        """
        is_expected = bool(self.seen) or self.page > 1 or self.mode is not WalkMode.BY_KEY or self.since is None
        return not facts.length and (facts.has_more or is_expected)

    def _after(self, facts: PageFacts) -> "Walk":
        if facts.has_more and not facts.length:
            raise WalkStuck
        if self.page == 1 and not facts.has_more and self._is_joined(facts):
            return self._finished()  # All requested rows are in this page, in any order.
        is_filtered, is_ordered = self._is_filtered_as_asked(facts), self._is_ordered_as_asked(facts)
        if not is_ordered:
            cursor = self.since if self.mode is WalkMode.BY_KEY and is_filtered else None
            note = "the order is not honoured, read whole"
            return self._restarted(note, mode=WalkMode.WHOLE, cursor=cursor, seen=())
        if not is_filtered:
            note = "the filter is not honoured, read newest first"
            return self._restarted(note, mode=WalkMode.NEWEST_FIRST, cursor=None, seen=())
        if self.paging is Paging.BACK:
            return self._one_page_back(facts)
        if self.paging is Paging.OVERLAPPING and (self.page > 1 or self.per_page != PER_PAGE):
            if not facts.is_cut_as_asked(self.per_page) or not facts.keeps_order_of(self.seen):
                return self._there_and_back("its pages do not join", facts)
            if not self._is_joined(facts):
                # Rows may be hidden between the two pages, so the next page begins earlier.
                return self._stalled(page=self.page - 1)
        if self._is_at_end(facts):
            return self._turned(facts)
        walk = self if facts.adds_to(self.seen) or self._may_read_again() else self._stalled()
        key = walk._next_key(facts)
        return walk._on_by_page(facts) if key is None else walk._on_from(key, facts)

    def _is_joined(self, facts: PageFacts) -> bool:
        """Whether no row can be hidden between this page and the page before, because both share a row.

        A page with no rows before it counts too.
        """
        is_first_again = self.page == 1 and self.per_page != PER_PAGE
        return is_first_again or not self.seen or facts.shares_with(self.seen)

    def _is_filtered_as_asked(self, facts: PageFacts) -> bool:
        """Whether the list applied the filter: no row is older than requested, and the last known row comes again."""
        if self.mode is not WalkMode.BY_KEY:
            return True
        starts_at_cursor = self.page > 1 or self._is_joined(facts)
        return starts_at_cursor and not any(is_before(time, self.cursor) for time in facts.times)

    def _is_ordered_as_asked(self, facts: PageFacts) -> bool:
        if self.mode is WalkMode.WHOLE:
            return True
        # A row that changes during the request may show its new time at its old position in the list.
        settled = [time for time in facts.times if not self._is_after_start(time)]
        return ascends(settled if self.mode is WalkMode.BY_KEY else settled[::-1])

    def _is_at_end(self, facts: PageFacts) -> bool:
        if not facts.has_more:
            return True
        if self.mode is WalkMode.WHOLE or facts.steer is None:
            return False
        if self.mode is WalkMode.NEWEST_FIRST:
            return is_before(facts.steer, self.since)
        # A walk over all rows must reach the end of the list, because a missing record counts as deleted.
        is_enough = self.since is not None and self._is_the_next_walks(facts.steer, facts)
        return is_enough or (self._has_to_turn() and is_before(self.cursor, facts.steer))

    def _next_key(self, facts: PageFacts) -> datetime | None:
        """The time from which the next request reads by key; None if the next page number is cheaper, or necessary."""
        # A row that has just changed may show its new time at its old position: it must not make the walk skip rows.
        settled = steer_of([time for time in facts.times if not self._is_after_start(time)])
        steer = settled or facts.steer
        if self.mode is not WalkMode.BY_KEY or steer is None or steer == self.cursor:
            return None
        read_again = sum(not is_before(time, steer) for time in facts.times)
        is_cheap = read_again <= max(overlap(facts.length), facts.length // REREAD_SHARE)
        return steer if is_cheap or self.paging is Paging.THERE else None

    def _on_by_page(self, facts: PageFacts) -> "Walk":
        if self.paging is Paging.THERE:
            listed = facts.length if self.page == 1 else self.listed + facts.length
            return replace(self, page=self.page + 1, seen=self._held(facts), listed=listed)
        # A server may return shorter pages than requested, so the length of the first page is used for all pages.
        length = facts.length if self.page == 1 else self.page_length
        covered = facts.length if self.page == 1 else self.page * self.per_page
        page, per_page = furthest_page(covered, length)
        if page * per_page <= covered:
            return self._there_and_back("its pages are too short to overlap", facts)
        return replace(self, page=page, per_page=per_page, page_length=length, seen=self._held(facts))

    def _has_to_turn(self) -> bool:
        return self.paging is Paging.THERE and self.page > 1

    def _may_read_again(self) -> bool:
        """Whether a page without new rows is normal: page 1 repeats the last second; a second pass repeats all rows."""
        return self.page == 1 or (self.paging is Paging.THERE and self.page <= self.seen_at_turn)

    def _turned(self, facts: PageFacts) -> "Walk":
        if not self._has_to_turn():
            return self._finished()
        seen = self._held(facts)
        listed = self.listed + facts.length
        return replace(self, paging=Paging.BACK, page=self.page - 1, seen=seen, seen_at_turn=len(seen), listed=listed)

    def _one_page_back(self, facts: PageFacts) -> "Walk":
        seen = self._held(facts)
        if self.page > 1:
            return replace(self, page=self.page - 1, seen=seen)
        if self.mode is not WalkMode.BY_KEY or self.cursor is None:
            return self._finished()
        # Rows were missed on the way to the end of the stretch; more may still be missing.
        again = replace(self, paging=Paging.THERE, page=2, seen=seen, listed=facts.length)
        if len(seen) > self.seen_at_turn:
            return again._stalled(vain_passes=0)
        if len(seen) < self.listed and self.vain_passes < VAIN_PASSES:
            return replace(again, vain_passes=self.vain_passes + 1)
        # The crowded second is read completely; rows after it are read again by key.
        following = self.cursor + timedelta(seconds=1)
        is_enough = self._is_the_next_walks(following, facts)
        return self._finished() if is_enough else self._on_from(following, facts)

    def _on_from(self, cursor: datetime, facts: PageFacts) -> "Walk":
        seen = tuple(key for key in self._held(facts) if not is_before(key[1], cursor))
        return replace(self._at_page_1(), cursor=cursor, seen=seen, seen_at_turn=0, vain_passes=0)

    def _at_page_1(self) -> "Walk":
        paging = Paging.OVERLAPPING if self.paging is Paging.OVERLAPPING else Paging.THERE
        return replace(self, page=1, per_page=PER_PAGE, paging=paging, page_stalls=0)

    def _there_and_back(self, why: str, facts: PageFacts) -> "Walk":
        seen = tuple(dict.fromkeys((*self.seen, *facts.keys)))
        return self._restarted(f"{why}, read there and back", seen=seen, paging=Paging.THERE)

    def _restarted(self, note: str, **changes: Any) -> "Walk":
        """The walk, begun again at page 1 with other settings (`changes`); rows may come a second time."""
        return replace(self._at_page_1(), note=f"{self.note}; {note}" if self.note else note, **changes)

    def _held(self, facts: PageFacts) -> tuple[Key, ...]:
        """The row versions that later pages may repeat: this page's, and earlier ones of the same second."""
        if self.paging is Paging.OVERLAPPING or self.mode is not WalkMode.BY_KEY:
            return facts.keys
        return tuple(dict.fromkeys((*self.seen, *facts.keys)))

    def _stalled(self, **changes: Any) -> "Walk":
        if self.stalls >= MAX_STALLS:
            raise WalkStuck
        return replace(self, stalls=self.stalls + 1, **changes)

    def _finished(self) -> "Walk":
        return replace(self, is_finished=True, seen=())

    def _is_after_start(self, time: datetime) -> bool:
        return self.started_at is not None and time > self.started_at

    def _is_the_next_walks(self, time: datetime, facts: PageFacts) -> bool:
        """Whether the next walk reads a row with this time: it is after this walk's start, and not in the future."""
        return self._is_after_start(time) and time <= facts.reported_at + CLOCKS_AGREE_WITHIN


def _text(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
