"""Dramatiq's own worker with an in-memory queue, for tests of the queue."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dramatiq
from dramatiq import Message, Middleware, Worker
from dramatiq.brokers.stub import StubBroker


@dataclass
class Bench:
    """An in-memory broker with one worker thread; `run` returns when all messages are processed."""

    broker: StubBroker

    def actor(self, work: Callable[..., None]) -> None:
        dramatiq.actor(broker=self.broker, actor_name="work", queue_name="api")(work)

    def run(self, *args: Any, actor_name: str = "work", sent_at: int | None = None, **options: Any) -> Message[None]:
        self.broker.declare_queue("api")
        message: Message[None] = Message("api", actor_name, args, {}, options)
        if sent_at is not None:
            message = message.copy(message_timestamp=sent_at)
        worker = Worker(self.broker, worker_timeout=10, worker_threads=1)
        worker.start()
        try:
            self.broker.enqueue(message)
            self.broker.join("api", timeout=10_000, fail_fast=False)
        finally:
            worker.stop()
        return message


def a_bench(*chosen: Middleware) -> Bench:
    return Bench(StubBroker(middleware=list(chosen)))
