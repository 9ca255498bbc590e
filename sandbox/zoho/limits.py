"""Zoho's three limits of an organisation: calls a minute, a day, and at once. Arrivals count, not responses."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo

from sandbox.zoho.responses import day_exceeded, minute_exceeded, too_many_at_once


@dataclass(frozen=True, slots=True)
class Limits:
    requests_per_minute: int = 100
    window_seconds: float = 60.0
    block_seconds: float = 60.0
    requests_per_day: int = 10_000
    day_grace: int = 0
    """Calls served above the day's limit, with a negative X-Rate-Limit-Remaining, before calls are refused."""
    concurrency: int = 5


@dataclass(slots=True)
class OrganizationLimiter:
    """Enforces the limits of one organisation. The limit of a minute holds for any such window, wherever it begins."""

    limits: Limits
    zone: tzinfo
    in_flight: int = 0
    max_in_flight: int = 0
    _arrivals: deque[float] = field(default_factory=deque)
    _blocked_until: float = float("-inf")
    _day: str = ""
    _used_today: int = 0

    def admit(self, monotonic: float, wall: float) -> None:
        """Count the arrival of a call, or refuse the call.

        Raises ZohoError 44 (and blocks the whole organisation for a while), 45 or 1070. Calls refused with 44 or 45
        are not part of the minute's log, because the block is already the penalty.
        """
        self._turn_day(wall)
        if monotonic < self._blocked_until:
            raise minute_exceeded()
        while self._arrivals and self._arrivals[0] <= monotonic - self.limits.window_seconds:
            self._arrivals.popleft()
        if len(self._arrivals) >= self.limits.requests_per_minute:
            self._blocked_until = monotonic + self.limits.block_seconds
            raise minute_exceeded()
        if self._used_today >= self.limits.requests_per_day + self.limits.day_grace:
            raise day_exceeded()
        self._arrivals.append(monotonic)
        self._used_today += 1
        if self.in_flight >= self.limits.concurrency:
            raise too_many_at_once()
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)

    def change(self, changes: Mapping[str, float]) -> None:
        """Change the named limits from now on; other limits stay."""
        self.limits = replace(self.limits, **changes)  # type: ignore[arg-type]  # Validated by LimitsRequest.

    def leave(self) -> None:
        self.in_flight -= 1

    def unblock(self) -> None:
        """Forget the calls of the last minute and end the block."""
        self._arrivals.clear()
        self._blocked_until = float("-inf")

    def use_day(self, calls: int) -> None:
        """Count calls of another integration against the organisation's limit of the day."""
        self._used_today += calls

    def headers(self, wall: float) -> dict[str, str]:
        """Headers of every 200 response: the day's limit, the calls left, and the seconds to midnight."""
        self._turn_day(wall)
        now = datetime.fromtimestamp(wall, self.zone)
        tomorrow = now.date() + timedelta(days=1)
        midnight = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=self.zone)
        return {
            "X-Rate-Limit-Limit": str(self.limits.requests_per_day),
            "X-Rate-Limit-Remaining": str(self.limits.requests_per_day - self._used_today),
            "X-Rate-Limit-Reset": str(int(midnight.timestamp() - wall) + 1),
        }

    def _turn_day(self, wall: float) -> None:
        day = datetime.fromtimestamp(wall, self.zone).date().isoformat()
        if day != self._day:
            self._day = day
            self._used_today = 0
