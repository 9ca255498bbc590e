"""Promises of db/runs.py: a connection has one run, a step is done once, and a stalled run is found again."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine, text

from db import runs
from db.connections import Connection
from db.lease_errors import LeaseLostError
from db.runs import StepLease, StepRef
from domain.entities import CUSTOMER, INVOICE
from domain.run_position import ListRead, Position
from domain.runs import Counters, Mode, Phase, RunStatus
from domain.walk import Walk
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import rows, until_somebody_waits
from tests.integration.db.stepping import (
    A_MINUTE_SECONDS,
    at_once,
    begin,
    finish,
    leased,
    let_the_claim_run_out,
    nothing_was_written,
    the_run,
    write_a_row,
)


def sweep(engine: Engine, *, limit: int = 1000) -> list[StepRef]:
    with engine.begin() as db:
        return runs.sweep(db, sweep_seconds=A_MINUTE_SECONDS, limit=limit)


def advance_with_rows(engine: Engine, mine: StepLease) -> None:
    with engine.begin() as db:
        write_a_row(db)
        runs.advance(db, mine, sweep_seconds=A_MINUTE_SECONDS)


class TestStart:
    def test_a_run_begins_at_its_first_step(self, engine: Engine, connection: Connection, step: StepRef) -> None:
        run = the_run(engine)
        assert (step.run_id, step.step, step.phase) == (run["id"], 0, Phase.START)
        assert (run["connection_id"], run["user_id"]) == (connection.connection_id, connection.user_id)
        assert (run["mode"], run["allow_deletions"], run["status"]) == ("full", True, "running")

    @pytest.mark.usefixtures("step")
    def test_a_connection_has_one_run_at_a_time(self, engine: Engine, connection: Connection) -> None:
        assert begin(engine, connection) is None
        assert len(rows(engine, "SELECT id FROM booksync.sync_runs")) == 1

    def test_one_of_two_concurrent_starts_succeeds(self, engine: Engine, connection: Connection) -> None:
        started = at_once(lambda: begin(engine, connection))
        assert sum(step is not None for step in started) == 1

    def test_an_uncommitted_run_counts(self, engine: Engine, connection: Connection) -> None:
        with ThreadPoolExecutor(1) as threads:
            with engine.begin() as db:
                runs.start(
                    db, connection.connection_id, Mode.FULL, allow_deletions=False, sweep_seconds=A_MINUTE_SECONDS
                )
                other = threads.submit(begin, engine, connection)
                until_somebody_waits(engine)
            assert other.result() is None

    def test_the_next_run_starts_after_the_end_of_the_last(
        self, engine: Engine, connection: Connection, step: StepRef
    ) -> None:
        mine = leased(engine, step)
        with engine.begin() as db:
            runs.advance(db, mine.over(mine.run.finished()), sweep_seconds=A_MINUTE_SECONDS)
        assert begin(engine, connection) is not None

    @pytest.mark.usefixtures("step")
    def test_runs_of_several_connections_are_concurrent(self, engine: Engine) -> None:
        assert begin(engine, a_connection(engine)) is not None

    def test_an_unknown_connection_cannot_have_a_run(self, engine: Engine, connection: Connection) -> None:
        assert begin(engine, replace(connection, connection_id=uuid.uuid4())) is None

    def test_the_run_in_progress_is_found(self, engine: Engine, connection: Connection, step: StepRef) -> None:
        with engine.connect() as db:
            run = runs.running(db, connection.connection_id)
            assert run is not None
            assert StepRef.of(run) == step
            assert runs.running(db, uuid.uuid4()) is None


class TestAdvance:
    def test_advancing_goes_to_the_next_step_and_releases_the_lease(self, engine: Engine, step: StepRef) -> None:
        mine = leased(engine, step)
        changed = replace(
            mine.run,
            mode=Mode.INCREMENTAL,
            position=Position().with_list(CUSTOMER, ListRead(Walk.begin(None))),
            counters=Counters(new={INVOICE: 7}),
            degraded_reason="Customers are not complete.",
        ).go_to(Phase.INVOICES)
        with engine.begin() as db:
            following = runs.advance(db, mine.over(changed), sweep_seconds=15, error="Zoho is down.")
        assert following == StepRef(step.run_id, 1, Phase.INVOICES)
        run = the_run(engine)
        assert run["swept_in_seconds"] == pytest.approx(15, abs=5)
        assert (run["attempts"], run["claimed_until"], run["finished_at"]) == (0, None, None)
        assert run["error"] == "Zoho is down."
        assert leased(engine, following).run == replace(changed, step=1, attempts=1)

    def test_a_step_is_done_once(self, engine: Engine, step: StepRef) -> None:
        mine = leased(engine, step)
        with engine.begin() as db:
            runs.advance(db, mine, sweep_seconds=A_MINUTE_SECONDS)
        with pytest.raises(LeaseLostError):
            advance_with_rows(engine, mine)
        assert nothing_was_written(engine)
        assert the_run(engine)["step"] == 1

    def test_a_worker_that_lost_its_lease_cannot_overwrite_the_new_holder(self, engine: Engine, step: StepRef) -> None:
        first = leased(engine, step)
        let_the_claim_run_out(engine)
        second = leased(engine, step)
        with pytest.raises(LeaseLostError):
            advance_with_rows(engine, first)
        assert nothing_was_written(engine)
        advance_with_rows(engine, second)

    def test_one_of_two_workers_finishes_a_step_and_the_others_rows_roll_back(
        self, engine: Engine, step: StepRef
    ) -> None:
        mine = leased(engine, step)

        with ThreadPoolExecutor(1) as threads:
            with engine.begin() as db:
                runs.advance(db, mine.over(replace(mine.run, position=Position(persons_calls=2))), sweep_seconds=1)
                slower = threads.submit(
                    advance_with_rows, engine, mine.over(replace(mine.run, position=Position(persons_calls=9)))
                )
                until_somebody_waits(engine)
            with pytest.raises(LeaseLostError):
                slower.result()
        assert nothing_was_written(engine)
        assert the_run(engine)["position"]["persons_calls"] == 2

    def test_an_ended_run_stays_unchanged(self, engine: Engine, step: StepRef) -> None:
        mine = leased(engine, step)
        with engine.begin() as db:
            runs.advance(db, mine.over(mine.run.finished()), sweep_seconds=A_MINUTE_SECONDS)
        with pytest.raises(LeaseLostError), engine.begin() as db:
            runs.advance(db, mine.over(replace(mine.run, step=1)), sweep_seconds=A_MINUTE_SECONDS)

    @pytest.mark.parametrize("status", [status for status in RunStatus if status.is_final])
    def test_the_end_of_a_run_is_recorded(self, engine: Engine, step: StepRef, status: RunStatus) -> None:
        mine = leased(engine, step)
        ended = replace(mine.run, phase=Phase.DONE, status=status)
        with engine.begin() as db:
            runs.advance(db, mine.over(ended), sweep_seconds=A_MINUTE_SECONDS)
        run = the_run(engine)
        assert (run["status"], run["phase"]) == (status, "done")
        assert run["finished_at"] >= run["started_at"]


class TestSweep:
    def test_an_overdue_message_is_sent_once_an_interval(self, engine: Engine, connection: Connection) -> None:
        step = begin(engine, connection, sweep_seconds=0)
        assert sweep(engine) == [step]
        assert sweep(engine) == []

    def test_the_sweep_skips_a_leased_run(self, engine: Engine, connection: Connection) -> None:
        step = begin(engine, connection, sweep_seconds=0)
        assert step is not None
        leased(engine, step)
        assert sweep(engine) == []

    def test_the_step_of_a_killed_worker_is_sent_again(self, engine: Engine, step: StepRef) -> None:
        leased(engine, step)
        let_the_claim_run_out(engine)
        assert sweep(engine) == [step]

    def test_the_sweep_skips_an_ended_run(self, engine: Engine, step: StepRef) -> None:
        with engine.begin() as db:
            finish(db, leased(engine, step))
        assert sweep(engine) == []

    def test_two_sweepers_send_each_run_once(self, engine: Engine) -> None:
        started = {begin(engine, a_connection(engine), sweep_seconds=0) for _ in range(10)}
        first, second = at_once(lambda: sweep(engine))
        assert len(first) + len(second) == 10
        assert {*first, *second} == started

    def test_a_sweeper_skips_a_locked_run(self, engine: Engine, connection: Connection) -> None:
        begin(engine, connection, sweep_seconds=0)
        free = begin(engine, a_connection(engine), sweep_seconds=0)
        with engine.begin() as db:
            db.execute(
                text("SELECT FROM booksync.sync_runs WHERE connection_id = :id FOR UPDATE"),
                {"id": connection.connection_id},
            )
            assert sweep(engine) == [free]

    def test_the_most_overdue_runs_come_first(self, engine: Engine) -> None:
        oldest = [begin(engine, a_connection(engine), sweep_seconds=seconds) for seconds in (-30, -20, -10)]
        assert [sweep(engine, limit=1) for _ in oldest] == [[step] for step in oldest]


def test_each_call_is_counted_whatever_the_outcome_of_its_step(engine: Engine, step: StepRef) -> None:
    with engine.begin() as db:
        lease = runs.acquire(db, step.run_id, step.step, lease_seconds=60)
        assert lease is not None
        lease = runs.checkpoint(db, lease, lease_seconds=60, calls=3)
        runs.release(db, lease, wait_seconds=0, waiting_for="another attempt", sweep_seconds=60, calls=2)
    with engine.begin() as db:
        lease = runs.acquire(db, step.run_id, step.step, lease_seconds=60)
        assert lease is not None
        runs.advance(db, lease, sweep_seconds=60, calls=1)
    assert the_run(engine)["api_calls"] == 6
