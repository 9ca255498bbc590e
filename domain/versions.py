"""Versions: which of two reads of a record is the newer one, although clocks and stamps may be wrong."""

from datetime import UTC, datetime, timedelta

from domain.watermarks import OVERLAP

#: A stamp further ahead of the present than this cannot be the time of a change.
FURTHEST_AHEAD = timedelta(days=1)

#: A version: (Zoho's time of the last change, the server's time of the response). An unknown time is the oldest one.
Version = tuple[datetime, datetime]

_LONG_AGO = datetime.min.replace(tzinfo=UTC)

#: The value of the column `asked_version` for a record without a modified time.
NO_VERSION = datetime(1970, 1, 1, tzinfo=UTC)


def version_of(modified_at: datetime | None, observed_at: datetime | None) -> Version:
    """The version with these two times; an unknown time becomes the oldest one."""
    return (modified_at or _LONG_AGO, observed_at or _LONG_AGO)


def is_believable(moment: datetime, now: datetime) -> bool:
    """Whether a stamp of Zoho can be the time of a change: it is at most a day later than `now`."""
    return moment <= now + FURTHEST_AHEAD


def gives_way(cached: Version, read: Version, *, stamps_may_go_back: bool) -> bool:
    """Whether a cached version is replaced by the version that was read.

    The version with the later stamp wins, because responses may arrive in any order. If the stamps are equal, the later
    response wins. With `stamps_may_go_back` (in a full run) a clearly later response wins in spite of its earlier
    stamp, because Zoho's clock may have been wrong when the cached stamp was made.
    """
    return read >= cached or (stamps_may_go_back and goes_back(cached, read))


def is_replaced_by(cached: Version, read: Version, *, stamps_may_go_back: bool) -> bool:
    """Whether a cached invoice version is replaced by the version that was read, by `gives_way` and one more condition.

    With `stamps_may_go_back` a clearly earlier response loses, whatever its stamp, because a waiting invoice is written
    long after it was read. Customers do not have this condition, because a customer that was joined from two responses
    has the time of the earlier one.
    """
    return gives_way(cached, read, stamps_may_go_back=stamps_may_go_back) and not (
        stamps_may_go_back and goes_back(read, cached)
    )


def goes_back(cached: Version, read: Version) -> bool:
    """Whether the version `read` has an earlier stamp than the cached version, although it was read clearly later."""
    (cached_stamp, cached_at), (stamp, read_at) = cached, read
    return stamp < cached_stamp and read_at - cached_at > OVERLAP
