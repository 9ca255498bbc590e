"""The facts of a page by which a walk decides what to request next, and the choice of the next page by its number."""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from domain.lists import Listed, ListedT, Page

#: Rows that a page repeats from the one before, by key or by number. The pages still overlap if two of these rows are
#: deleted in between, and one row in a wrong position cannot make the walk skip rows.
OVERLAP = 3

#: One version of a row: the row's id and the second of its change.
Key = tuple[str, datetime | None]


@dataclass(frozen=True, slots=True)
class PageFacts:
    """The facts of a page by which a walk decides: its row versions, and the known times of its rows in page order."""

    keys: tuple[Key, ...]
    times: tuple[datetime, ...]
    length: int
    has_more: bool
    reported_at: datetime  #: the time of the page by the server's clock

    @classmethod
    def of(cls, page: Page[ListedT]) -> "PageFacts":
        keys = [key_of(row) for row in page.rows]
        return cls(
            keys=(*keys, *((aside.record_id, None) for aside in page.rejected if aside.record_id)),
            times=tuple(time for _, time in keys if time is not None),
            length=len(page.rows) + len(page.rejected),
            has_more=page.has_more,
            reported_at=page.server_time,
        )

    @property
    def steer(self) -> datetime | None:
        return steer_of(self.times)

    def is_cut_as_asked(self, per_page: int) -> bool:
        return self.length == per_page or (self.length < per_page and not self.has_more)

    def keeps_order_of(self, seen: Sequence[Key]) -> bool:
        """Whether the rows in `seen` have the same order on this page.

        A server need not keep the order of rows that have the same second.
        """
        places = {key: place for place, key in enumerate(seen)}
        return ascends([places[key] for key in self.keys if key in places and key[1] is not None])

    def shares_with(self, seen: Sequence[Key]) -> bool:
        return not set(self.keys).isdisjoint(seen)

    def adds_to(self, seen: Sequence[Key]) -> bool:
        return not set(self.keys).issubset(seen)


class _Ordered(Protocol):
    def __le__(self, other: Any, /) -> bool: ...


def steer_of(times: Sequence[datetime]) -> datetime | None:
    """The time at which the next request may start, so that it repeats the page's last rows; None without times."""
    return times[-overlap(len(times))] if times else None


def overlap(page_length: int) -> int:
    return min(OVERLAP, max(1, page_length // 4))


def furthest_page(covered: int, longest: int, pages: int = 1) -> tuple[int, int]:
    """(page number, page length) of the page that reaches furthest and still begins within the rows read so far.

    `covered` is the number of rows read so far, and `longest` the maximum length. With `pages` above 1, the page is the
    last of that many adjacent pages; the first of them begins within the rows read so far.
    """
    begin = covered - overlap(longest)
    per_page = max(range(max(1, longest // 2), longest + 1), key=lambda length: (begin // length + pages) * length)
    return begin // per_page + pages, per_page


def ascends(values: Sequence[_Ordered]) -> bool:
    return all(map(operator.le, values, values[1:]))


def is_before(time: datetime | None, bound: datetime | None) -> bool:
    return time is not None and bound is not None and time < bound


def key_of(row: Listed) -> Key:
    return row.record_id, None if row.modified_at is None else second(row.modified_at)


def second(time: datetime) -> datetime:
    """The time in whole seconds, because Zoho's filter and rows have no finer times."""
    return time.astimezone(UTC).replace(microsecond=0)
