"""The filters of the templates: durations, times and numbers for people."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.time_zones import zone_named


def _span(seconds: float) -> str:
    """Format a duration for people."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"


def _ago(moment: datetime | None, now: datetime) -> str:
    return "never" if moment is None else f"{_span(max(timedelta(0), now - moment).total_seconds())} ago"


def _until(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "never"
    return "is due" if moment <= now else f"in {_span((moment - now).total_seconds())}"


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _clock(moment: datetime, *zones: str) -> str:
    """Format a moment on the clock of the first zone that is known, with the zone."""
    zone = zone_named(*zones)
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M} {zone.key}"


FILTERS: Mapping[str, Callable[..., Any]] = {
    "span": _span,
    "ago": _ago,
    "until": _until,
    "utc": _utc,
    "clock": _clock,
    "thousands": "{:,}".format,
    "words": lambda name: str(name).replace("_", " "),
}
