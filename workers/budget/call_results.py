"""Reads the facts for the API budget from a response of Zoho; a malformed fact counts as missing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from workers.budget.errors import PauseReason

#: Zoho's codes of a refused call, with the limit that was exceeded (API section 4: limits). The code counts with any
#: HTTP status.
_REFUSALS = {
    43: PauseReason.MINUTE,
    44: PauseReason.MINUTE,
    45: PauseReason.DAY,
    1070: PauseReason.CONCURRENCY,
}
LONGEST_DAY_SECONDS = 25 * 3600  # Zoho's day may have 25 hours: the day on which summer time ends.
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class CallResult:
    """What a response of Zoho says about the API budget.

    `accepted`: the call passed Zoho's limits, even if it failed later.

    `authorized` is false for a 401: Zoho checks the token first, so a 401 may not show whether the limits are reached.
    """

    refusal: PauseReason | None
    accepted: bool
    authorized: bool = True
    retry_after_seconds: float | None = None
    day_limit: int | None = None
    day_remaining: int | None = None
    day_resets_in_seconds: int | None = None


def read_result(status: int, code: int | None, headers: Mapping[str, str]) -> CallResult:
    """Read the facts for the API budget from the status, Zoho's `code` and the headers of a response."""
    given = {name.lower(): value.strip() for name, value in headers.items()}
    refusal = PauseReason.MINUTE if status == 429 else None
    if code is not None:
        refusal = _REFUSALS.get(code, refusal)
    return CallResult(
        refusal=refusal,
        accepted=refusal is None and status < 500,
        authorized=status != 401,
        retry_after_seconds=retry_after_seconds(given),
        day_limit=_whole_number(given.get("x-rate-limit-limit"), at_least=1),
        day_remaining=_whole_number(given.get("x-rate-limit-remaining")),
        day_resets_in_seconds=_whole_number(given.get("x-rate-limit-reset"), at_least=0, at_most=LONGEST_DAY_SECONDS),
    )


def _whole_number(text: str | None, *, at_least: int | None = None, at_most: int | None = None) -> int | None:
    if text is None or not _WHOLE_NUMBER.fullmatch(text):
        return None
    number = int(text)
    if (at_least is not None and number < at_least) or (at_most is not None and number > at_most):
        return None
    return number


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """The seconds to wait by the `retry-after` header, at most a day; None without a usable value.

    The header has a number of seconds, or a date, from which the response's `date` is subtracted. The names in
    `headers` are in lower case.
    """
    text = headers.get("retry-after", "").strip()
    seconds: float | None = _whole_number(text)
    if seconds is None:
        until, server_time = _http_date(text), _http_date(headers.get("date", ""))
        if until is not None and server_time is not None:
            seconds = (until - server_time).total_seconds()
    return min(seconds, LONGEST_DAY_SECONDS) if seconds is not None and seconds > 0 else None


def _http_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo is not None else None
