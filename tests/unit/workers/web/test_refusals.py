"""Promises of workers/web/refusals.py: every refused webhook is counted, with at most one write a second."""

import uuid

from workers.web.refusals import SECONDS_BETWEEN_WRITES, RefusalCounts

ONE, OTHER = uuid.uuid4(), uuid.uuid4()


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_the_first_refusal_is_written_at_once() -> None:
    counts = RefusalCounts(Clock())
    counts.add(ONE)
    assert counts.take(ONE) == 1


def test_flood_is_written_once_a_second_without_a_lost_count() -> None:
    clock = Clock()
    counts = RefusalCounts(clock)
    written = []
    for _ in range(1_000):
        counts.add(ONE)
        written.append(counts.take(ONE))
        clock.now += 0.01
    clock.now += SECONDS_BETWEEN_WRITES
    written.append(counts.take(ONE))
    assert sum(written) == 1_000
    assert len([count for count in written if count]) <= 12


def test_connections_do_not_wait_for_each_other() -> None:
    counts = RefusalCounts(Clock())
    for connection_id in (ONE, OTHER):
        counts.add(connection_id)
        assert counts.take(connection_id) == 1


def test_waiting_refusals_schedule_one_write() -> None:
    clock = Clock()
    counts = RefusalCounts(clock)
    counts.add(ONE)
    counts.take(ONE)
    assert counts.plan(ONE) is None
    counts.add(ONE, 2)
    assert counts.take(ONE) == 0
    seconds = counts.plan(ONE)
    assert seconds is not None
    assert seconds >= SECONDS_BETWEEN_WRITES
    assert counts.plan(ONE) is None
    clock.now += seconds
    assert counts.take(ONE) == 2


def test_lost_write_is_scheduled_again() -> None:
    clock = Clock()
    counts = RefusalCounts(clock)
    counts.add(ONE)
    counts.take(ONE)
    counts.add(ONE)
    assert counts.plan(ONE) is not None
    clock.now += 2 * SECONDS_BETWEEN_WRITES
    assert counts.plan(ONE) is not None
