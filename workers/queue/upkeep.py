"""The periodic work of a worker process at the queue: heartbeat, dead workers, and messages without a wake-up.

Dramatiq does the first two jobs as a part of its polling, and its polling finds every message. A worker that waits for
wake-ups sends few commands. So each of the three jobs has its own interval here. A job with nothing to do costs one
command.
"""

import time
from collections.abc import Callable
from typing import Any, Final

import redis
from dramatiq.common import current_millis

from workers.queue.wakes import Wakes
from workers.queue.waking import WakingBroker

#: The interval at which messages without a wake-up are found. Senders of former releases send no wake-ups, and a
#: wake-up may be lost.
LOOK_SECONDS: Final = 2.0

#: The interval of a worker's heartbeats. Two are missed before the worker is considered dead.
BEAT_SECONDS: Final = 4.0

#: The time after a lost connection in which no worker is considered dead, because the others reconnect too.
_GRACE_SECONDS: Final = BEAT_SECONDS + 1.0

#: The interval of the maintenance that is done without a dead worker. It deletes Dramatiq's old dead messages.
_MAINTENANCE_SECONDS: Final = 600.0

#: The shortest pause between two looks for dead workers.
_SHORTEST_PAUSE_SECONDS: Final = 1.0


class Upkeep:
    """The periodic work of one worker process. `tick` does what is due; one thread calls it."""

    def __init__(
        self,
        client: redis.Redis,
        broker: WakingBroker,
        wakes: Wakes,
        *,
        clock: Callable[[], float] = time.monotonic,
        now_ms: Callable[[], int] = current_millis,
    ) -> None:
        self._client = client
        self._broker = broker
        self._wakes = wakes
        self._clock = clock
        self._now_ms = now_ms
        self._heartbeats = f"{broker.namespace}:__heartbeats__"
        self._requeued: set[bytes] = set()
        now = clock()
        #: Each job and when it is due. A job returns the seconds until it is due again.
        self._jobs: dict[Callable[[], float], float] = {
            self._beat: now,
            self._look_for_dead_workers: now + _GRACE_SECONDS,
            self._maintain: now + _MAINTENANCE_SECONDS,
            self._look_for_messages: now,
        }

    def tick(self) -> float:
        """Do what is due, and return the seconds until the next job is due.

        Raises:
            RedisError: Redis is unavailable or refuses a command.
        """
        try:
            for job, due in self._jobs.items():
                if due <= self._clock():
                    self._jobs[job] = self._clock() + job()
        except (redis.ConnectionError, redis.TimeoutError):
            self._jobs[self._look_for_dead_workers] = self._clock() + _GRACE_SECONDS
            raise
        return max(0.0, min(self._jobs.values()) - self._clock())

    def _beat(self) -> float:
        self._client.zadd(self._heartbeats, {self._broker.broker_id: self._now_ms()})
        return BEAT_SECONDS

    def _look_for_dead_workers(self) -> float:
        """Requeue the messages of dead workers. Return the seconds until the next worker can be dead.

        A worker that is still listed as dead afterwards has messages in a queue that this process does not know. This
        process leaves such a worker alone.
        """
        timeout: int = self._broker.heartbeat_timeout
        now = self._now_ms()
        beats: Any = self._client.zrange(self._heartbeats, 0, -1, withscores=True)
        dead = {worker for worker, beat in beats if beat <= now - timeout}
        if dead - self._requeued:
            self._maintain()
        self._requeued = dead
        next_ms: float = min((beat for worker, beat in beats if worker not in dead), default=now) + timeout - now
        return max(_SHORTEST_PAUSE_SECONDS, min(next_ms, timeout) / 1000)

    def _maintain(self) -> float:
        for queue in self._queues():
            self._broker.do_maintain(queue)
        return _MAINTENANCE_SECONDS

    def _look_for_messages(self) -> float:
        if self._client.exists(*(f"{self._broker.namespace}:{queue}" for queue in self._queues())):
            self._wakes.wake_all()
        return LOOK_SECONDS

    def _queues(self) -> list[str]:
        return sorted(self._broker.get_declared_queues() | self._broker.get_declared_delay_queues())
