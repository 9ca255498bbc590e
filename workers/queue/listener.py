"""The thread of a worker process that waits for wake-ups and wakes the consumers, and the middleware that runs it."""

import threading
import time
from collections.abc import Callable
from typing import Final

import redis
import structlog
from dramatiq import Broker, Middleware, Worker
from redis.client import PubSub

from workers.queue.reading import ReadingBroker
from workers.queue.upkeep import Upkeep
from workers.queue.work_queue import WorkQueue
from workers.redis_access.refusals import refusal_of

log = structlog.get_logger(__name__)

#: The pause before the subscription is tried again.
_AGAIN_SECONDS: Final = 1.0

#: The interval of pings. A firewall may drop an idle connection without a sign, and wake-ups would be lost for hours.
_PING_SECONDS: Final = 15.0
_LONGEST_SILENCE_SECONDS: Final = 2 * _PING_SECONDS + 5.0

#: The longest time that an ending worker waits for its listener.
_LONGEST_END_SECONDS: Final = 2.0


class Listener:
    """Receives the names of the queues that have new messages.

    Every process subscribes to all wake-ups. Each one with a free thread may read the queue, and the first one gets the
    message. A wake-up that only one process receives would be lost if that process is busy or dies.
    """

    def __init__(
        self, client: redis.Redis, broker: ReadingBroker, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._broker = broker
        self._wakes = broker.wakes
        self._clock = clock
        self._upkeep = Upkeep(client, broker, broker.wakes, clock=clock)
        self._is_over = threading.Event()
        self._is_lost = False
        self._thread = threading.Thread(target=self._run, name="wake-ups", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread. A wake-up without the name of a queue is published, so that the thread stops waiting."""
        self._is_over.set()
        try:
            self._client.publish(self._broker.wake_channel, "")
        except redis.RedisError:
            return  # The thread ends by itself; the process need not wait for that.
        self._thread.join(_LONGEST_END_SECONDS)

    def _run(self) -> None:
        while not self._is_over.is_set():
            try:
                self._upkeep.tick()
                subscription: PubSub
                with self._client.pubsub() as subscription:  # type: ignore[no-untyped-call]
                    self._listen(subscription)
            except redis.RedisError as error:
                self._report_lost(error)
            finally:
                self._wakes.set_woken(False)
            self._is_over.wait(_AGAIN_SECONDS)

    def _listen(self, subscription: PubSub) -> None:
        subscription.subscribe(self._broker.wake_channel)
        # Senders ignore a refused wake-up. A worker whose user may not publish polls, because that user sends too.
        self._client.publish(self._broker.wake_channel, "")
        pinged_at = heard_at = self._clock()
        while not self._is_over.is_set():
            message = subscription.get_message(timeout=self._upkeep.tick())
            now = self._clock()
            if message is not None:
                heard_at = now
                self._receive(message)
            elif now - heard_at > _LONGEST_SILENCE_SECONDS:
                raise redis.TimeoutError("no reply to a ping")
            if now - pinged_at > _PING_SECONDS:
                subscription.ping()
                pinged_at = now

    def _receive(self, message: dict[str, object]) -> None:
        match message:
            case {"type": "message", "data": bytes(queue)} if queue:  # Each worker sends an empty wake-up as a test.
                self._wakes.wake(queue.decode(errors="replace"))
            case {"type": "subscribe"}:
                # redis-py reconnects by itself, and then this comes again. Wake-ups may have been lost until now.
                self._wakes.set_woken(True)
                self._report_back()

    def _report_lost(self, error: redis.RedisError) -> None:
        if not self._is_lost:
            log.warning(
                "This worker receives no wake-ups, so it polls its queues; it will try again",
                action="wake_ups.lost",
                error=str(refusal_of(error)),
            )
        self._is_lost = True

    def _report_back(self) -> None:
        if self._is_lost:
            log.info("This worker receives wake-ups again", action="wake_ups.back")
        self._is_lost = False


class WakeUps(Middleware):
    """Runs the listener of a worker whose broker is a ReadingBroker. `client` should fail quickly.

    Without this middleware the consumers poll every tenth of a second. Of the middleware with a shutdown hook, this one
    must be the last, because its hook ends the worker's threads.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        assert isinstance(broker, ReadingBroker)
        broker.wakes.open(worker.worker_threads)
        # Dramatiq hands its queue to the threads after this hook.
        worker.work_queue = self._work_queue = WorkQueue()
        self._listener = Listener(self._client, broker)
        self._listener.start()

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002  (Dramatiq's signature)
        assert isinstance(broker, ReadingBroker)
        broker.wakes.close()
        self._work_queue.end()

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002
        self._listener.stop()
        self._client.close()
