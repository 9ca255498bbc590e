"""Promises of woken workers on a real Valkey: messages start without polling, and polling begins when it must."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dramatiq
import dramatiq.worker
import pytest
import redis
from dramatiq import Message, Worker
from dramatiq.brokers.redis import RedisBroker

from sandbox.servers import EmbeddedValkey
from tests.end_to_end.underway import eventually
from workers.queue import new_broker, upkeep
from workers.queue.listener import WakeUps
from workers.queue.wakes import Wakes
from workers.redis_access.client import new_redis_client

#: The timeout of Dramatiq's threads: a test that waited for it would fail.
LONG_MS = 3_600_000


@pytest.fixture
def no_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages without a wake-up are looked for once, when the worker starts."""
    monkeypatch.setattr(upkeep, "LOOK_SECONDS", LONG_MS / 1000)


class RunningWorker:
    """A worker whose actor notes its messages. The message `hold` occupies a thread until `may_end` is set."""

    def __init__(self, server: EmbeddedValkey, threads: int) -> None:
        self.done: list[str] = []
        self.is_holding, self.may_end = threading.Event(), threading.Event()
        self.client = new_redis_client(server.url, patient=True)
        self.wake_ups = WakeUps(new_redis_client(server.url, patient=False))
        self.broker = new_broker(self.client, [self.wake_ups], keep_unreadable=lambda _queue, _content: True)
        dramatiq.actor(broker=self.broker, queue_name="api", actor_name="work")(self._work)
        self.worker = Worker(self.broker, worker_timeout=LONG_MS, worker_threads=threads)

    def _work(self, name: str) -> None:
        if name == "hold":
            self.is_holding.set()
            self.may_end.wait()
        self.done.append(name)


@contextmanager
def running_worker(server: EmbeddedValkey, threads: int = 2) -> Iterator[RunningWorker]:
    """A worker that receives wake-ups, or has tried to."""
    running = RunningWorker(server, threads)
    running.worker.start()
    try:
        yield running
    finally:
        running.may_end.set()
        running.worker.stop()
        running.client.close()


def send(client: redis.Redis, name: str, *, delay: int | None = None) -> None:
    message: Message[None] = Message("api", "work", (name,), {}, {})
    new_broker(client).enqueue(message, delay=delay)


def subscribers(client: redis.Redis) -> int:
    ((_, number),) = client.pubsub_numsub("dramatiq:wake:0")
    return int(number)


def is_idle(client: redis.Redis) -> bool:
    """Whether the only worker is subscribed and has read a queue."""
    reads = client.info("commandstats").get("cmdstat_lpop", {"calls": 0})["calls"]
    return subscribers(client) == 1 and reads > 0


@pytest.mark.slow
@pytest.mark.usefixtures("no_looks")
def test_a_message_of_another_process_starts_without_polling(
    server: EmbeddedValkey, administrator: redis.Redis
) -> None:
    with running_worker(server) as worker:
        eventually(lambda: is_idle(administrator))
        for number in range(20):
            send(administrator, f"{number}")
            eventually(lambda: f"{number}" in worker.done)  # noqa: B023


def test_a_workers_test_of_its_wake_ups_wakes_no_queue(
    server: EmbeddedValkey, administrator: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a step seems to hold a thread that a message of that queue without a consumer waits for."""
    woken: list[str] = []
    monkeypatch.setattr(Wakes, "wake", lambda _, queue: woken.append(queue))
    with running_worker(server):
        eventually(lambda: is_idle(administrator))
        eventually(lambda: "cmdstat_publish" in administrator.info("commandstats"))
        administrator.publish("dramatiq:wake:0", "api")
        eventually(lambda: woken.count("api") >= 2)
    assert "" not in woken


@pytest.mark.usefixtures("no_looks")
def test_a_delayed_message_starts_when_it_is_due(server: EmbeddedValkey, administrator: redis.Redis) -> None:
    with running_worker(server) as worker:
        eventually(lambda: is_idle(administrator))
        send(administrator, "much later", delay=600_000)
        send(administrator, "later", delay=300)
        send(administrator, "soon", delay=100)
        eventually(lambda: worker.done == ["soon", "later"])


@pytest.mark.slow
def test_a_message_of_a_sender_without_wake_ups_is_found(server: EmbeddedValkey, administrator: redis.Redis) -> None:
    former_release = RedisBroker(client=administrator, middleware=[])  # type: ignore[no-untyped-call]
    message: Message[None] = Message("api", "work", ("former",), {}, {})
    with running_worker(server) as worker:
        eventually(lambda: is_idle(administrator))
        former_release.enqueue(message)
        eventually(lambda: worker.done == ["former"])


def test_a_message_goes_to_the_process_with_a_free_thread(server: EmbeddedValkey, administrator: redis.Redis) -> None:
    with running_worker(server, threads=1) as one, running_worker(server, threads=1) as other:
        eventually(lambda: subscribers(administrator) == 2)
        send(administrator, "hold")
        eventually(lambda: one.is_holding.is_set() or other.is_holding.is_set())
        free = other if one.is_holding.is_set() else one
        for number in range(20):
            send(administrator, f"{number}")
        eventually(lambda: len(free.done) == 20)


@pytest.mark.usefixtures("no_looks")
def test_wake_ups_arrive_again_after_the_subscription_was_killed(
    server: EmbeddedValkey, administrator: redis.Redis
) -> None:
    with running_worker(server) as worker:
        eventually(lambda: is_idle(administrator))
        administrator.client_kill_filter(_type="pubsub")
        eventually(lambda: subscribers(administrator) == 1)
        send(administrator, "afterwards")
        eventually(lambda: worker.done == ["afterwards"])


@pytest.mark.slow
@pytest.mark.usefixtures("no_looks")
def test_wake_ups_arrive_again_after_redis_was_restarted_empty(
    server: EmbeddedValkey, administrator: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dramatiq.worker, "CONSUMER_RESTART_DELAY_SECS", 0.05)
    with running_worker(server) as worker:
        eventually(lambda: is_idle(administrator))
        server.stop()
        server.start()
        eventually(lambda: subscribers(administrator) == 1)
        send(administrator, "afterwards")
        send(administrator, "delayed", delay=50)
        eventually(lambda: worker.done == ["afterwards", "delayed"])


@pytest.mark.usefixtures("no_looks")
def test_an_emptied_redis_does_not_stop_the_wake_ups(server: EmbeddedValkey, administrator: redis.Redis) -> None:
    with running_worker(server) as worker:
        eventually(lambda: is_idle(administrator))
        administrator.flushall()
        administrator.script_flush()
        send(administrator, "afterwards")
        eventually(lambda: worker.done == ["afterwards"])
        eventually(lambda: administrator.zcard("dramatiq:__heartbeats__") == 2)


@pytest.mark.usefixtures("no_looks")
@pytest.mark.parametrize("denied", ["subscribe", "publish", "exists"])
def test_a_worker_without_the_rights_for_wake_ups_polls(
    server: EmbeddedValkey, administrator: redis.Redis, denied: str
) -> None:
    administrator.acl_setuser("default", enabled=True, nopass=True, keys=["*"], commands=["+@all", f"-{denied}"])
    with running_worker(server) as worker:
        send(administrator, "message")
        send(administrator, "delayed", delay=50)
        eventually(lambda: worker.done == ["message", "delayed"])


@pytest.mark.slow
def test_a_worker_that_ends_gives_its_messages_to_another_at_once(
    server: EmbeddedValkey, administrator: redis.Redis
) -> None:
    with running_worker(server, threads=1) as other:
        with running_worker(server, threads=1):
            eventually(lambda: subscribers(administrator) == 2)
            send(administrator, "delayed", delay=500)
            eventually(lambda: administrator.llen("dramatiq:api.DQ") == 0)
        # Without the wake-up of a given-back message, `other` would find it only after some seconds.
        eventually(lambda: other.done == ["delayed"])
