"""The state of one organisation's API budget, for `booksync status`."""

from dataclasses import dataclass

from workers.budget.errors import PauseReason


@dataclass(frozen=True, slots=True)
class BudgetSnapshot:
    """The state of an API budget at one moment. Reading it changes nothing. All seconds count from that moment."""

    limit: int  #: the calls allowed in any window
    used_in_window: int  #: calls that still count against the window, including those under way
    under_way: int
    reserved_ahead: int  #: slots that are promised and not used yet
    paused_seconds: float  #: the seconds left of a pause; 0 without one
    paused_reason: PauseReason | None
    day_limit: int | None  #: the day's limit as Zoho last reported it
    #: The day's remaining calls; may be negative; 0 after a refusal (code 45); None while unknown.
    day_remaining: int | None
    day_resets_in_seconds: float | None
    throttles: int  #: the counted refusals (429); forgotten after two days without calls
    day_kept: int = 0  #: calls of the day that runs leave to others (ZOHO_DAILY_RESERVE)
    day_waits_seconds: float = 0.0  #: the seconds until a run may call again, because the day is spent; 0 if it is not
    probe_in_seconds: float | None = None  #: until one call probes whether the spent day is over; None without a probe
    interactive_reserve: int = 0  #: slots of a window that bulk calls leave to webhooks and people at present

    @property
    def bulk_slots(self) -> int:
        """The slots of a window that bulk calls may use at present."""
        return self.limit - self.interactive_reserve
