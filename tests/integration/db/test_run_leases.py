"""Promises of db/runs.py about leases: a step belongs to one worker until its lease ends."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from db import runs
from db.connections import Connection
from db.lease_errors import LeaseLostError
from db.runs import StepLease, StepRef
from domain.entities import CUSTOMER
from domain.run_position import ListRead, Position
from domain.runs import Counters, Mode, Phase
from domain.walk import Walk
from tests.builders import MODIFIED_AT
from tests.integration.db.look import until_somebody_waits
from tests.integration.db.stepping import (
    A_MINUTE_SECONDS,
    acquire,
    at_once,
    finish,
    leased,
    let_the_claim_run_out,
    nothing_was_written,
    the_run,
    write_a_row,
)


def release(engine: Engine, mine: StepLease, *, wait_seconds: float, refund: bool = False) -> None:
    with engine.begin() as db:
        runs.release(
            db,
            mine,
            wait_seconds=wait_seconds,
            waiting_for="API budget (minute)",
            sweep_seconds=A_MINUTE_SECONDS,
            refund_attempt=refund,
        )


def keep_with_rows(engine: Engine, mine: StepLease) -> None:
    with engine.begin() as db:
        write_a_row(db)
        runs.checkpoint(db, mine, lease_seconds=A_MINUTE_SECONDS)


class TestClaim:
    def test_leasing_a_step_returns_the_run(self, engine: Engine, connection: Connection, step: StepRef) -> None:
        mine = leased(engine, step)
        assert (mine.run.run_id, mine.run.connection_id) == (step.run_id, connection.connection_id)
        assert (mine.run.step, mine.run.phase, mine.run.attempts) == (0, Phase.START, 1)
        assert (mine.run.position, mine.run.counters) == (Position(), Counters())

    def test_a_leased_step_cannot_be_leased_again(self, engine: Engine, step: StepRef) -> None:
        leased(engine, step)
        assert acquire(engine, step) is None

    def test_one_of_two_concurrent_workers_gets_the_lease(self, engine: Engine, step: StepRef) -> None:
        leases = at_once(lambda: acquire(engine, step), times=8)
        assert sum(mine is not None for mine in leases) == 1
        assert the_run(engine)["attempts"] == 1

    def test_a_worker_waits_for_an_uncommitted_lease_and_gets_none(self, engine: Engine, step: StepRef) -> None:
        with ThreadPoolExecutor(1) as threads:
            with engine.begin() as db:
                assert runs.acquire(db, step.run_id, step.step, lease_seconds=A_MINUTE_SECONDS) is not None
                other = threads.submit(acquire, engine, step)
                until_somebody_waits(engine)
            assert other.result() is None

    @pytest.mark.parametrize("number", [-1, 1, 2])
    def test_a_step_other_than_the_present_one_is_a_duplicate(self, engine: Engine, step: StepRef, number: int) -> None:
        assert acquire(engine, replace(step, step=number)) is None

    def test_an_unknown_run_has_no_step(self, engine: Engine, step: StepRef) -> None:
        assert acquire(engine, replace(step, run_id=uuid.uuid4())) is None

    def test_an_ended_run_has_no_step(self, engine: Engine, step: StepRef) -> None:
        with engine.begin() as db:
            ended = finish(db, leased(engine, step))
        assert acquire(engine, ended) is None

    def test_the_lease_of_a_killed_worker_expires(self, engine: Engine, step: StepRef) -> None:
        first = leased(engine, step)
        let_the_claim_run_out(engine)
        second = leased(engine, step)
        assert second.until != first.until
        assert second.run.attempts == 2

    def test_each_attempt_is_counted_before_its_work(self, engine: Engine, step: StepRef) -> None:
        for attempts in (1, 2, 3):
            assert leased(engine, step).run.attempts == attempts
            let_the_claim_run_out(engine)

    def test_the_sweep_is_due_when_the_lease_has_expired(self, engine: Engine, step: StepRef) -> None:
        leased(engine, step, lease_seconds=90)
        assert the_run(engine)["swept_in_seconds"] == pytest.approx(90, abs=5)


class TestKeep:
    def test_a_checkpoint_writes_the_state_and_stays_in_the_step(self, engine: Engine, step: StepRef) -> None:
        mine = leased(engine, step)
        changed = replace(
            mine.run,
            mode=Mode.INCREMENTAL,
            position=Position(persons_calls=3).with_list(CUSTOMER, ListRead(Walk.begin(MODIFIED_AT))),
            counters=Counters(new={CUSTOMER: 100}),
        )
        with engine.begin() as db:
            kept = runs.checkpoint(db, StepLease(changed, mine.until), lease_seconds=A_MINUTE_SECONDS)
        assert kept.run == changed
        let_the_claim_run_out(engine)
        again = leased(engine, step).run
        assert again == replace(changed, attempts=2)

    def test_a_checkpoint_renews_the_lease(self, engine: Engine, step: StepRef) -> None:
        mine = leased(engine, step, lease_seconds=1)
        with engine.begin() as db:
            kept = runs.checkpoint(db, mine, lease_seconds=90)
        run = the_run(engine)
        assert run["claimed_until"] == kept.until > mine.until
        assert run["swept_in_seconds"] == pytest.approx(90, abs=5)

    def test_a_worker_that_lost_its_lease_cannot_checkpoint(self, engine: Engine, step: StepRef) -> None:
        late = leased(engine, step)
        let_the_claim_run_out(engine)
        leased(engine, step)
        with pytest.raises(LeaseLostError):
            keep_with_rows(engine, late)
        assert nothing_was_written(engine)

    def test_an_earlier_lease_of_the_same_worker_is_not_valid(self, engine: Engine, step: StepRef) -> None:
        mine = leased(engine, step)
        with engine.begin() as db:
            runs.checkpoint(db, mine, lease_seconds=A_MINUTE_SECONDS)
        with pytest.raises(LeaseLostError), engine.begin() as db:
            runs.checkpoint(db, mine, lease_seconds=A_MINUTE_SECONDS)


class TestRelease:
    def test_a_wait_for_the_budget_uses_no_attempt(self, engine: Engine, step: StepRef) -> None:
        release(engine, leased(engine, step), wait_seconds=30, refund=True)
        run = the_run(engine)
        assert (run["attempts"], run["claimed_until"], run["waiting_for"]) == (0, None, "API budget (minute)")
        assert run["waits_seconds"] == pytest.approx(30, abs=5)
        assert run["swept_in_seconds"] == pytest.approx(30 + A_MINUTE_SECONDS, abs=5)

    def test_a_failure_uses_an_attempt(self, engine: Engine, step: StepRef) -> None:
        release(engine, leased(engine, step), wait_seconds=0)
        assert leased(engine, step).run.attempts == 2

    def test_a_waiting_step_cannot_be_leased_early(self, engine: Engine, step: StepRef) -> None:
        release(engine, leased(engine, step), wait_seconds=30)
        assert acquire(engine, step) is None

    def test_the_reason_for_the_wait_is_cleared_after_it(self, engine: Engine, step: StepRef) -> None:
        release(engine, leased(engine, step), wait_seconds=0)
        leased(engine, step)
        run = the_run(engine)
        assert (run["not_before"], run["waiting_for"]) == (None, None)

    def test_a_worker_that_lost_its_lease_cannot_release(self, engine: Engine, step: StepRef) -> None:
        late = leased(engine, step)
        let_the_claim_run_out(engine)
        leased(engine, step)
        before = the_run(engine)
        release(engine, late, wait_seconds=30, refund=True)
        after = the_run(engine)
        assert after["claimed_until"] == before["claimed_until"]
        assert (after["attempts"], after["not_before"]) == (2, None)
