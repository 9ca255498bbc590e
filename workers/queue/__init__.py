"""The queue: Dramatiq over Redis, set so that what it loses, doubles or delays does no harm."""

from workers.queue.factory import new_broker
from workers.queue.messages import (
    LONGEST_DELAY_SECONDS,
    Queue,
    delayed_messages,
    ready_messages,
    send_resync,
    send_step,
)

__all__ = [
    "LONGEST_DELAY_SECONDS",
    "Queue",
    "delayed_messages",
    "new_broker",
    "ready_messages",
    "send_resync",
    "send_step",
]
