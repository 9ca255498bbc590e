"""Responds to a list call: parses parameters as Zoho does, cuts the page, and builds the response from cached rows."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TypeVar

import orjson

from sandbox.zoho.ordering import Span
from sandbox.zoho.responses import bad_value
from sandbox.zoho.table import Table

Record = TypeVar("Record")
Test = Callable[[Record], bool]

MAX_PER_PAGE = 200
ZOHO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}")


@dataclass(frozen=True, slots=True)
class Window:
    """The requested page and order of a list; `column` None is the list's default order."""

    page: int
    per_page: int
    column: str | None
    descending: bool | None
    since: int | None
    """`last_modified_time` as an instant, inclusive."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The name of a list and its default order."""

    key: str
    report_name: str
    column: str
    order: str
    columns: frozenset[str]
    per_page: int


@dataclass(frozen=True, slots=True)
class Oddities:
    """What faults do to one list response."""

    is_empty: bool = False
    is_filter_ignored: bool = False
    is_sort_ignored: bool = False
    repeat_every: int = 0
    is_dropped: Callable[[int], bool] | None = None
    corrupt: Callable[[list[int], Callable[[int], bytes]], list[bytes]] | None = None


def read_window(query: Mapping[str, str], shape: Shape) -> Window:
    """Read the paging and sorting of a list's query.

    Raises ZohoError code 2 for values that Zoho refuses. `per_page` above the maximum is cut to it.
    """
    column = query.get("sort_column")
    if column is not None and column not in shape.columns:
        raise bad_value("sort_column")
    order = query.get("sort_order")
    if order is not None and order not in ("A", "D"):
        raise bad_value("sort_order")
    stamp = query.get("last_modified_time") if "last_modified_time" in shape.columns else None
    return Window(
        page=_positive(query, "page", 1),
        per_page=min(_positive(query, "per_page", shape.per_page), MAX_PER_PAGE),
        column=column,
        descending=None if order is None else order == "D",
        since=None if stamp is None else read_zoho_time(stamp),
    )


def read_zoho_time(text: str) -> int:
    """Read the instant from a text in the form `YYYY-MM-DDTHH:MM:SS±HHMM`.

    Any other form (`Z`, `+00:00`, …) raises ZohoError code 2.
    """
    if ZOHO_TIME.fullmatch(text) is None:
        raise bad_value("last_modified_time")
    try:
        return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z").timestamp())
    except ValueError:
        raise bad_value("last_modified_time") from None


def list_body(
    table: Table[Record],
    shape: Shape,
    window: Window,
    tests: Iterable[Test[Record]] = (),
    applied_filter: str = "",
    odd: Oddities | None = None,
) -> bytes:
    """The JSON body of a list response."""
    odd = odd or Oddities()
    ids, has_more = _page_ids(table, shape, window, list(tests), odd)
    rows = odd.corrupt(ids, table.row) if odd.corrupt else [table.row(record_id) for record_id in ids]
    context = page_context(shape, window, has_more, applied_filter)
    head = b'{"code":0,"message":"success","' + shape.key.encode() + b'":['
    return b"".join((head, b",".join(rows), b'],"page_context":', orjson.dumps(context), b"}"))


def page_context(shape: Shape, window: Window, has_more: bool, applied_filter: str = "") -> dict[str, object]:
    descending = shape.order == "D" if window.descending is None else window.descending
    return {
        "page": window.page,
        "per_page": window.per_page,
        "has_more_page": has_more,
        "report_name": shape.report_name,
        "applied_filter": applied_filter,
        "custom_fields": [],
        "sort_column": window.column or shape.column,
        "sort_order": "D" if descending else "A",
    }


def _page_ids(
    table: Table[Record], shape: Shape, window: Window, tests: list[Test[Record]], odd: Oddities
) -> tuple[list[int], bool]:
    if odd.is_empty:
        return [], False
    column = shape.column if window.column is None or odd.is_sort_ignored else window.column
    descending = window.descending
    if descending is None or odd.is_sort_ignored:
        descending = shape.order == "D"
    span = _ordered(table, column, descending, None if odd.is_filter_ignored else window.since)
    offset = (window.page - 1) * window.per_page
    if tests or odd.repeat_every:
        ids: Iterable[int] = _matching(span, table.listed, tests) if tests else span
        if odd.repeat_every:
            ids = _repeated(ids, odd.repeat_every)
        found = list(islice(ids, offset, offset + window.per_page + 1))
    else:
        found = span.cut(offset, window.per_page + 1)
    page = found[: window.per_page]
    if odd.is_dropped is not None:
        page = [record_id for record_id in page if not odd.is_dropped(record_id)]
    return page, len(found) > window.per_page


def _ordered(table: Table[Record], column: str, descending: bool, since: int | None) -> Span:
    if since is None:
        return table.ordering(column).span(descending=descending)
    recent = table.ordering("last_modified_time").span(since=since, descending=descending)
    if column == "last_modified_time":
        return recent
    ordering = table.ordering(column)
    return Span(sorted((ordering.key_of(record_id), record_id) for record_id in recent), descending=descending)


def _matching(ids: Iterable[int], records: Mapping[int, Record], tests: list[Test[Record]]) -> Iterator[int]:
    if len(tests) == 1:
        only = tests[0]
        return (record_id for record_id in ids if only(records[record_id]))
    return (record_id for record_id in ids if all(test(records[record_id]) for test in tests))


def _repeated(ids: Iterable[int], every: int) -> Iterator[int]:
    """The records of a list with every n-th one repeated, also across page boundaries."""
    for position, record_id in enumerate(ids, 1):
        yield record_id
        if position % every == 0:
            yield record_id


def _positive(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not text.isdecimal() or int(text) < 1:
        raise bad_value(name)
    return int(text)
