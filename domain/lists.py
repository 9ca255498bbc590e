"""What booksync asks of a Zoho list, and what a page of it answers; the same for contacts, persons and invoices."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

#: Zoho's maximum, and so the fewest calls.
PER_PAGE = 200


class Sort(StrEnum):
    """The orders that booksync asks for."""

    OLDEST_CHANGE_FIRST = "oldest_change_first"  #: sort_column=last_modified_time, sort_order=A
    NEWEST_CHANGE_FIRST = "newest_change_first"  #: sort_column=last_modified_time, sort_order=D


@dataclass(frozen=True, slots=True)
class ListRequest:
    """One page to ask for: rows modified at or after `modified_since` (None: all), in that order, page from 1."""

    modified_since: datetime | None
    sort: Sort
    page: int = 1
    per_page: int = PER_PAGE  #: fewer, so that a page overlaps the one before


class Listed(Protocol):
    """What every row of a walked list has."""

    @property
    def record_id(self) -> str: ...
    @property
    def modified_at(self) -> datetime | None: ...


RowT = TypeVar("RowT", covariant=True)
ListedT = TypeVar("ListedT", bound=Listed)


@dataclass(frozen=True, slots=True)
class SetAside:
    """A row that cannot be understood: what it is, why, and nothing of its content but the ids that it has."""

    record_id: str | None
    reason: str
    owner_id: str | None = None  #: without a good id of its own: of a person its contact, of an invoice its customer


@dataclass(frozen=True, slots=True)
class Page(Generic[RowT]):
    """One answer: the rows understood and those not, whether more follow, and the server's own time (`Date`, UTC)."""

    rows: Sequence[RowT]
    set_aside: Sequence[SetAside]
    has_more: bool
    server_time: datetime


def record_ids(page: Page[ListedT]) -> list[str]:
    """Every id on a page: what could not be understood is there all the same."""
    return [row.record_id for row in page.rows] + [aside.record_id for aside in page.set_aside if aside.record_id]
