"""Reads the queue. Content that is not a message becomes a dead letter, and the following messages are processed.

Dramatiq's own consumer fails on such content: it stops for three seconds, forgets the messages fetched in the same
batch until the process ends, and then another process fails on the same content.
"""

import time
from collections.abc import Callable, Collection
from typing import Any

from dramatiq import Consumer, Message

from workers.queue.consumer import WokenConsumer, refusals_as_lost_connections
from workers.queue.message_form import id_in_redis, is_message
from workers.queue.wakes import Wakes
from workers.queue.waking import WakingBroker
from workers.redis_access.refusal_log import refusal_log

#: A function that receives the queue's name and the content, and returns False if the dead letter could not be written.
KeepUnreadable = Callable[[str, bytes], bool]

#: The pause before content is read again after its dead letter could not be written.
_PAUSE_SECONDS = 1.0


class ReadingBroker(WakingBroker):
    """A broker whose consumers read after wake-ups, and that moves unreadable content to the dead letters."""

    def __init__(self, *, keep_unreadable: KeepUnreadable, precedence: Collection[str] = (), **parameters: Any) -> None:
        super().__init__(**parameters)
        self._keep_unreadable = keep_unreadable
        self.wakes = Wakes(precedence)

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        return WokenConsumer(self, self.wakes, queue_name, prefetch=prefetch, seconds=timeout / 1000)

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Send the message.

        If Redis refuses the message, ConnectionClosed is raised. Dramatiq's own threads send too and expect this error.
        """
        with refusals_as_lost_connections():
            sent: Message[Any] = super().enqueue(message, delay=delay)
        return sent

    def do_fetch(self, queue_name: str, prefetch: int) -> list[bytes | None]:
        """Return up to `prefetch` checked messages; the method of RedisBroker would return the content unchecked."""
        began = refusal_log.now()
        fetched: list[bytes | None] = self._dispatch("fetch")(queue_name, prefetch)  # type: ignore[no-untyped-call]
        refusal_log.accepted(began=began)
        contents = [content for content in fetched if content is not None]
        messages = self._under_their_ids(queue_name, [each for each in contents if is_message(each, queue_name)])
        for content in contents:
            if content not in messages:
                self._put_aside(queue_name, content)
                # More messages may follow, although fewer than requested are returned.
                self.wakes.wake(queue_name)
        return [*messages]

    def _under_their_ids(self, queue_name: str, messages: list[bytes]) -> list[bytes]:
        """The messages that name the id under which they are stored in Redis.

        Other messages are omitted, because a worker could never remove them from Redis.
        """
        known = self._ids_in_hand(queue_name) if messages else set()
        return [message for message in messages if id_in_redis(message).encode() in known]

    def _put_aside(self, queue_name: str, content: bytes) -> None:
        if self._keep_unreadable(queue_name, content):
            self.do_nack(queue_name, *self._ids_of(queue_name, content))
            return
        self.do_requeue(queue_name, *self._ids_of(queue_name, content))
        time.sleep(_PAUSE_SECONDS)

    def _ids_of(self, queue_name: str, content: bytes) -> list[bytes]:
        """The id under which this content was fetched, in a list; an empty list if the id is unknown.

        The content is compared with the fetched messages in Redis, because the content itself may lack its id.
        """
        ids = list(self._ids_in_hand(queue_name))
        contents = self.client.hmget(f"{self.namespace}:{queue_name}.msgs", ids) if ids else []
        return [fetched for fetched, of_it in zip(ids, contents, strict=True) if of_it == content][:1]

    def _ids_in_hand(self, queue_name: str) -> set[bytes]:
        """The ids of all messages that this process has fetched and not finished."""
        return set(self.client.smembers(f"{self.namespace}:__acks__.{self.broker_id}.{queue_name}"))
