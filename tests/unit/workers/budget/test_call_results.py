"""The budget facts of a Zoho response; invalid values are ignored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tables import table
from workers.budget import PauseReason
from workers.budget.call_results import CallResult, read_result


@table(
    ("status", "code", "refusal"),
    [
        (429, 44, PauseReason.MINUTE),
        (429, 43, PauseReason.MINUTE),
        (429, 45, PauseReason.DAY),
        (429, 1070, PauseReason.CONCURRENCY),
        (429, None, PauseReason.MINUTE),  # a body that is not JSON
        (429, 9999, PauseReason.MINUTE),
        (400, 45, PauseReason.DAY),  # the code decides, not the status
        (200, 44, PauseReason.MINUTE),
        (200, 0, None),
        (404, 1002, None),
        (503, None, None),
    ],
)
def test_refusals_are_recognised_by_code_and_any_other_429_is_the_minute_limit(
    status: int, code: int | None, refusal: PauseReason | None
) -> None:
    assert read_result(status, code, {}).refusal is refusal


@pytest.mark.parametrize(("status", "accepted"), [(200, True), (404, True), (401, True), (500, False), (429, False)])
def test_only_a_response_from_behind_the_limits_counts_as_accepted(status: int, accepted: bool) -> None:
    assert read_result(status, None, {}).accepted is accepted


def test_daily_headers_are_read_in_any_case_and_may_be_negative() -> None:
    answer = read_result(
        200, 0, {"x-rate-limit-limit": "1000", "X-RATE-LIMIT-REMAINING": " -3 ", "X-Rate-Limit-Reset": "3600"}
    )

    assert (answer.day_limit, answer.day_remaining, answer.day_resets_in_seconds) == (1000, -3, 3600)


@table("garbage", ["", "many", "1.5", "1e3", "٣", "0x10", "9" * 30, "12;34", "--1"])
def test_headers_that_are_not_integers_are_ignored(garbage: str) -> None:
    names = ("X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset", "Retry-After")

    assert read_result(200, 0, dict.fromkeys(names, garbage)) == CallResult(refusal=None, accepted=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Rate-Limit-Limit", "0"),
        ("X-Rate-Limit-Limit", "-5"),
        ("X-Rate-Limit-Reset", "-1"),
        ("X-Rate-Limit-Reset", "1795337546"),  # a time rather than seconds
        ("Retry-After", "0"),
        ("Retry-After", "-7"),
    ],
)
def test_implausible_numbers_are_ignored(name: str, value: str) -> None:
    assert read_result(200, 0, {name: value}) == CallResult(refusal=None, accepted=True)


def test_retry_after_may_be_seconds() -> None:
    assert read_result(429, 44, {"Retry-After": "17"}).retry_after_seconds == 17


def test_retry_after_may_be_a_date_on_the_servers_clock() -> None:
    headers = {"Date": "Mon, 02 Mar 2026 12:00:00 GMT", "Retry-After": "Mon, 02 Mar 2026 12:01:30 GMT"}

    assert read_result(429, 44, headers).retry_after_seconds == 90


def test_retry_after_date_without_the_servers_clock_is_ignored() -> None:
    assert read_result(429, 44, {"Retry-After": "Mon, 02 Mar 2026 12:01:30 GMT"}).retry_after_seconds is None


def test_an_absurd_retry_after_is_cut_to_a_day() -> None:
    assert read_result(429, 44, {"Retry-After": "99999999"}).retry_after_seconds == 25 * 3600


@pytest.mark.slow
@given(
    st.dictionaries(
        st.sampled_from(["X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset", "Retry-After", "Date"]),
        st.text() | st.from_regex(r"\w{3}, \d+ Mar \d+ \d+:\d+:\d+ [+-]?\w+", fullmatch=True),
    )
)
def test_no_header_breaks_the_reading(headers: dict[str, str]) -> None:
    assert read_result(200, 0, headers).refusal is None
