"""Promises of observability/counters.py: counts of all processes are added, and Redis failures affect no caller."""

import fakeredis
import pytest
import redis
from structlog.testing import capture_logs

from domain.entities import CUSTOMER, INVOICE
from domain.runs import Phase
from workers.budget import WaitReason
from workers.observability.counters import KEY, LABELS, NO_ANSWER, UNKNOWN, Counters, Family, JobOutcome, Labels, totals


class World:
    """A Redis that can be unreachable, and a manual clock."""

    def __init__(self) -> None:
        self.server = fakeredis.FakeServer()
        self.redis = fakeredis.FakeRedis(server=self.server)
        self.now = 0.0
        self.counters = self.process()

    def process(self) -> Counters:
        return Counters(fakeredis.FakeRedis(server=self.server), clock=lambda: self.now)

    def counted(self, family: Family) -> dict[Labels, int]:
        """The counters that are not 0."""
        return {labels: total for labels, total in totals(self.redis)[family].items() if total}


@pytest.fixture
def world() -> World:
    return World()


def test_every_counter_is_reported_as_0_before_the_first_count(world: World) -> None:
    told = totals(world.redis)
    assert {total for family in Family for total in told[family].values()} == {0}
    assert told[Family.STEPS].keys() >= {(phase, "given_up") for phase in Phase if phase is not Phase.DONE}
    assert told[Family.API_CALLS].keys() >= {("200",), ("429",), (NO_ANSWER,)}


@pytest.mark.parametrize("family", Family)
def test_every_total_has_all_labels_of_its_family(world: World, family: Family) -> None:
    assert {len(labels) for labels in totals(world.redis)[family]} == {len(LABELS[family])}


def test_run_step_is_counted_by_phase_and_outcome(world: World) -> None:
    for ending in (JobOutcome.DONE, JobOutcome.DONE, JobOutcome.RETRIED):
        world.counters.step(Phase.CONTACTS, ending)
    world.counters.step(None, JobOutcome.PASSED_OVER)
    assert world.counted(Family.STEPS) == {
        ("contacts", "done"): 2,
        ("contacts", "retried"): 1,
        (UNKNOWN, "passed_over"): 1,
    }


def test_record_is_counted_by_kind_and_outcome(world: World) -> None:
    world.counters.refresh(INVOICE, JobOutcome.PARKED)
    assert world.counted(Family.REFRESHES) == {("invoice", "parked"): 1}


def test_call_is_counted_by_the_status_of_its_response(world: World) -> None:
    for status in (200, 200, 429, None, 502):
        world.counters.api_call(status)
    assert world.counted(Family.API_CALLS) == {("200",): 2, ("429",): 1, (NO_ANSWER,): 1, ("502",): 1}


def test_wait_is_counted_by_reason_with_its_length(world: World) -> None:
    world.counters.budget_wait(1.25, WaitReason.MINUTE)
    world.counters.budget_wait(0.5, WaitReason.MINUTE)
    assert world.counted(Family.BUDGET_WAITS) == {("minute",): 2}
    assert world.counted(Family.BUDGET_WAIT_MS) == {("minute",): 1750}


def test_truth_check_is_counted_by_finding_and_by_each_differing_column(world: World) -> None:
    world.counters.truth_check(CUSTOMER, ["primary_phone", "contact_persons"])
    world.counters.truth_check(CUSTOMER, [])
    world.counters.truth_check(INVOICE, None)
    assert world.counted(Family.TRUTH_CHECK_RECORDS) == {
        ("customers", "drifted"): 1,
        ("customers", "equal"): 1,
        ("invoices", "not_compared"): 1,
    }
    assert world.counted(Family.TRUTH_CHECK_DRIFT) == {
        ("customers", "primary_phone"): 1,
        ("customers", "contact_persons"): 1,
    }


def test_counts_of_all_processes_are_added(world: World) -> None:
    for counters in (world.counters, world.process(), world.process()):
        counters.api_call(200)
    assert world.counted(Family.API_CALLS) == {("200",): 3}


def test_counts_restart_from_0_when_redis_comes_back_empty(world: World) -> None:
    world.counters.api_call(200)
    world.redis.flushall()
    world.counters.api_call(200)
    assert world.counted(Family.API_CALLS) == {("200",): 1}


def test_counters_of_another_release_are_left_out(world: World) -> None:
    world.redis.hset(KEY, mapping={"unheard_of:word": 3, "steps:contacts:done:more": 3, "nonsense": 3})
    world.counters.step(Phase.CONTACTS, JobOutcome.DONE)
    assert world.counted(Family.STEPS) == {("contacts", "done"): 1}


def test_without_redis_no_error_is_raised_and_counts_are_written_later(world: World) -> None:
    world.server.connected = False
    world.counters.step(Phase.CONTACTS, JobOutcome.WAITING)
    world.counters.api_call(200)
    world.server.connected = True
    world.now += 5
    world.counters.api_call(200)
    assert world.counted(Family.STEPS) == {("contacts", "waiting"): 1}
    assert world.counted(Family.API_CALLS) == {("200",): 2}


def test_unreachable_redis_is_tried_only_at_intervals(world: World) -> None:
    world.server.connected = False
    with capture_logs() as logs:
        for _ in range(100):
            world.counters.api_call(200)
            world.now += 0.1
    assert [line["action"] for line in logs] == ["counters.not_written"] * 2


def test_redis_that_refuses_writes_does_no_harm(world: World) -> None:
    world.redis.set(KEY, "something else")
    world.counters.step(Phase.CONTACTS, JobOutcome.DONE)
    world.redis.delete(KEY)
    world.now += 5
    world.counters.step(Phase.CONTACTS, JobOutcome.DONE)
    assert world.counted(Family.STEPS) == {("contacts", "done"): 2}


def test_reading_the_counters_reports_an_unreachable_redis(world: World) -> None:
    world.server.connected = False
    with pytest.raises(redis.ConnectionError):
        totals(world.redis)
