"""Watermarks: the start of an incremental read, a little before the moment up to which everything is cached."""

from datetime import datetime, timedelta

#: The overlap of two incremental reads. A change may become visible later than its stamp. Rows read again cost no
#: further call.
OVERLAP = timedelta(minutes=5)


def overlapping(watermark: datetime | None) -> datetime | None:
    """The start of an incremental walk: a little before the watermark; None (read everything) without a watermark."""
    return watermark - OVERLAP if watermark else None
