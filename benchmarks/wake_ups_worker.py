"""A worker that only measures when its messages start. CONSUMERS chooses its consumers: `polling` or `woken`."""

import os
import time
from typing import Final

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.polling import FrequentPolls
from workers.queue import Queue, new_broker
from workers.queue.listener import WakeUps
from workers.redis_access import new_redis_client

#: The Redis key of a list with the nanoseconds from sending to start, one for each message.
DELAYS: Final = "benchmark:delays"

_URL = os.environ["REDIS_URL"]
_redis = new_redis_client(_URL, patient=True)

broker: RedisBroker
if os.environ["CONSUMERS"] == "woken":
    broker = new_broker(
        _redis, [WakeUps(new_redis_client(_URL, patient=False))], keep_unreadable=lambda _queue, _content: True
    )
else:
    # booksync's workers were configured like this before they were woken.
    broker = RedisBroker(  # type: ignore[no-untyped-call]
        client=_redis, middleware=[FrequentPolls()], heartbeat_timeout=10_000, maintenance_chance=100_000
    )
dramatiq.set_broker(broker)
for _queue in Queue:
    broker.declare_queue(_queue)


@dramatiq.actor(queue_name=Queue.API)
def started(sent_at: int) -> None:
    """Record the delay of a message. The monotonic clock is the same in all processes of a Linux host."""
    _redis.rpush(DELAYS, time.monotonic_ns() - sent_at)
