"""Readings that may take long: each is made once for all requests that want it, and kept for a while."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import structlog

from db.failures import DatabaseError
from domain.errors import BooksyncError
from workers.observability.logs import describe

log = structlog.get_logger(__name__)

#: How long a request waits for a reading that has just begun. After it the page says that the rows are being counted.
PATIENCE_SECONDS = 0.5

#: Values that are older than this are renewed while the old ones are shown.
KEPT_SECONDS: Final = 60.0

#: Values that are older than this are not shown.
LONGEST_SECONDS: Final = 600.0

#: The readings at the same time. Each uses one connection to Postgres.
MOST_AT_ONCE: Final = 4

#: The values that are kept at most.
_MOST_KEPT: Final = 1000

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


@dataclass(frozen=True, slots=True)
class Reading(Generic[ValueT]):
    """A value as it was `age_seconds` ago, 0 if it was read now; None while it is being read for the first time."""

    value: ValueT | None
    age_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Begun(Generic[ValueT]):
    """A reading in progress, with the time of its begin."""

    at: float
    result: Future[ValueT] = field(default_factory=Future)


class Kept(Generic[KeyT, ValueT]):
    """Reads values in threads, and keeps those that are large or that took long. The object is safe for threads."""

    def __init__(
        self,
        is_large: Callable[[ValueT], bool] = lambda _: False,
        *,
        kept_seconds: float = KEPT_SECONDS,
        most_at_once: int = MOST_AT_ONCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._is_large = is_large
        self._kept_seconds = kept_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(most_at_once)
        self._kept: dict[KeyT, tuple[float, ValueT]] = {}
        self._begun: dict[KeyT, _Begun[ValueT]] = {}

    def read(self, key: KeyT, load: Callable[[], ValueT]) -> Reading[ValueT]:
        """Return the value that is kept, else the one that `load` reads, unless that takes too long.

        An exception of `load` reaches every request that waits for it. If none waits, it is logged.
        """
        with self._lock:
            at, value = self._kept.get(key, (float("-inf"), None))
            age = self._clock() - at
            begun = self._begun.get(key)
            if begun is None and age >= self._kept_seconds:
                begun = self._begin(key, load)
        if age < LONGEST_SECONDS or begun is None:
            return Reading(value, age)
        patience = begun.at + PATIENCE_SECONDS - self._clock()
        if not wait([begun.result], max(0.0, patience)).done:
            return Reading(None)
        return Reading(begun.result.result())

    def _begin(self, key: KeyT, load: Callable[[], ValueT]) -> _Begun[ValueT]:
        begun = self._begun[key] = _Begun(self._clock())
        threading.Thread(target=self._load, args=[key, load, begun], name="kept reading", daemon=True).start()
        return begun

    def _load(self, key: KeyT, load: Callable[[], ValueT], begun: _Begun[ValueT]) -> None:
        try:
            with self._free:
                value = load()
        except BaseException as error:  # noqa: BLE001
            # The thread's outermost block: without a result, the requests that wait would never learn of the failure.
            self._end(key)
            begun.result.set_exception(error)
            self._log(error, begun)
            return
        if self._is_large(value) or self._is_late(begun):
            self._end(key, (begun.at, value))
        else:
            self._end(key)
        begun.result.set_result(value)

    def _is_late(self, begun: _Begun[ValueT]) -> bool:
        """Whether no request waits for the reading any more."""
        return self._clock() - begun.at >= PATIENCE_SECONDS

    def _end(self, key: KeyT, kept: tuple[float, ValueT] | None = None) -> None:
        with self._lock:
            del self._begun[key]
            if kept is None:
                return
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[key] = kept

    def _log(self, error: BaseException, begun: _Begun[ValueT]) -> None:
        if not isinstance(error, (BooksyncError, *DatabaseError)):
            log.error("A reading for the console has failed", action="console.not_read", error=describe(error))
        elif self._is_late(begun):
            log.warning("A reading for the console was not completed", action="console.not_read", error=describe(error))
