"""Promises of domain/nights.py: a daily full sync begins in the organisation's night, each at its own minute."""

import uuid
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.nights import FIRST_HOUR, LAST_HOUR, seconds_to_full_sync

A_DAY = 86_400.0
SYDNEY = ZoneInfo("Australia/Sydney")
LONDON = ZoneInfo("Europe/London")

#: Two hours after the night's first minute: 03:00.
AT_THREE = uuid.UUID(int=120)


def due(now: datetime, zone: ZoneInfo, *, interval: float = A_DAY, connection: uuid.UUID = AT_THREE) -> datetime:
    """The next full sync on the organisation's clock."""
    seconds = seconds_to_full_sync(now, interval, zone, connection)
    return (now.astimezone(UTC) + timedelta(seconds=seconds)).astimezone(zone)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        # In time: the next night.
        ("2026-06-10T03:00:01", "2026-06-11T03:00:00"),
        # Late, or connected in the daytime: also the next night.
        ("2026-06-10T14:30:00", "2026-06-11T03:00:00"),
        ("2026-06-10T23:59:00", "2026-06-11T03:00:00"),
        # Connected just before the night's minute: it has been read completely.
        ("2026-06-10T01:30:00", "2026-06-11T03:00:00"),
        # The clock is set back, then forward.
        ("2026-10-24T03:00:01", "2026-10-25T03:00:00"),
        ("2026-10-25T03:00:01", "2026-10-26T03:00:00"),
        ("2026-03-28T03:00:01", "2026-03-29T03:00:00"),
    ],
)
def test_a_daily_full_sync_begins_in_the_next_night(now: str, expected: str) -> None:
    began = datetime.fromisoformat(now).replace(tzinfo=LONDON)
    assert due(began, LONDON).replace(tzinfo=None) == datetime.fromisoformat(expected)


def test_a_weekly_full_sync_begins_a_week_later() -> None:
    began = datetime(2026, 6, 10, 3, 0, 1, tzinfo=LONDON)
    assert due(began, LONDON, interval=7 * A_DAY).date().isoformat() == "2026-06-17"


def test_a_full_sync_several_times_a_day_does_not_wait_for_a_night() -> None:
    assert seconds_to_full_sync(datetime(2026, 6, 10, tzinfo=UTC), 3600, LONDON, AT_THREE) == 3600


def test_connections_do_not_all_begin_at_once() -> None:
    now = datetime(2026, 6, 10, 12, tzinfo=UTC)
    moments = {due(now, LONDON, connection=uuid.uuid5(AT_THREE, str(number))) for number in range(100)}
    assert len(moments) > 50


@given(
    now=st.integers(1_767_225_600, 1_830_000_000).map(lambda second: datetime.fromtimestamp(second, UTC)),
    connection=st.uuids(),
    zone=st.sampled_from([LONDON, SYDNEY, ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata"), ZoneInfo("UTC")]),
)
def test_a_full_sync_is_always_in_the_future_at_night_and_within_a_day(
    now: datetime, connection: uuid.UUID, zone: ZoneInfo
) -> None:
    moment = due(now, zone, connection=connection)
    assert timedelta(0) < moment - now <= timedelta(hours=26)
    # A minute that the clock change skips is an hour later.
    assert FIRST_HOUR <= moment.hour <= LAST_HOUR
