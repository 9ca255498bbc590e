"""Requests for a page of a Zoho list, and the content of a page; the same for contacts, persons and invoices."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

#: The rows of a requested page: Zoho's maximum, which needs the fewest calls.
PER_PAGE = 200


class Sort(StrEnum):
    """The orders in which booksync requests a list."""

    OLDEST_CHANGE_FIRST = "oldest_change_first"  #: sort_column=last_modified_time, sort_order=A
    NEWEST_CHANGE_FIRST = "newest_change_first"  #: sort_column=last_modified_time, sort_order=D


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A request for one page of a list, counted from 1: the order, and rows since `modified_since` (None: all)."""

    modified_since: datetime | None
    sort: Sort
    page: int = 1
    per_page: int = PER_PAGE  #: less than the maximum of rows only for a page that overlaps the page before


class Listed(Protocol):
    """The fields that each row of a walked list has."""

    @property
    def record_id(self) -> str: ...
    @property
    def modified_at(self) -> datetime | None: ...


RowT = TypeVar("RowT", covariant=True)
ListedT = TypeVar("ListedT", bound=Listed)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A rejected row of a list: its id and the reason, without its content."""

    record_id: str | None
    reason: str
    owner_id: str | None = None  #: for a row without a valid id: the contact of a person, the customer of an invoice


@dataclass(frozen=True, slots=True)
class RawPage:
    """One page of a list as Zoho has returned it: JSON text in bytes, with the times of the response (UTC)."""

    content: bytes = field(repr=False)
    server_time: datetime  #: by the server's clock
    received_at: datetime  #: by booksync's clock


@dataclass(frozen=True, slots=True)
class Page(Generic[RowT]):
    """One page of a list: its valid and rejected rows, whether more pages follow, the server's time (`Date`, UTC)."""

    rows: Sequence[RowT]
    rejected: Sequence[Rejected]
    has_more: bool
    server_time: datetime
    raw: RawPage | None = field(default=None, repr=False, compare=False)


def record_ids(page: Page[ListedT]) -> list[str]:
    """Every record id on a page, including the ids of rejected rows."""
    return [row.record_id for row in page.rows] + [aside.record_id for aside in page.rejected if aside.record_id]
