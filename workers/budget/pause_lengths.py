"""How long the calls of an organisation pause after Zoho refused one."""

from dataclasses import dataclass

from workers.budget.call_results import CallResult
from workers.budget.decisions import Pause
from workers.budget.errors import PauseReason

_AFTER_CONCURRENCY_SECONDS = 2.0
_WITHOUT_MIDNIGHT_SECONDS = 24 * 3600.0
#: The first pauses in a row are as long as the window, because most of Zoho's blocks end with the window. Later pauses
#: grow, because refused calls seem to renew the block.
_STEADY_PAUSES = 3
_FACTOR = 1.5
_LONGEST_WINDOWS = 4


@dataclass(frozen=True, slots=True)
class PauseLengths:
    """The first pause after a refusal, the longest one, and the growth after the first `steady` ones in a row."""

    first_seconds: float
    longest_seconds: float
    factor: float = _FACTOR
    steady: int = _STEADY_PAUSES


def pause_lengths(refusal: PauseReason | None, window_seconds: float) -> PauseLengths:
    match refusal:
        case PauseReason.CONCURRENCY:
            return PauseLengths(min(_AFTER_CONCURRENCY_SECONDS, window_seconds), window_seconds, factor=2, steady=1)
        case PauseReason.DAY:
            return PauseLengths(_WITHOUT_MIDNIGHT_SECONDS, _WITHOUT_MIDNIGHT_SECONDS)
        case _:
            return PauseLengths(window_seconds, window_seconds * _LONGEST_WINDOWS)


def first_pause(result: CallResult, window_seconds: float) -> Pause | None:
    """The first pause after a response; None if it refused nothing."""
    if result.refusal is None:
        return None
    first = pause_lengths(result.refusal, window_seconds).first_seconds
    if result.refusal is PauseReason.DAY and result.day_resets_in_seconds is not None:
        first = result.day_resets_in_seconds
    return Pause(result.retry_after_seconds or first, result.refusal)
