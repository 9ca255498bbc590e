"""A queue consumer that reads after wake-ups, and that waits while Redis refuses commands, whatever the reason.

Dramatiq's own consumer polls, and it waits only after a lost connection. After any other refusal (READONLY, OOM,
…) its thread ends with the delayed messages that it has fetched, and the process no longer reads that queue.
"""

import heapq
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import redis
from dramatiq import Consumer, Message, MessageProxy
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import ConnectionClosed

from workers.queue.wakes import Wakes
from workers.redis_access.refusal_log import refusal_log
from workers.redis_access.refusals import refusal_of

_T = TypeVar("_T")


@contextmanager
def refusals_as_lost_connections() -> Iterator[None]:
    """Raise ConnectionClosed in place of redis-py's errors: after it, Dramatiq's consumer waits and reads again."""
    began = refusal_log.now()
    try:
        yield
    except redis.RedisError as error:
        refusal_log.refused(error, began=began)
        raise ConnectionClosed(str(refusal_of(error))) from None  # type: ignore[no-untyped-call]


class WokenConsumer(Consumer):
    """Reads one queue when `wakes` permits it. Its messages stay in Redis while Redis refuses commands.

    Iterating yields messages. It yields None after at most `seconds` without a message, and when a delayed message that
    it has yielded becomes due. Dramatiq's thread needs these items: only between two items does it send due messages
    and check whether the worker is paused or has to end.
    """

    def __init__(self, broker: RedisBroker, wakes: Wakes, queue_name: str, *, prefetch: int, seconds: float) -> None:
        self._broker = broker
        self._wakes = wakes
        self._queue_name = queue_name
        self._prefetch = prefetch
        self._seconds = seconds
        self._fetched: deque[MessageProxy] = deque()
        self._in_hand: set[str] = set()
        self._due_times: list[float] = []  # a heap, in milliseconds since the epoch
        # The consumer before this one may have failed after it acquired a permission.
        wakes.wake(queue_name)

    def __next__(self) -> MessageProxy | None:
        if not self._fetched:
            self._fetch()
        if not self._fetched:
            return None
        message = self._fetched.popleft()
        due = message.options.get("eta")
        if isinstance(due, int | float):
            heapq.heappush(self._due_times, due)
        return message

    def ack(self, message: MessageProxy) -> None:
        self._finish([message], self._broker.do_ack)

    def nack(self, message: MessageProxy) -> None:
        self._finish([message], self._broker.do_nack)

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        self._finish(list(messages), self._broker.do_requeue)

    def close(self) -> None:
        """Give back the fetched messages that were not yielded."""
        fetched, self._fetched = self._fetched, deque()
        self.requeue(fetched)

    def _fetch(self) -> None:
        most = self._prefetch - len(self._in_hand)
        granted = self._wakes.acquire(self._queue_name, most, seconds=self._seconds_until_due())
        if not granted:
            return
        ids: list[str] = []
        try:
            contents = _ask(lambda: self._broker.do_fetch(self._queue_name, granted))
            self._fetched.extend(MessageProxy(Message.decode(content)) for content in contents)
            ids = [_id(message) for message in self._fetched]
        finally:
            self._in_hand.update(ids)
            self._wakes.end_fetch(self._queue_name, granted, ids)

    def _seconds_until_due(self) -> float:
        now, is_due = time.time() * 1000, False
        while self._due_times and self._due_times[0] <= now:
            heapq.heappop(self._due_times)
            is_due = True
        if is_due:
            return 0.0  # It may have become due after Dramatiq's thread last looked.
        return min(self._seconds, (self._due_times[0] - now) / 1000) if self._due_times else self._seconds

    def _finish(self, messages: list[MessageProxy], do: Callable[..., None]) -> None:
        ids = [_id(message) for message in messages]
        if not ids:
            return
        try:
            _ask(lambda: do(self._queue_name, *ids))
        finally:
            self._in_hand.difference_update(ids)
            self._wakes.finished(ids)


def _id(message: MessageProxy) -> str:
    """The id under which a message is stored in Redis."""
    stored_as: str = message.options["redis_message_id"]
    return stored_as


def _ask(do: Callable[[], _T]) -> _T:
    with refusals_as_lost_connections():
        return do()
