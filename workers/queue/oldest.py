"""How long the oldest message of each queue has been waiting for a worker."""

import json
import time

import redis

from workers.queue.messages import Queue

#: So many messages at a list's head are looked at, however long it is.
_LOOKED_AT = 100

#: Messages to work on now, and those that are to come later: without a worker, nobody moves these to the others.
_LISTS = [(queue, f"dramatiq:{queue}{suffix}") for queue in Queue for suffix in ("", ".DQ")]


def oldest_seconds(client: redis.Redis) -> dict[Queue, float]:
    """For how long the oldest message that is due has been due and not fetched; 0 in a queue without one.

    Two round trips, whatever the queues hold. Workers take messages from the head and give back to the tail what they
    could not begin, so that such a message is seen when its turn comes again.

    Raises:
        RedisError: Redis is away.
    """
    now_ms = time.time() * 1000
    oldest = dict.fromkeys(Queue, 0.0)
    for queue, content in _at_the_heads(client):
        due_ms = _due_ms(content)
        if due_ms is not None:
            oldest[queue] = max(oldest[queue], (now_ms - due_ms) / 1000)
    return oldest


def _at_the_heads(client: redis.Redis) -> list[tuple[Queue, bytes]]:
    with client.pipeline(transaction=False) as pipeline:
        for _, name in _LISTS:
            pipeline.lrange(name, 0, _LOOKED_AT - 1)
        heads = [(queue, name, ids) for (queue, name), ids in zip(_LISTS, pipeline.execute(), strict=True) if ids]
    with client.pipeline(transaction=False) as pipeline:
        for _, name, ids in heads:
            pipeline.hmget(f"{name}.msgs", ids)
        contents = pipeline.execute()
    return [
        (queue, content)
        for (queue, _, _), of_it in zip(heads, contents, strict=True)
        for content in of_it
        if content is not None  # fetched and done between the two looks
    ]


def _due_ms(content: bytes) -> int | None:
    """When it was due; None for what is no message, of which a worker will tell."""
    try:
        message = json.loads(content)
    except (ValueError, RecursionError):
        return None
    match message:
        case {"message_timestamp": int(sent), "options": {"eta": int(due)}}:
            return max(sent, due)
        case {"message_timestamp": int(sent)}:
            return sent
        case _:
            return None
