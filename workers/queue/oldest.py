"""How long the oldest message of each queue has waited for a worker."""

import json
import time

import redis

from workers.queue.messages import Queue

#: The number of messages inspected at the head of a queue's list, whatever the list's length.
_LOOKED_AT = 100

#: The Redis lists of ready and of delayed messages; without a worker, delayed messages stay in their list.
_LISTS = [(queue, f"dramatiq:{queue}{suffix}") for queue in Queue for suffix in ("", ".DQ")]


def oldest_seconds(client: redis.Redis) -> dict[Queue, float]:
    """For each queue, the seconds since its oldest unfetched message became due; 0 without such a message.

    The lookup inspects only the head of each list, so it needs two round trips whatever the queues hold. A message that
    a worker could not begin returns to the tail, and is inspected when it reaches the head again.

    Raises:
        RedisError: Redis is down.
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
        if content is not None  # The message is missing if a worker fetched and finished it between the two reads.
    ]


def _due_ms(content: bytes) -> int | None:
    """When a message was due; None for content that is not a message, which a worker will report."""
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
