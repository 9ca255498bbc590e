"""Requests for lists, and the conditions for a usable response."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.lists import ListRequest, Sort
from tests.tables import table
from tests.unit.workers.zoho.fakes import SERVER_TIME, a_contact_row
from workers.zoho.entities import list_params, read_page, zoho_time
from workers.zoho.errors import UnusableResponse
from workers.zoho.records import contact_from_row
from workers.zoho.transport import Response


@table(
    ("at", "zone", "text"),
    [
        (datetime(2013, 10, 7, 12, 54, 51, tzinfo=UTC), ZoneInfo("Asia/Kolkata"), "2013-10-07T18:24:51+0530"),
        # Never Z and never +00:00.
        (datetime(2026, 1, 5, 8, 0, 0, tzinfo=UTC), UTC, "2026-01-05T08:00:00+0000"),
        (datetime(2026, 1, 5, 8, 0, 0, tzinfo=UTC), ZoneInfo("Europe/London"), "2026-01-05T08:00:00+0000"),
        # The offset changes with the season.
        (datetime(2026, 7, 5, 8, 0, 0, tzinfo=UTC), ZoneInfo("Europe/London"), "2026-07-05T09:00:00+0100"),
        # The same wall-clock time twice, an hour apart.
        (datetime(2026, 11, 1, 5, 30, tzinfo=UTC), ZoneInfo("America/New_York"), "2026-11-01T01:30:00-0400"),
        (datetime(2026, 11, 1, 6, 30, tzinfo=UTC), ZoneInfo("America/New_York"), "2026-11-01T01:30:00-0500"),
        # Truncated, not rounded up, so that the rows of that second are still requested.
        (datetime(2026, 1, 5, 8, 0, 0, 999_999, tzinfo=UTC), UTC, "2026-01-05T08:00:00+0000"),
        # From another zone.
        (datetime(2026, 1, 5, 8, tzinfo=timezone(timedelta(hours=2))), UTC, "2026-01-05T06:00:00+0000"),
        # An offset with seconds, from before time zones.
        (datetime(1970, 1, 1, tzinfo=UTC), ZoneInfo("Africa/Monrovia"), "1969-12-31T23:15:00-0045"),
        (datetime(1, 1, 2, tzinfo=UTC), UTC, "0001-01-02T00:00:00+0000"),
    ],
)
def test_times_are_written_in_the_form_that_zoho_accepts(at: datetime, zone: tzinfo, text: str) -> None:
    assert zoho_time(at, zone) == text


def test_page_is_requested_by_modified_time_with_every_status_at_maximum_size() -> None:
    request = ListRequest(datetime(2013, 10, 7, 12, 54, 51, tzinfo=UTC), Sort.OLDEST_CHANGE_FIRST, page=2)

    assert list_params(request, ZoneInfo("Asia/Kolkata")) == {
        "filter_by": "Status.All",
        "sort_column": "last_modified_time",
        "sort_order": "A",
        "page": "2",
        "per_page": "200",
        "last_modified_time": "2013-10-07T18:24:51+0530",
    }


def test_everything_is_requested_without_a_start() -> None:
    params = list_params(ListRequest(None, Sort.NEWEST_CHANGE_FIRST), UTC)

    assert params["sort_order"] == "D"
    assert "last_modified_time" not in params


def an_answer(**body: Any) -> Response:
    return Response("GET /contacts", body, SERVER_TIME, received_at=SERVER_TIME)


@pytest.mark.parametrize(("told", "more"), [(True, True), (False, False), ("true", True), ("false", False)])
def test_page_has_rows_rejected_rows_more_and_the_servers_time(told: object, more: bool) -> None:
    answer = an_answer(contacts=[a_contact_row(), "?"], page_context={"has_more_page": told})

    page = read_page(answer, "contacts", contact_from_row)

    assert (len(page.rows), len(page.rejected), page.has_more, page.server_time) == (1, 1, more, SERVER_TIME)


@table(
    "body",
    [
        # The list is missing.
        {"page_context": {"has_more_page": False}},
        {"contacts": None, "page_context": {"has_more_page": False}},
        {"contacts": {}, "page_context": {"has_more_page": False}},
        # It is unknown whether more rows follow, and to stop here could lose them.
        {"contacts": []},
        {"contacts": [], "page_context": None},
        {"contacts": [], "page_context": []},
        {"contacts": [], "page_context": {}},
        {"contacts": [], "page_context": {"has_more_page": None}},
        {"contacts": [], "page_context": {"has_more_page": 2}},
    ],
)
def test_page_without_its_list_or_has_more_is_invalid(body: dict[str, Any]) -> None:
    with pytest.raises(UnusableResponse, match="GET /contacts: no "):
        read_page(an_answer(**body), "contacts", contact_from_row)
