"""The newer one of two readings, with wrong clocks and timestamps."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.versions import FURTHEST_AHEAD, gives_way, goes_back, is_believable
from domain.watermarks import OVERLAP

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)

moments = st.integers(-10_000, 10_000).map(lambda seconds: NOON + timedelta(seconds=seconds))
versions = st.tuples(moments, moments)


@pytest.mark.parametrize(
    ("stamp", "read_at", "gives", "gives_in_full_run"),
    [
        (NOON, NOON, True, True),  # the same version again
        (NOON + SECOND, NOON - OVERLAP, True, True),  # a later change, read at any time
        (NOON - SECOND, NOON + OVERLAP, False, False),  # a delayed response
        (NOON - SECOND, NOON + OVERLAP + SECOND, False, True),  # Zoho's clock was set back
        (NOON - timedelta(days=400), NOON + timedelta(days=1), False, True),
    ],
)
def test_an_older_timestamp_wins_only_in_a_full_run_that_read_it_clearly_later(
    stamp: datetime, read_at: datetime, gives: bool, gives_in_full_run: bool
) -> None:
    cached = (NOON, NOON)
    assert gives_way(cached, (stamp, read_at), stamps_may_go_back=False) is gives
    assert gives_way(cached, (stamp, read_at), stamps_may_go_back=True) is gives_in_full_run


@given(versions, versions)
def test_no_two_readings_replace_each_other_in_an_incremental_run(
    one: tuple[datetime, datetime], other: tuple[datetime, datetime]
) -> None:
    both = gives_way(one, other, stamps_may_go_back=False) and gives_way(other, one, stamps_may_go_back=False)
    assert both is (one == other)


@given(versions, versions)
def test_a_timestamp_goes_back_only_if_it_is_older_and_read_later(
    cached: tuple[datetime, datetime], read: tuple[datetime, datetime]
) -> None:
    assert not goes_back(cached, read) or (read[0] < cached[0] and read[1] > cached[1])


def test_a_cached_row_without_times_is_replaced() -> None:
    never = datetime.min.replace(tzinfo=UTC)
    assert gives_way((never, never), (NOON, NOON), stamps_may_go_back=True)


@pytest.mark.parametrize(
    ("moment", "believable"),
    [
        (NOON, True),
        (NOON + FURTHEST_AHEAD, True),
        (NOON + FURTHEST_AHEAD + SECOND, False),
        (datetime.max.replace(tzinfo=UTC), False),
        (datetime.min.replace(tzinfo=UTC), True),
    ],
)
def test_a_timestamp_up_to_a_day_ahead_is_believable(moment: datetime, believable: bool) -> None:
    assert is_believable(moment, NOON) is believable
