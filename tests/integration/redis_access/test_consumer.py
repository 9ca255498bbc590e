"""Promises of a worker while Redis refuses commands: its threads stay alive, and process the messages afterwards."""

import threading
from collections.abc import Callable, Iterator

import dramatiq
import dramatiq.worker
import pytest
import redis
from dramatiq import Worker
from dramatiq.common import current_millis

from sandbox.servers import EmbeddedValkey
from sandbox.servers.ports import LOOPBACK, free_port
from tests.end_to_end.underway import eventually
from tests.process_logs import ProcessLogs, logs_of_a_process
from workers.queue import consumer, reading
from workers.queue.reading import ReadingBroker
from workers.redis_access.client import new_redis_client
from workers.redis_access.refusal_log import RefusalLog


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessLogs]:
    fresh = RefusalLog()
    for module in (consumer, reading):
        monkeypatch.setattr(module, "refusal_log", fresh)
    with logs_of_a_process() as logs:
        yield logs


def make_a_replica(client: redis.Redis) -> None:
    client.replicaof(LOOPBACK, free_port())


def make_a_primary(client: redis.Redis) -> None:
    client.replicaof("NO", "ONE")


def fill(client: redis.Redis) -> None:
    client.config_set("maxmemory", 1)


def widen(client: redis.Redis) -> None:
    client.config_set("maxmemory", 0)


def deny(client: redis.Redis) -> None:
    client.acl_setuser("default", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-zadd"])


def allow(client: redis.Redis) -> None:
    client.acl_setuser("default", enabled=True, nopass=True, keys=["*"], commands=["+@all"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "mend"), [(make_a_replica, make_a_primary), (fill, widen), (deny, allow)], ids=["replica", "full", "acl"]
)
def test_a_queue_is_read_again_after_a_refusal(
    server: EmbeddedValkey,
    monkeypatch: pytest.MonkeyPatch,
    logs: ProcessLogs,
    spoil: Callable[[redis.Redis], None],
    mend: Callable[[redis.Redis], None],
) -> None:
    monkeypatch.setattr(dramatiq.worker, "CONSUMER_RESTART_DELAY_SECS", 0.05)
    monkeypatch.setattr(dramatiq.worker, "POST_PROCESS_MESSAGE_RETRY_DELAY_SECS", 0.05)
    broker = ReadingBroker(
        keep_unreadable=lambda _queue, _content: True,
        client=new_redis_client(server.url, patient=True),
        middleware=[],
    )
    done: list[str] = []
    begun, may_end = threading.Event(), threading.Event()

    @dramatiq.actor(broker=broker, queue_name="api", actor_name="work")
    def work(name: str) -> None:
        if name == "in hand":
            begun.set()
            may_end.wait(timeout=30)
        done.append(name)

    worker = Worker(broker, worker_timeout=10, worker_threads=2)
    worker.start()
    try:
        # When the refusal begins, the consumer holds a delayed message in memory and a thread processes another one.
        broker.enqueue(work.message("delayed"), delay=1_500)
        broker.enqueue(work.message("in hand"))
        assert begun.wait(timeout=20)
        with redis.Redis.from_url(server.url) as administrator:
            eventually(lambda: administrator.llen("dramatiq:api.DQ") == 0)
            spoil(administrator)
            refused_at = current_millis()
            may_end.set()
            eventually(lambda: current_millis() > refused_at + 2_000)
            mend(administrator)
        eventually(lambda: done.count("in hand") == 1)
        broker.enqueue(work.message("afterwards"))
        broker.enqueue(work.message("delayed afterwards"), delay=10)
        eventually(lambda: {"afterwards", "delayed afterwards"} <= set(done))
        assert all(thread.is_alive() for thread in worker.consumers.values())
        assert [line["action"] for line in logs.lines if "redis" in line.get("action", "")] == [
            "redis.refuses",
            "redis.works_again",
        ]
    finally:
        worker.stop()
        broker.client.close()
