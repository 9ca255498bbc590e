"""Promises of queue/arguments.py: an actor rejects malformed arguments."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.queue.arguments import MalformedArgumentsError, check_record, check_step

RUN = str(uuid.uuid4())


def test_valid_arguments_are_accepted() -> None:
    check_step(RUN, 0)
    check_step(RUN, 2**31 - 1)
    check_record(RUN, "1234567000000")


@pytest.mark.parametrize("step", [-1, 2**31, True, None, "3", 1.5, [1]])
def test_step_that_is_not_a_postgres_integer_is_rejected(step: object) -> None:
    with pytest.raises(MalformedArgumentsError):
        check_step(RUN, step)


@pytest.mark.parametrize("record_id", ["", "\x00", "1\n", "x" * 65, "ä", 7, None])
def test_record_id_that_is_not_a_short_printable_text_is_rejected(record_id: object) -> None:
    with pytest.raises(MalformedArgumentsError):
        check_record(RUN, record_id)


@given(st.none() | st.integers() | st.text() | st.lists(st.text()))
def test_id_that_is_not_a_uuid_is_rejected(value: object) -> None:
    for check, rest in ((check_step, 1), (check_record, "1")):
        with pytest.raises((MalformedArgumentsError, ValueError)):
            check(value, rest)
