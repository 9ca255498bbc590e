"""The simulator counts arrivals as Zoho does: exactly, per organisation, and with its three codes."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.zoho.limits import Limits, OrganizationLimiter
from sandbox.zoho.responses import ZohoError
from sandbox.zoho.stats import worst_window

NOON_UTC = 1_760_011_200.0  # 2025-10-09 12:00 UTC


def a_limiter(zone: str = "UTC", **limits: float) -> OrganizationLimiter:
    limiter = OrganizationLimiter(Limits(), ZoneInfo(zone))
    limiter.change(limits)
    return limiter


def code_of_arrival(limiter: OrganizationLimiter, at: float) -> int:
    """Zoho's code for an arrival, 0 when admitted; the call ends at once."""
    try:
        limiter.admit(at, NOON_UTC + at)
    except ZohoError as refusal:
        return refusal.code
    limiter.leave()
    return 0


def codes(limiter: OrganizationLimiter, instants: Iterable[float]) -> list[int]:
    return [code_of_arrival(limiter, at) for at in instants]


def test_the_hundredth_call_of_a_minute_passes_and_the_next_is_refused() -> None:
    assert codes(a_limiter(), [number / 10 for number in range(101)]) == [0] * 100 + [44]


def test_the_window_slides_so_a_burst_across_a_clock_minute_is_caught() -> None:
    limiter = a_limiter(requests_per_minute=4)
    assert codes(limiter, [59.0, 59.1, 60.0, 60.1, 60.2]) == [0, 0, 0, 0, 44]


def test_a_call_exactly_one_window_later_is_in_the_next_window() -> None:
    limiter = a_limiter(requests_per_minute=1)
    assert codes(limiter, [0.0, 60.0]) == [0, 0]


def test_exceeding_the_minute_blocks_the_organisation_for_a_while() -> None:
    limiter = a_limiter(requests_per_minute=1, window_seconds=10, block_seconds=60)
    assert codes(limiter, [0.0, 1.0, 30.0, 60.9, 61.0]) == [0, 44, 44, 44, 0]


def test_unblocking_clears_the_minutes_call_log() -> None:
    limiter = a_limiter(requests_per_minute=1)
    assert codes(limiter, [0.0, 1.0]) == [0, 44]
    limiter.unblock()
    assert codes(limiter, [1.0]) == [0]


def test_more_calls_at_once_than_allowed_are_refused_with_their_own_code() -> None:
    limiter = a_limiter(concurrency=2)
    limiter.admit(0.0, NOON_UTC)
    limiter.admit(0.1, NOON_UTC)
    assert code_of_arrival(limiter, 0.2) == 1070
    limiter.leave()
    assert code_of_arrival(limiter, 0.3) == 0
    assert limiter.max_in_flight == 2


def test_the_day_ends_at_the_organisations_own_midnight() -> None:
    limiter = a_limiter("Asia/Kolkata", requests_per_day=1)
    to_midnight = 6.5 * 3600  # 12:00 UTC is 17:30 there.
    assert codes(limiter, [0.0, to_midnight - 1, to_midnight]) == [0, 45, 0]


def test_headers_show_the_day_and_the_seconds_to_midnight() -> None:
    limiter = a_limiter("Asia/Kolkata", requests_per_day=1000)
    code_of_arrival(limiter, 0.0)
    assert limiter.headers(NOON_UTC) == {
        "X-Rate-Limit-Limit": "1000",
        "X-Rate-Limit-Remaining": "999",
        "X-Rate-Limit-Reset": str(int(6.5 * 3600) + 1),
    }


def test_remaining_is_negative_within_the_day_grace() -> None:
    limiter = a_limiter(requests_per_day=1, day_grace=1)
    assert codes(limiter, [0.0, 1.0, 2.0]) == [0, 0, 45]
    assert limiter.headers(NOON_UTC)["X-Rate-Limit-Remaining"] == "-1"


def test_other_integrations_use_the_same_day() -> None:
    limiter = a_limiter(requests_per_day=10)
    limiter.use_day(10)
    assert code_of_arrival(limiter, 0.0) == 0, "a day begins with its first call"
    limiter.use_day(9)
    assert code_of_arrival(limiter, 1.0) == 45


@given(st.lists(st.floats(0, 300), max_size=60).map(sorted), st.integers(1, 8))
def test_no_window_ever_admits_more_than_its_limit(instants: list[float], limit: int) -> None:
    limiter = a_limiter(requests_per_minute=limit, block_seconds=0)
    admitted = [at for at, code in zip(instants, codes(limiter, instants), strict=True) if code == 0]
    assert worst_window(admitted, 60) <= limit


@pytest.mark.parametrize(
    ("instants", "worst"),
    [
        ([], 0),
        ([5.0], 1),
        ([0.0, 59.9, 60.0], 2),  # The first and the last are a whole window apart.
        ([0.0, 30.0, 59.0, 61.0, 62.0], 4),
        ([3.0, 2.0, 1.0], 3),  # The order does not matter.
    ],
)
def test_the_worst_window_is_exact(instants: list[float], worst: int) -> None:
    assert worst_window(instants, 60) == worst
