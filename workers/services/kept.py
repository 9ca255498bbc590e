"""Readings that are slow for a large connection, so that they are kept for a while."""

import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

KEPT_SECONDS: Final = 60.0

#: The readings that are kept at most.
_MOST_KEPT: Final = 1000

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


class Kept(Generic[KeyT, ValueT]):
    """Keeps the readings that are large, each for a minute. The object is safe for threads."""

    def __init__(self, is_large: Callable[[ValueT], bool], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._is_large = is_large
        self._clock = clock
        self._kept: dict[KeyT, tuple[float, ValueT]] = {}

    def read(self, key: KeyT, load: Callable[[], ValueT]) -> tuple[ValueT, float]:
        """Return the reading and its age in seconds; 0 if `load` has read it now."""
        kept = self._kept.get(key)
        if kept is not None and (age := self._clock() - kept[0]) < KEPT_SECONDS:
            return kept[1], age
        began, value = self._clock(), load()
        if not self._is_large(value):
            self._kept.pop(key, None)
            return value, 0.0
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[key] = (began, value)
        return value, 0.0
