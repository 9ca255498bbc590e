"""The form of booksync's own messages. Other content in the queue comes from another program, or from a person.

Such content is refused, although Dramatiq can decode some of it. A message with a delay of years would occupy a place
in a worker until the worker ends. An unknown option would change how Dramatiq treats the message. The actor's
name and the id of a message are logged, so neither may hold other data.
"""

import re
import uuid
from typing import Any, Final

from dramatiq import Message
from dramatiq.common import current_millis
from dramatiq.errors import DecodeError

from workers.queue.messages import DEAD_LETTER_OPTION, LONGEST_DELAY_SECONDS

#: The longest accepted message, in bytes. booksync's own messages have about 400 bytes.
LARGEST_BYTES: Final = 10_000

_ACTOR: Final = re.compile(r"[a-z][a-z_]{0,63}")

_ID_OPTION: Final = "redis_message_id"
_OPTIONS: Final = {_ID_OPTION, "eta", DEAD_LETTER_OPTION}

#: The numbers that fit into Postgres's bigint and that orjson can write.
_NUMBERS: Final = range(-(2**63), 2**63)

#: The longest accepted delay: twice the longest real one, because the senders' clocks may be wrong.
_LONGEST_DELAY_MS: Final = 2 * LONGEST_DELAY_SECONDS * 1000


def is_message(content: bytes, queue_name: str) -> bool:
    """Whether a worker can process the content. A message that names another queue than
    `queue_name` is refused, because it would end the worker's thread."""
    if len(content) > LARGEST_BYTES:
        return False
    try:
        message = Message.decode(content)
    except (DecodeError, RecursionError):
        return False
    return (
        message.queue_name == queue_name
        and isinstance(message.actor_name, str)
        and _ACTOR.fullmatch(message.actor_name) is not None
        and _is_uuid(message.message_id)
        and _is_number(message.message_timestamp)
        and _are_options(message.options)
        and isinstance(message.args, list | tuple)
        and all(map(_is_scalar, message.args))
        and isinstance(message.kwargs, dict)
        and all(map(_is_scalar, message.kwargs.values()))
    )


def id_in_redis(content: bytes) -> str:
    """The id under which the message claims to be stored in Redis."""
    kept_as: str = Message.decode(content).options[_ID_OPTION]
    return kept_as


def _are_options(options: Any) -> bool:
    return (
        isinstance(options, dict)
        and options.keys() <= _OPTIONS
        and isinstance(options.get(_ID_OPTION), str)
        and ("eta" not in options or _is_moment(options["eta"]))
        and (DEAD_LETTER_OPTION not in options or _is_number(options[DEAD_LETTER_OPTION]))
    )


def _is_moment(value: Any) -> bool:
    return _is_number(value) and value <= current_millis() + _LONGEST_DELAY_MS


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value in _NUMBERS


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, bool | str) or _is_number(value)


def _is_uuid(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value
    except ValueError:
        return False
