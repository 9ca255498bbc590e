"""The Dramatiq broker and its middleware, in the order in which they run."""

from collections.abc import Sequence
from typing import Any

import redis
from dramatiq import Middleware

from workers.queue.messages import Queue
from workers.queue.reading import KeepUnreadable, ReadingBroker
from workers.queue.waking import WakingBroker

#: The messages of a worker are requeued when its heartbeat is this old. A live worker beats every few seconds.
_HEARTBEAT_TIMEOUT_MS = 10_000


def new_broker(
    client: redis.Redis, middleware: Sequence[Middleware] = (), *, keep_unreadable: KeepUnreadable | None = None
) -> WakingBroker:
    """A Dramatiq broker over this Redis client, with the given middleware and without Dramatiq's own middleware.

    A process that only sends messages needs neither middleware nor `keep_unreadable`.
    """
    parameters: dict[str, Any] = {
        "client": client,
        "middleware": list(middleware),
        "heartbeat_timeout": _HEARTBEAT_TIMEOUT_MS,
    }
    if keep_unreadable is None:
        return WakingBroker(**parameters)
    return ReadingBroker(keep_unreadable=keep_unreadable, precedence=[Queue.INTERACTIVE], **parameters)
