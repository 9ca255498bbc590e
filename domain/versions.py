"""Versions: which of two readings of a record is the newer one, although clocks and stamps may be wrong."""

from datetime import UTC, datetime, timedelta

from domain.watermarks import OVERLAP

#: A timestamp further ahead of the present cannot be the time of a change.
FURTHEST_AHEAD = timedelta(days=1)

#: (Zoho's time of the last change, the server's time of the response); an unknown time is the oldest one.
Version = tuple[datetime, datetime]

_LONG_AGO = datetime.min.replace(tzinfo=UTC)

#: The value of `asked_version` for a record without a modified time.
NO_VERSION = datetime(1970, 1, 1, tzinfo=UTC)


def version_of(modified_at: datetime | None, observed_at: datetime | None) -> Version:
    """The version with these times; an unknown time is the oldest one."""
    return (modified_at or _LONG_AGO, observed_at or _LONG_AGO)


def is_believable(moment: datetime, now: datetime) -> bool:
    """Whether a timestamp of Zoho may be the time of a change. Every past time may be."""
    return moment <= now + FURTHEST_AHEAD


def gives_way(cached: Version, read: Version, *, stamps_may_go_back: bool) -> bool:
    """Whether a cached version is replaced by the version that was read.

    An older timestamp loses, because responses may arrive in any order. Where timestamps may go back (in a full run), a
    reading that is clearly younger wins anyway, because Zoho's clock may have been wrong when the cached timestamp was
    made.
    """
    return read >= cached or (stamps_may_go_back and goes_back(cached, read))


def is_replaced_by(cached: Version, read: Version, *, stamps_may_go_back: bool) -> bool:
    """`gives_way` for records that one response holds whole: invoices.

    Where stamps may go back, a reading that is clearly older loses as well, whatever its stamp. An invoice that waits
    for its customer is written long after it was read. A customer may be joined from two responses and has the time of
    the older one, so its age proves nothing.
    """
    return gives_way(cached, read, stamps_may_go_back=stamps_may_go_back) and not (
        stamps_may_go_back and goes_back(read, cached)
    )


def goes_back(cached: Version, read: Version) -> bool:
    """Whether a timestamp went back although it was read clearly later."""
    (cached_stamp, cached_at), (stamp, read_at) = cached, read
    return stamp < cached_stamp and read_at - cached_at > OVERLAP
