"""Promises of workers/observability/counters.py: all processes count together, and Redis's troubles are nobody's."""

import fakeredis
import pytest
import redis
from structlog.testing import capture_logs

from domain.deletions import RecordKind
from domain.runs import Phase
from domain.webhooks import Entity
from workers.budget import WaitReason
from workers.observability.counters import KEY, LABELS, NO_ANSWER, UNKNOWN, Counters, Ending, Family, Labels, totals


class World:
    """A Redis that can be away, and a clock that only moves when told."""

    def __init__(self) -> None:
        self.server = fakeredis.FakeServer()
        self.redis = fakeredis.FakeRedis(server=self.server)
        self.now = 0.0
        self.counters = self.process()

    def process(self) -> Counters:
        return Counters(fakeredis.FakeRedis(server=self.server), clock=lambda: self.now)

    def counted(self, family: Family) -> dict[Labels, int]:
        """What is not 0."""
        return {labels: total for labels, total in totals(self.redis)[family].items() if total}


@pytest.fixture
def world() -> World:
    return World()


def test_before_anything_is_counted_all_that_may_be_is_told_as_nothing(world: World) -> None:
    told = totals(world.redis)
    assert {total for family in Family for total in told[family].values()} == {0}
    assert told[Family.STEPS].keys() >= {(phase, "given_up") for phase in Phase if phase is not Phase.DONE}
    assert told[Family.API_CALLS].keys() >= {("200",), ("429",), (NO_ANSWER,)}


@pytest.mark.parametrize("family", Family)
def test_every_total_has_all_labels_of_its_family(world: World, family: Family) -> None:
    assert {len(labels) for labels in totals(world.redis)[family]} == {len(LABELS[family])}


def test_a_step_is_counted_by_its_phase_and_its_end(world: World) -> None:
    for ending in (Ending.DONE, Ending.DONE, Ending.RETRIED):
        world.counters.step(Phase.CONTACTS, ending)
    world.counters.step(None, Ending.PASSED_OVER)
    assert world.counted(Family.STEPS) == {
        ("contacts", "done"): 2,
        ("contacts", "retried"): 1,
        (UNKNOWN, "passed_over"): 1,
    }


def test_a_record_is_counted_by_what_it_is_and_its_end(world: World) -> None:
    world.counters.resync(Entity.INVOICE, Ending.PARKED)
    assert world.counted(Family.RESYNCS) == {("invoice", "parked"): 1}


def test_a_call_is_counted_by_the_status_of_its_answer(world: World) -> None:
    for status in (200, 200, 429, None, 502):
        world.counters.api_call(status)
    assert world.counted(Family.API_CALLS) == {("200",): 2, ("429",): 1, (NO_ANSWER,): 1, ("502",): 1}


def test_a_wait_is_counted_with_its_length_by_the_reason(world: World) -> None:
    world.counters.budget_wait(1.25, WaitReason.MINUTE)
    world.counters.budget_wait(0.5, WaitReason.MINUTE)
    assert world.counted(Family.BUDGET_WAITS) == {("minute",): 2}
    assert world.counted(Family.BUDGET_WAIT_MS) == {("minute",): 1750}


def test_a_truth_check_is_counted_by_its_finding_and_each_column_that_differs(world: World) -> None:
    world.counters.truth_check(RecordKind.CUSTOMER, ["primary_phone", "contact_persons"])
    world.counters.truth_check(RecordKind.CUSTOMER, [])
    world.counters.truth_check(RecordKind.INVOICE, None)
    assert world.counted(Family.TRUTH_CHECK_RECORDS) == {
        ("customers", "drifted"): 1,
        ("customers", "equal"): 1,
        ("invoices", "not_compared"): 1,
    }
    assert world.counted(Family.TRUTH_CHECK_DRIFT) == {
        ("customers", "primary_phone"): 1,
        ("customers", "contact_persons"): 1,
    }


def test_all_processes_count_together(world: World) -> None:
    for counters in (world.counters, world.process(), world.process()):
        counters.api_call(200)
    assert world.counted(Family.API_CALLS) == {("200",): 3}


def test_a_redis_that_came_back_empty_counts_from_nothing(world: World) -> None:
    world.counters.api_call(200)
    world.redis.flushall()
    world.counters.api_call(200)
    assert world.counted(Family.API_CALLS) == {("200",): 1}


def test_what_another_release_counted_is_left_out(world: World) -> None:
    world.redis.hset(KEY, mapping={"unheard_of:word": 3, "steps:contacts:done:more": 3, "nonsense": 3})
    world.counters.step(Phase.CONTACTS, Ending.DONE)
    assert world.counted(Family.STEPS) == {("contacts", "done"): 1}


def test_without_redis_nothing_is_raised_and_the_counts_are_written_later(world: World) -> None:
    world.server.connected = False
    world.counters.step(Phase.CONTACTS, Ending.WAITING)
    world.counters.api_call(200)
    world.server.connected = True
    world.now += 5
    world.counters.api_call(200)
    assert world.counted(Family.STEPS) == {("contacts", "waiting"): 1}
    assert world.counted(Family.API_CALLS) == {("200",): 2}


def test_while_redis_is_away_it_is_tried_once_in_a_while_only(world: World) -> None:
    world.server.connected = False
    with capture_logs() as logs:
        for _ in range(100):
            world.counters.api_call(200)
            world.now += 0.1
    assert [line["action"] for line in logs] == ["counters.not_written"] * 2


def test_a_redis_that_refuses_to_count_does_no_harm(world: World) -> None:
    world.redis.set(KEY, "something else")
    world.counters.step(Phase.CONTACTS, Ending.DONE)
    world.redis.delete(KEY)
    world.now += 5
    world.counters.step(Phase.CONTACTS, Ending.DONE)
    assert world.counted(Family.STEPS) == {("contacts", "done"): 2}


def test_who_asks_is_told_that_redis_is_away(world: World) -> None:
    world.server.connected = False
    with pytest.raises(redis.ConnectionError):
        totals(world.redis)
