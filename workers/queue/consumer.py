"""A queue consumer that waits while Redis refuses commands, whatever the reason.

Dramatiq's own consumer waits only for a lost connection. Any other refusal (READONLY, OOM, …) ends its thread while
delayed messages are in its memory, and the process stops reading that queue.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import redis
from dramatiq import Consumer, MessageProxy
from dramatiq.errors import ConnectionClosed

from workers.redis_access.refusal_log import refusal_log
from workers.redis_access.refusals import refusal_of

_T = TypeVar("_T")


@contextmanager
def refusals_as_lost_connections() -> Iterator[None]:
    """Raise ConnectionClosed, for which Dramatiq waits, in place of redis-py's errors."""
    began = refusal_log.now()
    try:
        yield
    except redis.RedisError as error:
        refusal_log.refused(error, began=began)
        raise ConnectionClosed(str(refusal_of(error))) from None  # type: ignore[no-untyped-call]


class PatientConsumer(Consumer):
    """Wraps a Dramatiq consumer so that its messages stay in Redis while Redis refuses commands."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    def __next__(self) -> MessageProxy | None:
        return self._ask(lambda: next(self._consumer))

    def ack(self, message: MessageProxy) -> None:
        self._ask(lambda: self._consumer.ack(message))

    def nack(self, message: MessageProxy) -> None:
        self._ask(lambda: self._consumer.nack(message))

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        self._ask(lambda: self._consumer.requeue(messages))

    def close(self) -> None:
        self._consumer.close()

    def _ask(self, do: Callable[[], _T]) -> _T:
        with refusals_as_lost_connections():
            return do()
