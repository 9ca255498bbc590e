"""The walk over a list that has no filter and no order by time, in the list's own order: ascending ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from domain.lists import PER_PAGE, ListedT, ListRequest, Page, Sort, record_ids
from domain.walk._modes import MAX_PAGE_STALLS, WalkStuck
from domain.walk._page_facts import ascends, furthest_page, second

#: The number of pages of a leap, by which a `WalkById` jumps ahead. Shorter leaps repeat more rows; longer leaps cost
#: more calls at the end of the list. With 24, a list of 20,000 rows or more takes about 1.03 times as many calls as it
#: has pages. If each page overlapped the one before, it would take 1.1 times as many, because few page numbers fit.
LEAP = 24


@dataclass(frozen=True, slots=True)
class FarPage:
    """The page to which a walk has jumped ahead, stored in the walk while the pages before this page are read."""

    page: int
    ids: tuple[str, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class WalkById:
    """The state of a walk between two pages: request `next_request`, pass the page to `take`, keep the returned walk.

    The walk jumps ahead by `leap` pages (a leap). Then it reads backwards, page by page, until a page shares a row with
    the rows before the leap. When a row is deleted, the rows behind it move forward, to pages that are still to be
    read, so no row is missed. A new row has a greater id than all others and comes at the end. At the end of the list,
    or if the ids do not ascend, the walk makes no leaps: each page overlaps the page before. A row that does not change
    is returned at least once. If a row is returned twice, the later page has the newest values.

    If Zoho returns pages of another length than requested, the last page before each leap is read again. This costs one
    call per leap, but no row is missed.

    A page that is wrongly empty, or whose ids show that it is another page, is requested again.
    """

    page: int = 1
    per_page: int = PER_PAGE
    covered: int = 0  #: rows from the start of the list that are read without a gap, if pages have the requested length
    seen: tuple[str, ...] = ()  #: the ids of the last page of the rows that are read without a gap
    far: FarPage | None = None  #: the page to which the walk has jumped; None: the next requested page is that page
    gap_end: str = ""  #: on the way backwards, the first id of the page read last: the rows to be read have lesser ids
    leap: int = LEAP  #: the pages of the next leap
    is_ordered: bool = True  #: the ids have ascended so far
    has_whole_pages: bool = False  #: pages of another length than the usual are refused or not honoured
    stalls: int = 0  #: how often in a row the present page seemed misplaced
    started_at: datetime | None = None  #: the server's time of the walk's first page
    is_finished: bool = False
    note: str = ""  #: why the walk costs more calls than usual; for the log

    def next_request(self) -> ListRequest | None:
        """The next page to request, of which only page and length matter; None when the walk is finished."""
        return None if self.is_finished else ListRequest(None, Sort.OLDEST_CHANGE_FIRST, self.page, self.per_page)

    def take(self, page: Page[ListedT]) -> tuple["WalkById", tuple[ListedT, ...]]:
        """Return the walk after the page of `next_request`, and the page's rows; some may have been returned before.

        Raises:
            WalkStuck: the list says that more rows follow, and returns nothing new.
        """
        if self.is_finished:
            raise ValueError("A finished walk takes no page.")
        walk = self if self.started_at else replace(self, started_at=second(page.server_time))
        rows = {row.record_id: row for row in page.rows}
        if self._is_misplaced(page) and self.stalls < MAX_PAGE_STALLS:
            return replace(walk, stalls=self.stalls + 1), tuple(rows.values())
        return replace(walk, stalls=0)._after(page), tuple(rows.values())

    def with_whole_pages(self) -> "WalkById | None":
        """The walk with pages of `PER_PAGE` rows, after Zoho has refused a page of another length.

        The result is None if the refused page already had this length.
        """
        if self.per_page == PER_PAGE:
            return None
        return replace(self._by_whole_pages("pages of another length are refused"), far=None)._leapt()

    def following_leap(self) -> "WalkById | None":
        """The walk of the next leap as it will be after this one; None if the walk makes no leap at present."""
        return self._covering(self.far) if self.far and self.far.has_more and self.leap > 1 else None

    def distrusting_as(self, other: "WalkById") -> "WalkById":
        """This walk's present leap again, in the way in which another walk over the list has had to continue."""
        if not other.is_ordered:
            return self._begun_again()
        return replace(self, has_whole_pages=True, note=other.note, far=None)._leapt()

    def to_json(self) -> dict[str, Any]:
        """The walk's state as JSON, with at most two pages of ids."""
        return {
            "page": self.page,
            "per_page": self.per_page,
            "covered": self.covered,
            "seen": list(self.seen),
            "far": self.far and {"page": self.far.page, "ids": list(self.far.ids), "has_more": self.far.has_more},
            "gap_end": self.gap_end,
            "leap": self.leap,
            "is_ordered": self.is_ordered,
            "has_whole_pages": self.has_whole_pages,
            "stalls": self.stalls,
            "started_at": self.started_at and self.started_at.isoformat(),
            "is_finished": self.is_finished,
            "note": self.note,
        }

    @classmethod
    def from_json(cls, json: Mapping[str, Any]) -> "WalkById":
        far, started_at = json["far"], json["started_at"]
        return cls(
            page=json["page"],
            per_page=json["per_page"],
            covered=json["covered"],
            seen=tuple(json["seen"]),
            far=far and FarPage(far["page"], tuple(far["ids"]), far["has_more"]),
            gap_end=json.get("gap_end", ""),  # a walk of an earlier release has none
            leap=json["leap"],
            is_ordered=json["is_ordered"],
            has_whole_pages=json["has_whole_pages"],
            stalls=json["stalls"],
            started_at=started_at and datetime.fromisoformat(started_at),
            is_finished=json["is_finished"],
            note=json["note"],
        )

    def _is_misplaced(self, page: Page[ListedT]) -> bool:
        """Whether the page cannot be at its position in the list: Zoho has returned another or a wrongly empty page.

        If many rows were deleted since the page before, a right page seems misplaced too.
        """
        if not record_ids(page):
            return page.has_more or self.far is not None or self.leap == 1 or self.page == 1
        if not page.rows:
            return False
        first = page.rows[0].record_id
        if not self.is_ordered:
            return self._adds_nothing(page) or first == self.gap_end
        is_behind_gap = self.gap_end != "" and _order(first) >= _order(self.gap_end)
        return self._adds_nothing(page) or is_behind_gap or self._is_before_gap(page)

    def _adds_nothing(self, page: Page[ListedT]) -> bool:
        """Whether the page, to which the walk has jumped ahead, has no new row."""
        return self.far is None and set(self.seen).issuperset(record_ids(page))

    def _is_before_gap(self, page: Page[ListedT]) -> bool:
        """Whether the page ends before the rows that are read without a gap end."""
        return bool(self.seen and page.rows) and _order(page.rows[-1].record_id) < _order(self.seen[-1])

    def _after(self, page: Page[ListedT]) -> "WalkById":
        facts = FarPage(self.page, _ids(page), page.has_more)
        length = len(page.rows) + len(page.rejected)
        if facts.has_more and (not facts.ids or self._adds_nothing(page)):
            raise WalkStuck
        if self.page == 1 and not facts.has_more:
            return self._finished()  # The whole list is in this page, in any order.
        # Deletions move rows forward, so an ordered list has no such page unless it ends there.
        is_disordered = facts.has_more and self._is_before_gap(page)
        if self.is_ordered and (is_disordered or not _ids_ascend(page.rows)):
            return self._begun_again()
        is_cut_as_asked = length == self.per_page or (length < self.per_page and not facts.has_more)
        if not is_cut_as_asked and not self.has_whole_pages:
            walk = self._by_whole_pages("pages are not cut as asked")
            # A page of the usual length has its known position; the position of any other page is unknown.
            return walk._on_from(facts, page) if self.per_page == PER_PAGE else replace(walk, far=None)._leapt()
        return self._on_from(facts, page)

    def _on_from(self, facts: FarPage, page: Page[ListedT]) -> "WalkById":
        gap_end = page.rows[0].record_id if page.rows else self.gap_end
        if self.far is None and self.leap > 1 and not facts.has_more:
            # New rows are added at the end of the list: there each page overlaps the one before.
            return replace(replace(self, leap=1)._leapt(), gap_end=gap_end)
        if self._is_joined(facts):
            return self._covering(self.far or facts)
        return replace(self, page=self.page - 1, far=self.far or facts, gap_end=gap_end)

    def _is_joined(self, facts: FarPage) -> bool:
        """Whether no row can be hidden between this page and the rows read so far, because both share a row.

        A first page, with no rows before it, counts too.
        """
        return self.page == 1 or not self.seen or not set(self.seen).isdisjoint(facts.ids)

    def _covering(self, far: FarPage) -> "WalkById":
        """The walk after all rows up to the end of the far page have been read."""
        if not far.has_more:
            return self._finished()
        return replace(self, covered=far.page * self.per_page, seen=far.ids, far=None)._leapt()

    def _leapt(self) -> "WalkById":
        """The walk with its next leap: the requested page is `leap` pages ahead of the rows read so far."""
        if self.has_whole_pages:
            page, per_page = self.covered // PER_PAGE + self.leap, PER_PAGE
        else:
            page, per_page = furthest_page(self.covered, PER_PAGE, self.leap)
        return replace(self, page=page, per_page=per_page, gap_end="", stalls=0)

    def _by_whole_pages(self, why: str) -> "WalkById":
        return replace(self, has_whole_pages=True)._noting(f"{why}: after each leap a page is read again")

    def _begun_again(self) -> "WalkById":
        again = WalkById(
            leap=1, is_ordered=False, has_whole_pages=self.has_whole_pages, started_at=self.started_at, note=self.note
        )
        return again._noting("the ids do not ascend, each page overlaps the one before")

    def _noting(self, note: str) -> "WalkById":
        return replace(self, note=f"{self.note}; {note}" if self.note else note)

    def _finished(self) -> "WalkById":
        return replace(self, is_finished=True, seen=(), far=None)


def _ids(page: Page[ListedT]) -> tuple[str, ...]:
    """The ids of the page, those of rejected rows first, whose order on the page is not known."""
    return (*(row.record_id for row in page.rejected if row.record_id), *(row.record_id for row in page.rows))


def _ids_ascend(rows: Sequence[ListedT]) -> bool:
    """Whether the ids, digits without leading zeros, ascend as numbers; repetitions are allowed."""
    return ascends([_order(row.record_id) for row in rows])


def _order(record_id: str) -> tuple[int, str]:
    return len(record_id), record_id
