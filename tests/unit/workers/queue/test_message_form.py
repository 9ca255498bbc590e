"""Promises of queue/message_form.py: foreign entries of the queue are not accepted as messages."""

import json
from typing import Any

import pytest
from dramatiq import Message
from dramatiq.common import current_millis
from hypothesis import given
from hypothesis import strategies as st

from tests.tables import table
from workers.queue.message_form import LARGEST_BYTES, is_message
from workers.queue.messages import DEAD_LETTER_OPTION, LONGEST_DELAY_SECONDS

QUEUE = "api"
ID = {"redis_message_id": "kept-as-this"}


def content(**changed: Any) -> bytes:
    message: Message[None] = Message(QUEUE, "start_sync", ("0b7e…", 3), {}, ID)
    return json.dumps({**message.asdict(), **changed}).encode()


def in_ms(seconds: float) -> int:
    return round(current_millis() + seconds * 1000)


@pytest.mark.parametrize(
    "sound",
    [
        content(),
        content(options={**ID, "eta": in_ms(LONGEST_DELAY_SECONDS)}),
        content(options={**ID, DEAD_LETTER_OPTION: 7}),
        content(actor_name="from_a_newer_release", args=["1234567000000", None, True], kwargs={"id": "1"}),
    ],
)
def test_booksync_message_is_valid(sound: bytes) -> None:
    assert is_message(sound, QUEUE)


@table(
    "poison",
    [
        # Larger than any message of booksync.
        content(args=["x" * LARGEST_BYTES]),
        content(args=list(range(LARGEST_BYTES))),
        # Nested deeper than Python can read, or deeper than arguments are.
        b"[" * (LARGEST_BYTES - 1),
        content(args=[[1]]),
        content(kwargs={"run": {"id": 1}}),
        # Numbers outside the ranges of Postgres and of a dead letter.
        content(args=[2**63]),
        content(message_timestamp=2**70),
        content(message_timestamp=True),
        content(options={**ID, DEAD_LETTER_OPTION: 2**63}),
        content(options={**ID, DEAD_LETTER_OPTION: "7"}),
        # Due far in the future: it would occupy a place of the worker until then.
        content(options={**ID, "eta": in_ms(365 * 24 * 3600)}),
        content(options={**ID, "eta": None}),
        content(options={**ID, "eta": "ada@example.com"}),
        # Options with an effect in Dramatiq or in booksync's middleware.
        content(options={**ID, "death": "any"}),
        content(options={**ID, "max_age": "any"}),
        content(options={**ID, "traceback": "ada@example.com"}),
        # Texts that would appear in a log line.
        content(message_id="ada@example.com"),
        content(message_id="4917012345678"),
        content(actor_name="ada@example.com"),
        content(actor_name=""),
    ],
)
def test_foreign_bytes_are_not_a_message(poison: bytes) -> None:
    assert not is_message(poison, QUEUE)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(field=st.sampled_from(sorted(json.loads(content()))), value=json_values)
def test_no_field_value_raises(field: str, value: Any) -> None:
    is_message(content(**{field: value}), QUEUE)


@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    assert not is_message(data, QUEUE)
