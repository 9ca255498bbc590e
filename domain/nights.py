"""Nights: the local hours in which an organisation's full syncs begin, because its calls have no other use then."""

import uuid
from datetime import UTC, datetime, timedelta, tzinfo

#: The organisation's local hours in which full syncs begin.
FIRST_HOUR, LAST_HOUR = 1, 5

_DAY = timedelta(days=1)

#: Added to the interval, because a day on which the clock is set back has 25 hours. Without it, the connection's minute
#: of the next night would be later than a day from now.
_SLACK = timedelta(hours=2)


def seconds_to_full_sync(now: datetime, interval_seconds: float, zone: tzinfo, connection_id: uuid.UUID) -> float:
    """The seconds from a full sync that begins now to the next one, which is at night if the interval is a day or more.

    Each connection has its own minute of the night, so that not all full syncs begin at once. If several nights are
    within the interval (with two hours added), the last one is chosen. So a late sync does not delay the following
    syncs.
    """
    interval = timedelta(seconds=interval_seconds)
    if interval < _DAY:
        return interval_seconds
    minute = _minute_of_night(connection_id)
    latest = now.astimezone(UTC) + interval + _SLACK
    day = latest.astimezone(zone).date()
    while (slot := datetime(day.year, day.month, day.day, tzinfo=zone) + minute) > latest:
        day -= _DAY
    return slot.timestamp() - now.timestamp()


def _minute_of_night(connection_id: uuid.UUID) -> timedelta:
    minutes = (LAST_HOUR - FIRST_HOUR) * 60
    return timedelta(hours=FIRST_HOUR, minutes=connection_id.int % minutes)
