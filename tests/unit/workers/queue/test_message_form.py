"""Promises of workers/queue/message_form.py: what was put into the queue by hand does not pass for a message."""

import json
from typing import Any

import pytest
from dramatiq import Message
from dramatiq.common import current_millis
from hypothesis import given
from hypothesis import strategies as st

from workers.queue.message_form import LARGEST_BYTES, is_message
from workers.queue.messages import LETTER_OPTION, LONGEST_DELAY_SECONDS

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
        content(options={**ID, LETTER_OPTION: 7}),
        content(actor_name="from_a_newer_release", args=["1234567000000", None, True], kwargs={"id": "1"}),
    ],
)
def test_a_message_of_ours_is_one(sound: bytes) -> None:
    assert is_message(sound, QUEUE)


@pytest.mark.parametrize(
    "poison",
    [
        # Too large to be ours.
        content(args=["x" * LARGEST_BYTES]),
        content(args=list(range(LARGEST_BYTES))),
        # Nested deeper than Python reads, or deeper than ids are.
        b"[" * (LARGEST_BYTES - 1),
        content(args=[[1]]),
        content(kwargs={"run": {"id": 1}}),
        # Numbers that neither Postgres nor its letter can hold.
        content(args=[2**63]),
        content(message_timestamp=2**70),
        content(message_timestamp=True),
        content(options={**ID, LETTER_OPTION: 2**63}),
        content(options={**ID, LETTER_OPTION: "7"}),
        # Far ahead: it would hold a place of the worker until then.
        content(options={**ID, "eta": in_ms(365 * 24 * 3600)}),
        content(options={**ID, "eta": None}),
        content(options={**ID, "eta": "ada@example.com"}),
        # Options that Dramatiq or our own middleware would act on.
        content(options={**ID, "death": "any"}),
        content(options={**ID, "max_age": "any"}),
        content(options={**ID, "traceback": "ada@example.com"}),
        # Texts that a log line would show.
        content(message_id="ada@example.com"),
        content(message_id="4917012345678"),
        content(actor_name="ada@example.com"),
        content(actor_name=""),
    ],
)
def test_what_was_put_there_by_hand_is_none(poison: bytes) -> None:
    assert not is_message(poison, QUEUE)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(field=st.sampled_from(sorted(json.loads(content()))), value=json_values)
def test_no_value_of_any_field_raises(field: str, value: Any) -> None:
    is_message(content(**{field: value}), QUEUE)


@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    assert not is_message(data, QUEUE)
