"""A RedisBroker that wakes the workers when it sends a message, without a further round trip."""

from typing import Any, Final

from dramatiq.brokers.redis import RedisBroker

#: The command of Dramatiq's script that only does the maintenance of a queue. Dramatiq's script does nothing else for a
#: command that it does not know.
MAINTAIN: Final = "maintain"

#: The addition to Dramatiq's script. `pcall` ignores an error, because a message without a wake-up is read too, some
#: seconds later.
_WAKE = """
if command == "enqueue" or command == "requeue" or command == "maintain" then
    redis.pcall("publish", "{channel}", queue_name)
end
"""


class WakingBroker(RedisBroker):
    """A RedisBroker whose script publishes the queue's name when messages are added to the queue.

    Only `do_maintain(queue_name)` does the maintenance of a queue. Dramatiq's own broker does it with some of its
    commands, at random. A worker that waits for wake-ups sends too few commands for that.
    """

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)  # type: ignore[no-untyped-call]
        # Channels are shared by all databases of a server, so the channel's name has the number of the database.
        database = self.client.connection_pool.connection_kwargs.get("db") or 0
        self.wake_channel = f"{self.namespace}:wake:{database}"
        wake = _WAKE.format(channel=self.wake_channel).encode()
        dispatch: Any = self.scripts["dispatch"].script
        self.scripts["dispatch"] = self.client.register_script(dispatch + wake)

    def _should_do_maintenance(self, command: str) -> int:
        return int(command == MAINTAIN)
