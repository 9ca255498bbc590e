"""Foreign messages in Redis: none stops a worker, none is lost without a record, no personal data is logged."""

import json
import uuid
from typing import Any

import psycopg
import pytest
import redis
from dramatiq import Message

from tests.end_to_end.installation import PROJECT, SCHEDULER, WORKER, Installation
from tests.end_to_end.underway import eventually

pytestmark = pytest.mark.slow

ADA = "ada@example.com"
PHONE = "+491701234567"
A_CENTURY_AHEAD_MS = 5_000_000_000_000

#: More than a worker prefetches: if each message kept its place, the queue would stop.
MANY = 40


def message(actor_name: str = "start_sync", *args: Any, **changed: Any) -> dict[str, Any]:
    made: Message[None] = Message("database", actor_name, args, {}, {})
    return {**made.asdict(), **changed}


UNREADABLE: list[bytes | dict[str, Any]] = [
    b"",
    b"\xff\xfe\x00",
    f"name={ADA}".encode(),
    b"[" * 50_000,
    b"null",
    message("start_sync", ADA * 100_000),
    message(ADA),
    message(message_id=PHONE),
    message(kwargs={"customer": {"phone": PHONE}}),
    message("start_sync", 10**300, 1),
    message(message_timestamp=f"{ADA}"),
    *[message("start_sync", str(uuid.uuid4()), 0, options={"eta": A_CENTURY_AHEAD_MS}) for _ in range(MANY)],
]

DEFECT = [
    message("start_sync"),
    message("start_sync", ADA, 0),
    message("start_sync", 5, "x"),
    message("start_sync", str(uuid.uuid4()), -1),
    message("start_sync", str(uuid.uuid4()), 2**40),
    message("start_sync", str(uuid.uuid4()), PHONE),
    message("resync_contact", str(uuid.uuid4()), "\x00"),
    message("resync_invoice", "no-connection", "1"),
]

UNKNOWN_ACTOR = [message("delete_everything", "1")]

#: Hints of unknown records: they end quietly.
HARMLESS = [
    message("start_sync", str(uuid.uuid4()), 0),
    message("fetch_contacts_page", str(uuid.uuid4()), 7),
    message("resync_contact", str(uuid.uuid4()), "1234567000000"),
]


@pytest.fixture
def queue(installation: Installation) -> redis.Redis:
    return redis.Redis.from_url(installation.environment["REDIS_URL"])


def put(queue: redis.Redis, content: bytes | dict[str, Any], *, kept_as: str | None = None) -> None:
    key = kept_as or str(uuid.uuid4())
    if isinstance(content, dict):
        options = {"redis_message_id": key, **content["options"]}
        content = json.dumps({**content, "options": options}).encode()
    queue.hset("dramatiq:database.msgs", key, content)
    queue.rpush("dramatiq:database", key)


def test_workers_survive_a_poisoned_queue(installation: Installation, queue: redis.Redis) -> None:
    installation.environment["PYTHONPATH"] = str(PROJECT)
    with queue:
        for content in (*UNREADABLE, *DEFECT, *UNKNOWN_ACTOR, *HARMLESS):
            put(queue, content)
        put(queue, message("start_sync", str(uuid.uuid4()), 0, options={"redis_message_id": "another"}), kept_as="one")
        queue.rpush("dramatiq:database", "an id without a message", b"\xff")
        worker = installation.start(*WORKER)
        installation.start(*SCHEDULER)
        connection_id = installation.connect().json["connection_id"]
        synced = installation.run("sync", connection_id, "--wait", "--json")
        assert (synced.code, synced.json["status"]) == (0, "succeeded")

        expected = {"unreadable": len(UNREADABLE) + 1, "defect": len(DEFECT), "unknown_actor": len(UNKNOWN_ACTOR)}
        with psycopg.connect(installation.environment["DATABASE_URL"], autocommit=True) as database:
            failures = "SELECT cause, sum(deaths)::int FROM booksync.dead_letters GROUP BY cause"
            eventually(lambda: dict(database.execute(failures).fetchall()) == expected)
            written = str(database.execute("SELECT to_jsonb(dead_letters) FROM booksync.dead_letters").fetchall())
        eventually(lambda: queue.hlen("dramatiq:database.msgs") == 0)
    assert worker.poll() is None
    said = "".join(log.read_text() for log in installation.logs.glob("*.log"))
    assert ADA not in said + written
    assert PHONE not in said + written


def test_another_programs_key_is_reported_and_the_queue_works_after_its_removal(
    installation: Installation, queue: redis.Redis
) -> None:
    installation.environment["PYTHONPATH"] = str(PROJECT)
    with queue:
        queue.set("dramatiq:api", "mine")
        installation.start(*WORKER)
        installation.start(*SCHEDULER)
        log = installation.logs / "dramatiq-0.log"
        eventually(lambda: "holds another program's data under a key of booksync's" in log.read_text())
        assert "Traceback" not in log.read_text()
        queue.delete("dramatiq:api")
        connection_id = installation.connect().json["connection_id"]
        assert installation.run("sync", connection_id, "--wait", "--json").json["status"] == "succeeded"
