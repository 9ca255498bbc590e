"""Watermarks: how far back an incremental read begins before the moment up to which everything is cached."""

from datetime import datetime, timedelta

#: A change may become visible later than it is stamped. Rows read again for it cost no further call.
OVERLAP = timedelta(minutes=5)


def overlapping(watermark: datetime | None) -> datetime | None:
    """Where an incremental walk begins: a little before the watermark; None (everything) without a watermark."""
    return watermark - OVERLAP if watermark else None
