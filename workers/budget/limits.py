"""The limits of an API budget: Zoho's limits for one organisation, and the lanes that share them."""

import math
from dataclasses import dataclass
from enum import StrEnum

#: The time limit of a whole call to Zoho's API, including a renewed token and the repeated call. The limit must stay
#: below CLAIM_SECONDS.
CALL_SECONDS = 60.0

_WIDEST_MARGIN_SECONDS = 0.5
_SHORTEST_GRACE_SECONDS = 5.0
_LONGEST_GRACE_SECONDS = 30.0
_LEAST_RESERVE = 3  # A person or a webhook calls up to three times in a row.


class Lane(StrEnum):
    INTERACTIVE = "interactive"  #: a person waits for the response
    WEBHOOK = "webhook"  #: a webhook has named a record: as quick as a person's call, but bound by the daily reserve
    BULK = "bulk"  #: a run: its calls can wait, and must not delay people


@dataclass(frozen=True, slots=True)
class BudgetLimits:
    """The API limits of one organisation, from the settings (TR-5: 100 calls a minute).

    Zoho also limits calls by day and at once (API section 4).

    Raises:
        ValueError: a limit is not positive, or a reserve is negative or as large as the whole.
    """

    requests_per_minute: int = 100  #: the calls allowed in any window
    window_seconds: float = 60.0  #: the length of the window: Zoho's minute; shorter in tests
    concurrency: int = 5  #: the calls allowed at once
    #: The most slots of a window that the bulk lane leaves to the others; at most a quarter of the window.
    interactive_reserve: int = 10
    daily_reserve: float = 0.1  #: the share of the day's calls, 0 to 1, that is left to other integrations
    #: The age at which a call counts as ended, or its process as dead. The age must exceed the sum of the HTTP client's
    #: timeouts.
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
        """The seconds by which booksync's window is longer than Zoho's.

        Zoho counts calls when they arrive, and has refused calls of a client with an exact window.
        """
        return min(_WIDEST_MARGIN_SECONDS, self.window_seconds / 10)

    @property
    def span_seconds(self) -> float:
        """The seconds for which a call counts against the window: the window and its margin."""
        return self.window_seconds + self.margin_seconds

    @property
    def reserved_slots(self) -> int:
        """The maximum number of slots of a window that are reserved for the interactive and webhook lanes.

        The number is 0 if `requests_per_minute` is less than four.
        """
        return min(self.interactive_reserve, self.requests_per_minute // 4)

    @property
    def least_reserved_slots(self) -> int:
        """Slots of a window that the bulk lane never uses, even if nobody else calls."""
        return min(_LEAST_RESERVE, self.reserved_slots)

    @property
    def shared_slots(self) -> int:
        """Slots of a window that all lanes use in order of request."""
        return self.requests_per_minute - self.reserved_slots

    @property
    def bulk_slots(self) -> int:
        """The maximum number of slots of a window that the bulk lane uses: all except `least_reserved_slots`."""
        return self.requests_per_minute - self.least_reserved_slots

    @property
    def grace_seconds(self) -> float:
        """The seconds for which a slot is kept for a holder that comes late for it.

        A holder is late if its worker has died, because the message returns to the queue after ten seconds or more. The
        grace has a minimum for small windows. Otherwise a slow worker would always be too late, and go to the end of
        the queue each time.
        """
        return min(_LONGEST_GRACE_SECONDS, max(_SHORTEST_GRACE_SECONDS, self.window_seconds / 2))

    def concurrency_of(self, lane: Lane) -> int:
        """The number of calls under way at which the lane starts no further call.

        If four or more calls may be under way, the bulk lane leaves the last place to webhooks and people.
        """
        leaves_one = lane is Lane.BULK and self.reserved_slots > 0 and self.concurrency >= 4
        return self.concurrency - 1 if leaves_one else self.concurrency

    def daily_reserve_of(self, lane: Lane) -> float:
        """The share of the day's calls that the lane leaves unused."""
        return 0.0 if lane is Lane.INTERACTIVE else self.daily_reserve
