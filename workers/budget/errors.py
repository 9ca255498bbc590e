"""The reasons why a call to Zoho may not be made now."""

import math
from datetime import UTC, datetime
from enum import StrEnum

from domain.errors import BooksyncError


class WaitReason(StrEnum):
    MINUTE = "minute"  #: the calls of the window are used up
    DAY = "day"  #: the day's calls are spent, or the remaining ones are reserved
    PAUSED = "paused"  #: all calls of the organisation pause
    CONCURRENCY = "concurrency"  #: too many calls are under way at once
    TOKENS = "tokens"  #: Zoho grants no further access token for a while
    TOKEN_ENDPOINT = "token_endpoint"  # noqa: S105 - Zoho's token endpoint is throttled


class PauseReason(StrEnum):
    MINUTE = "minute"  #: Zoho refused a call: too many in a minute (codes 44 and 43, and any 429 not known)
    DAY = "day"  #: Zoho refused a call: the day's calls are spent (code 45)
    CONCURRENCY = "concurrency"  #: Zoho refused a call: too many at once (code 1070)
    FORGOTTEN = "forgotten"  #: Redis came back without its memory; the calls made before may still count


class BudgetWait(BooksyncError):  # noqa: N818 - a normal outcome ("come back then"), not a failure
    """The API budget grants this call later: request it again after `seconds`, with the same `holder`."""

    def __init__(self, seconds: float, reason: WaitReason) -> None:
        super().__init__(f"The API budget grants this call in {math.ceil(seconds)} s ({reason}).")
        self.seconds = seconds
        self.reason = reason


class TokenEndpointThrottled(BudgetWait):
    """Zoho's token endpoint has been throttled for some time; the next request is allowed after `seconds`."""

    def __init__(self, seconds: float, since: datetime) -> None:
        super().__init__(seconds, WaitReason.TOKEN_ENDPOINT)
        self.args = (throttled_sentence(since),)


def throttled_sentence(since: datetime) -> str:
    """The sentence for people about a throttled token endpoint."""
    return (
        f"Zoho's token endpoint has been throttled since {since.astimezone(UTC):%Y-%m-%d %H:%M} UTC and grants no "
        "access token. Next: wait, booksync tries again by itself; stop other programs that use the same grant."
    )


class BudgetUnavailable(BooksyncError):  # noqa: N818 - names a state, as BudgetWait does
    """The API budget cannot be read, so no call is made; `state` says what Redis does: "does not respond"."""

    def __init__(self, state: str) -> None:
        super().__init__(f"The API budget cannot be read (Redis {state}), so no call is made.")
