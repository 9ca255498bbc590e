"""The state of one organisation's budget, for `booksync status`."""

from dataclasses import dataclass

from workers.budget.errors import PauseReason


@dataclass(frozen=True, slots=True)
class BudgetSnapshot:
    """The state of a budget at one moment, read without a change. Seconds count from that moment."""

    limit: int  #: calls in any window
    used_in_window: int  #: calls that still count, including those under way
    under_way: int
    reserved_ahead: int  #: slots promised and not used yet
    paused_seconds: float  #: 0 without a pause
    paused_reason: PauseReason | None
    day_limit: int | None  #: as last reported by Zoho
    day_remaining: int | None  #: may be negative; 0 after a refusal (code 45); None while unknown
    day_resets_in_seconds: float | None
    throttles: int  #: refusals counted (429); forgotten after two idle days
    day_kept: int = 0  #: calls of the day that runs leave to others (ZOHO_DAILY_RESERVE)
    day_waits_seconds: float = 0.0  #: until a run may call again, because the day is spent; 0 if it is not
    probe_in_seconds: float | None = None  #: until one call probes whether the spent day is over; None without a probe
