"""What a budget may spend: Zoho's limits for one organisation, and the lanes that share them."""

import math
from dataclasses import dataclass
from enum import StrEnum

_WIDEST_MARGIN_SECONDS = 0.5
_SHORTEST_GRACE_SECONDS = 5.0
_LONGEST_GRACE_SECONDS = 30.0


class Lane(StrEnum):
    INTERACTIVE = "interactive"  #: a person waits for the response
    WEBHOOK = "webhook"  #: a record that a webhook names: as quick as a person's, but the daily reserve binds it
    BULK = "bulk"  #: a run: it can wait, and must not make people wait


@dataclass(frozen=True, slots=True)
class BudgetLimits:
    """The limits of one organisation, as the settings give them (TR-5; API section 4). Raises ValueError."""

    requests_per_minute: int = 100  #: calls in any window
    window_seconds: float = 60.0  #: Zoho's minute; shorter in tests
    concurrency: int = 5  #: calls at once
    interactive_reserve: int = 10  #: slots of a window that bulk leaves alone; never more than a quarter of them
    daily_reserve: float = 0.1  #: the share of the day's calls, 0 to 1, that is left to other integrations
    #: A call is over, or its process dead, after so long: must exceed the HTTP client's timeouts together.
    longest_call_seconds: float = 60.0

    def __post_init__(self) -> None:
        if self.requests_per_minute < 1 or self.concurrency < 1:
            raise ValueError("A budget needs at least one call in a window and one at once.")
        if not all(math.isfinite(span) and span > 0 for span in (self.window_seconds, self.longest_call_seconds)):
            raise ValueError("A budget's window and its longest call are positive numbers of seconds.")
        if self.interactive_reserve < 0 or not 0 <= self.daily_reserve < 1:
            raise ValueError("A budget's reserves are not negative, and less than the whole.")

    @property
    def margin_seconds(self) -> float:
        """What is added to a window: Zoho counts arrivals, and a peer with an exact window was refused."""
        return min(_WIDEST_MARGIN_SECONDS, self.window_seconds / 10)

    @property
    def span_seconds(self) -> float:
        """How long a call counts."""
        return self.window_seconds + self.margin_seconds

    @property
    def reserved_slots(self) -> int:
        """Slots of a window for the interactive lane only; none where the limit is under four."""
        return min(self.interactive_reserve, self.requests_per_minute // 4)

    @property
    def shared_slots(self) -> int:
        """Slots of a window that both lanes take in order of asking; the most that bulk gets."""
        return self.requests_per_minute - self.reserved_slots

    @property
    def grace_seconds(self) -> float:
        """How long a slot is kept for a holder who is late: a dead worker's message is back after ten seconds or more.

        Not too short beside a tiny window: a worker that is always later than this would go to the end of the queue
        each time.
        """
        return min(_LONGEST_GRACE_SECONDS, max(_SHORTEST_GRACE_SECONDS, self.window_seconds / 2))

    def concurrency_of(self, lane: Lane) -> int:
        """Calls under way, of both lanes, under which the lane may start one: bulk leaves the last one to people."""
        leaves_one = lane is Lane.BULK and self.reserved_slots > 0 and self.concurrency >= 4
        return self.concurrency - 1 if leaves_one else self.concurrency

    def daily_reserve_of(self, lane: Lane) -> float:
        """The share of the day's calls at which the lane stops."""
        return 0.0 if lane is Lane.INTERACTIVE else self.daily_reserve
