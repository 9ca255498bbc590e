"""The queue: Dramatiq over Redis, configured so that lost, duplicate and delayed messages do no harm."""

from workers.queue.factory import new_broker
from workers.queue.messages import (
    LONGEST_DELAY_SECONDS,
    Queue,
    delayed_messages,
    ready_messages,
    send_refresh,
    send_step,
)

__all__ = [
    "LONGEST_DELAY_SECONDS",
    "Queue",
    "delayed_messages",
    "new_broker",
    "ready_messages",
    "send_refresh",
    "send_step",
]
