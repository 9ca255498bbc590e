"""Requests and reads pages of Zoho's lists, of contacts, persons and invoices alike (API section 2: requests)."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone, tzinfo

from domain.lists import PER_PAGE, ListedT, ListRequest, Page, RawPage, Rejected, Sort
from workers.zoho.errors import UnusableResponse
from workers.zoho.fields import soft_flag
from workers.zoho.records import read_rows, stamp_checked
from workers.zoho.transport import Response

_SORT_ORDERS = {Sort.OLDEST_CHANGE_FIRST: "A", Sort.NEWEST_CHANGE_FIRST: "D"}


def list_params(request: ListRequest, zone: tzinfo) -> dict[str, str]:
    """The query parameters of one page, with records of every status; times are in the organisation's `zone`."""
    params = {
        "filter_by": "Status.All",
        "sort_column": "last_modified_time",
        "sort_order": _SORT_ORDERS[request.sort],
        **page_params(request.page, request.per_page),
    }
    if request.modified_since is not None:
        params["last_modified_time"] = zoho_time(request.modified_since, zone)
    return params


def page_params(page: int, per_page: int = PER_PAGE) -> dict[str, str]:
    """The query parameters for page number and page length. Without a length Zoho's default depends on the list."""
    return {"page": str(page), "per_page": str(per_page)}


def zoho_time(at: datetime, zone: tzinfo) -> str:
    """A time as `YYYY-MM-DDTHH:MM:SS±HHMM`, the only form that Zoho accepts.

    Fractions of a second are cut off. A filter with the result then begins earlier, not later, and misses no change.
    """
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    # The offset is rounded to minutes: before time zones existed, local offsets had seconds, which this form cannot
    # express.
    whole_minutes = timezone(timedelta(minutes=offset // timedelta(minutes=1)))
    text = at.astimezone(whole_minutes).isoformat(timespec="seconds")
    return text[:-3] + text[-2:]  # The colon in the offset is removed, because Zoho returns HTTP 400 for it.


def read_page(response: Response, key: str, read: Callable[[object], ListedT | Rejected]) -> Page[ListedT]:
    """Read the page from the response of a list.

    Raises:
        UnusableResponse: the response has no list under `key`, or does not report whether more pages follow. If such a
            page were read as the last one, all records on later pages would seem to be deleted.
    """
    rows = response.body.get(key)
    if not isinstance(rows, list):
        raise UnusableResponse(response.call, detail=f"no list of {key}")
    more = _has_more(response.body)
    if more is None:
        raise UnusableResponse(response.call, detail="no page_context.has_more_page")
    understood, rejected = read_rows(rows, stamp_checked(read, response.received_at))
    raw = RawPage(response.content, response.server_time, response.received_at)
    return Page(understood, rejected, has_more=more, server_time=response.server_time, raw=raw)


def _has_more(body: Mapping[str, object]) -> bool | None:
    context = body.get("page_context")
    return soft_flag(context.get("has_more_page")) if isinstance(context, dict) else None
