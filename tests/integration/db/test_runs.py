"""Promises of db/runs.py: a step is done by one worker at a time, and a run that stands still is found again."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

import pytest
from sqlalchemy import Connection, Engine, text

from db import runs
from db.connections import Link
from db.runs import Claim, StaleStepError, StepRef
from domain.runs import Counters, Mode, Phase, Position, RunStatus
from domain.walk import Walk
from tests.builders import MODIFIED_AT
from tests.integration.db.links import a_link
from tests.integration.db.look import Row, change, row, rows, until_somebody_waits

ResultT = TypeVar("ResultT")

A_MINUTE = 60.0


def begin(engine: Engine, link: Link, *, sweep_seconds: float = A_MINUTE) -> StepRef | None:
    with engine.begin() as connection:
        return runs.start(connection, link.connection_id, Mode.FULL, allow_deletions=True, sweep_seconds=sweep_seconds)


@pytest.fixture
def step(engine: Engine, link: Link) -> StepRef:
    """The first step of a run that has just been started."""
    step = begin(engine, link)
    assert step is not None
    return step


def claim(engine: Engine, step: StepRef, *, claim_seconds: float = A_MINUTE) -> Claim | None:
    with engine.begin() as connection:
        return runs.claim(connection, step.run_id, step.step, claim_seconds=claim_seconds)


def claimed(engine: Engine, step: StepRef, *, claim_seconds: float = A_MINUTE) -> Claim:
    mine = claim(engine, step, claim_seconds=claim_seconds)
    assert mine is not None
    return mine


def release(engine: Engine, mine: Claim, *, wait_seconds: float, refund: bool = False) -> None:
    with engine.begin() as connection:
        runs.release(
            connection,
            mine,
            wait_seconds=wait_seconds,
            waiting_for="API budget (minute)",
            sweep_seconds=A_MINUTE,
            refund_attempt=refund,
        )


def sweep(engine: Engine, *, limit: int = 1000) -> list[StepRef]:
    with engine.begin() as connection:
        return runs.sweep(connection, sweep_seconds=A_MINUTE, limit=limit)


def the_run(engine: Engine) -> Row:
    return row(
        engine,
        """
        SELECT *, extract(epoch FROM not_before - clock_timestamp())::float AS waits_seconds,
               extract(epoch FROM sweep_at - clock_timestamp())::float AS swept_in_seconds
          FROM sync_runs
        """,
    )


def let_the_claim_run_out(engine: Engine) -> None:
    change(engine, "UPDATE sync_runs SET claimed_until = now() - interval '1 second', sweep_at = now()")


def at_once(work: Callable[[], ResultT], times: int = 2) -> list[ResultT]:
    with ThreadPoolExecutor(times) as threads:
        return [future.result() for future in [threads.submit(work) for _ in range(times)]]


def keep_with_rows(engine: Engine, mine: Claim) -> None:
    with engine.begin() as connection:
        write_a_row(connection)
        runs.keep(connection, mine, claim_seconds=A_MINUTE)


def advance_with_rows(engine: Engine, mine: Claim) -> None:
    with engine.begin() as connection:
        write_a_row(connection)
        runs.advance(connection, mine, sweep_seconds=A_MINUTE)


def finish(connection: Connection, mine: Claim) -> StepRef:
    return runs.advance(connection, mine.over(mine.run.finished()), sweep_seconds=0)


def write_a_row(connection: Connection) -> None:
    connection.execute(text("INSERT INTO users DEFAULT VALUES"))


def nothing_was_written(engine: Engine) -> bool:
    """There is nobody but the link's own user."""
    return len(rows(engine, "SELECT id FROM users")) == 1


class TestStart:
    def test_a_run_begins_at_its_first_step(self, engine: Engine, link: Link, step: StepRef) -> None:
        run = the_run(engine)
        assert (step.run_id, step.step, step.phase) == (run["id"], 0, Phase.START)
        assert (run["connection_id"], run["user_id"]) == (link.connection_id, link.user_id)
        assert (run["mode"], run["allow_deletions"], run["status"]) == ("full", True, "running")

    @pytest.mark.usefixtures("step")
    def test_a_connection_has_one_run_at_a_time(self, engine: Engine, link: Link) -> None:
        assert begin(engine, link) is None
        assert len(rows(engine, "SELECT id FROM sync_runs")) == 1

    def test_of_two_that_start_one_at_once_one_does(self, engine: Engine, link: Link) -> None:
        started = at_once(lambda: begin(engine, link))
        assert sum(step is not None for step in started) == 1

    def test_a_run_that_is_not_committed_yet_counts(self, engine: Engine, link: Link) -> None:
        with ThreadPoolExecutor(1) as threads:
            with engine.begin() as connection:
                runs.start(connection, link.connection_id, Mode.FULL, allow_deletions=False, sweep_seconds=A_MINUTE)
                other = threads.submit(begin, engine, link)
                until_somebody_waits(engine)
            assert other.result() is None

    def test_the_next_run_comes_after_the_end_of_the_last(self, engine: Engine, link: Link, step: StepRef) -> None:
        mine = claimed(engine, step)
        with engine.begin() as connection:
            runs.advance(connection, mine.over(mine.run.finished()), sweep_seconds=A_MINUTE)
        assert begin(engine, link) is not None

    @pytest.mark.usefixtures("step")
    def test_connections_run_side_by_side(self, engine: Engine) -> None:
        assert begin(engine, a_link(engine)) is not None

    def test_a_connection_that_does_not_exist_has_none(self, engine: Engine, link: Link) -> None:
        assert begin(engine, replace(link, connection_id=uuid.uuid4())) is None

    def test_the_run_under_way_is_found(self, engine: Engine, link: Link, step: StepRef) -> None:
        with engine.connect() as connection:
            run = runs.running(connection, link.connection_id)
            assert run is not None
            assert StepRef.of(run) == step
            assert runs.running(connection, uuid.uuid4()) is None


class TestClaim:
    def test_who_claims_a_step_gets_the_run(self, engine: Engine, link: Link, step: StepRef) -> None:
        mine = claimed(engine, step)
        assert (mine.run.run_id, mine.run.connection_id) == (step.run_id, link.connection_id)
        assert (mine.run.step, mine.run.phase, mine.run.attempts) == (0, Phase.START, 1)
        assert (mine.run.position, mine.run.counters) == (Position(), Counters())

    def test_a_claimed_step_is_nobody_elses(self, engine: Engine, step: StepRef) -> None:
        claimed(engine, step)
        assert claim(engine, step) is None

    def test_of_two_claimers_at_once_one_wins(self, engine: Engine, step: StepRef) -> None:
        claims = at_once(lambda: claim(engine, step), times=8)
        assert sum(mine is not None for mine in claims) == 1
        assert the_run(engine)["attempts"] == 1

    def test_a_claim_waits_for_one_that_is_not_committed_yet_and_comes_too_late(
        self, engine: Engine, step: StepRef
    ) -> None:
        with ThreadPoolExecutor(1) as threads:
            with engine.begin() as connection:
                assert runs.claim(connection, step.run_id, step.step, claim_seconds=A_MINUTE) is not None
                other = threads.submit(claim, engine, step)
                until_somebody_waits(engine)
            assert other.result() is None

    @pytest.mark.parametrize("number", [-1, 1, 2])
    def test_another_step_than_the_present_one_is_a_duplicate(self, engine: Engine, step: StepRef, number: int) -> None:
        assert claim(engine, replace(step, step=number)) is None

    def test_a_run_that_does_not_exist_has_no_step(self, engine: Engine, step: StepRef) -> None:
        assert claim(engine, replace(step, run_id=uuid.uuid4())) is None

    def test_a_run_that_has_ended_has_no_step(self, engine: Engine, step: StepRef) -> None:
        with engine.begin() as connection:
            ended = finish(connection, claimed(engine, step))
        assert claim(engine, ended) is None

    def test_a_dead_workers_claim_runs_out(self, engine: Engine, step: StepRef) -> None:
        first = claimed(engine, step)
        let_the_claim_run_out(engine)
        second = claimed(engine, step)
        assert second.until != first.until
        assert second.run.attempts == 2

    def test_each_attempt_is_counted_before_its_work(self, engine: Engine, step: StepRef) -> None:
        for attempts in (1, 2, 3):
            assert claimed(engine, step).run.attempts == attempts
            let_the_claim_run_out(engine)

    def test_the_sweeper_looks_when_the_claim_has_run_out(self, engine: Engine, step: StepRef) -> None:
        claimed(engine, step, claim_seconds=90)
        assert the_run(engine)["swept_in_seconds"] == pytest.approx(90, abs=5)


class TestKeep:
    def test_it_writes_the_state_and_stays_in_the_step(self, engine: Engine, step: StepRef) -> None:
        mine = claimed(engine, step)
        changed = replace(
            mine.run,
            mode=Mode.INCREMENTAL,
            position=Position(persons_page=3, contacts=Walk.begin(MODIFIED_AT)),
            counters=Counters(customers_new=100),
        )
        with engine.begin() as connection:
            kept = runs.keep(connection, Claim(changed, mine.until), claim_seconds=A_MINUTE)
        assert kept.run == changed
        let_the_claim_run_out(engine)
        again = claimed(engine, step).run
        assert again == replace(changed, attempts=2)

    def test_it_holds_the_step_for_longer(self, engine: Engine, step: StepRef) -> None:
        mine = claimed(engine, step, claim_seconds=1)
        with engine.begin() as connection:
            kept = runs.keep(connection, mine, claim_seconds=90)
        run = the_run(engine)
        assert run["claimed_until"] == kept.until > mine.until
        assert run["swept_in_seconds"] == pytest.approx(90, abs=5)

    def test_who_was_overtaken_keeps_nothing(self, engine: Engine, step: StepRef) -> None:
        late = claimed(engine, step)
        let_the_claim_run_out(engine)
        claimed(engine, step)
        with pytest.raises(StaleStepError):
            keep_with_rows(engine, late)
        assert nothing_was_written(engine)

    def test_an_earlier_claim_of_ones_own_is_no_claim(self, engine: Engine, step: StepRef) -> None:
        mine = claimed(engine, step)
        with engine.begin() as connection:
            runs.keep(connection, mine, claim_seconds=A_MINUTE)
        with pytest.raises(StaleStepError), engine.begin() as connection:
            runs.keep(connection, mine, claim_seconds=A_MINUTE)


class TestAdvance:
    def test_it_goes_to_the_next_step_and_frees_the_claim(self, engine: Engine, step: StepRef) -> None:
        mine = claimed(engine, step)
        changed = replace(
            mine.run,
            mode=Mode.INCREMENTAL,
            position=Position(contacts=Walk.begin(None)),
            counters=Counters(invoices_new=7),
            degraded_reason="Customers are not complete.",
        ).go_to(Phase.INVOICES)
        with engine.begin() as connection:
            following = runs.advance(connection, mine.over(changed), sweep_seconds=15, error="Zoho is down.")
        assert following == StepRef(step.run_id, 1, Phase.INVOICES)
        run = the_run(engine)
        assert run["swept_in_seconds"] == pytest.approx(15, abs=5)
        assert (run["attempts"], run["claimed_until"], run["finished_at"]) == (0, None, None)
        assert run["error"] == "Zoho is down."
        assert claimed(engine, following).run == replace(changed, step=1, attempts=1)

    def test_a_step_is_done_once(self, engine: Engine, step: StepRef) -> None:
        mine = claimed(engine, step)
        with engine.begin() as connection:
            runs.advance(connection, mine, sweep_seconds=A_MINUTE)
        with pytest.raises(StaleStepError):
            advance_with_rows(engine, mine)
        assert nothing_was_written(engine)
        assert the_run(engine)["step"] == 1

    def test_who_lost_the_claim_cannot_overwrite_who_has_it(self, engine: Engine, step: StepRef) -> None:
        first = claimed(engine, step)
        let_the_claim_run_out(engine)
        second = claimed(engine, step)
        with pytest.raises(StaleStepError):
            advance_with_rows(engine, first)
        assert nothing_was_written(engine)
        advance_with_rows(engine, second)

    def test_of_two_that_finish_a_step_at_once_one_does_and_the_others_rows_are_gone(
        self, engine: Engine, step: StepRef
    ) -> None:
        mine = claimed(engine, step)

        with ThreadPoolExecutor(1) as threads:
            with engine.begin() as connection:
                runs.advance(
                    connection, mine.over(replace(mine.run, position=Position(persons_page=2))), sweep_seconds=1
                )
                slower = threads.submit(
                    advance_with_rows, engine, mine.over(replace(mine.run, position=Position(persons_page=9)))
                )
                until_somebody_waits(engine)
            with pytest.raises(StaleStepError):
                slower.result()
        assert nothing_was_written(engine)
        assert the_run(engine)["position"]["persons_page"] == 2

    def test_a_run_that_has_ended_stays_as_it_is(self, engine: Engine, step: StepRef) -> None:
        mine = claimed(engine, step)
        with engine.begin() as connection:
            runs.advance(connection, mine.over(mine.run.finished()), sweep_seconds=A_MINUTE)
        with pytest.raises(StaleStepError), engine.begin() as connection:
            runs.advance(connection, mine.over(replace(mine.run, step=1)), sweep_seconds=A_MINUTE)

    @pytest.mark.parametrize("status", [status for status in RunStatus if status.is_final])
    def test_its_end_is_noted(self, engine: Engine, step: StepRef, status: RunStatus) -> None:
        mine = claimed(engine, step)
        ended = replace(mine.run, phase=Phase.DONE, status=status)
        with engine.begin() as connection:
            runs.advance(connection, mine.over(ended), sweep_seconds=A_MINUTE)
        run = the_run(engine)
        assert (run["status"], run["phase"]) == (status, "done")
        assert run["finished_at"] >= run["started_at"]


class TestRelease:
    def test_a_wait_for_the_budget_spends_no_attempt(self, engine: Engine, step: StepRef) -> None:
        release(engine, claimed(engine, step), wait_seconds=30, refund=True)
        run = the_run(engine)
        assert (run["attempts"], run["claimed_until"], run["waiting_for"]) == (0, None, "API budget (minute)")
        assert run["waits_seconds"] == pytest.approx(30, abs=5)
        assert run["swept_in_seconds"] == pytest.approx(30 + A_MINUTE, abs=5)

    def test_a_failure_spends_one(self, engine: Engine, step: StepRef) -> None:
        release(engine, claimed(engine, step), wait_seconds=0)
        assert claimed(engine, step).run.attempts == 2

    def test_a_step_that_waits_is_not_claimed_early(self, engine: Engine, step: StepRef) -> None:
        release(engine, claimed(engine, step), wait_seconds=30)
        assert claim(engine, step) is None

    def test_when_the_wait_is_over_nothing_is_waited_for(self, engine: Engine, step: StepRef) -> None:
        release(engine, claimed(engine, step), wait_seconds=0)
        claimed(engine, step)
        run = the_run(engine)
        assert (run["not_before"], run["waiting_for"]) == (None, None)

    def test_who_was_overtaken_releases_nothing(self, engine: Engine, step: StepRef) -> None:
        late = claimed(engine, step)
        let_the_claim_run_out(engine)
        claimed(engine, step)
        before = the_run(engine)
        release(engine, late, wait_seconds=30, refund=True)
        after = the_run(engine)
        assert after["claimed_until"] == before["claimed_until"]
        assert (after["attempts"], after["not_before"]) == (2, None)


class TestSweep:
    def test_a_run_whose_message_is_overdue_is_sent_once_an_interval(self, engine: Engine, link: Link) -> None:
        step = begin(engine, link, sweep_seconds=0)
        assert sweep(engine) == [step]
        assert sweep(engine) == []

    def test_a_run_that_is_worked_on_is_left_alone(self, engine: Engine, link: Link) -> None:
        step = begin(engine, link, sweep_seconds=0)
        assert step is not None
        claimed(engine, step)
        assert sweep(engine) == []

    def test_a_dead_workers_step_is_sent_again(self, engine: Engine, step: StepRef) -> None:
        claimed(engine, step)
        let_the_claim_run_out(engine)
        assert sweep(engine) == [step]

    def test_a_run_that_has_ended_is_left_alone(self, engine: Engine, step: StepRef) -> None:
        with engine.begin() as connection:
            finish(connection, claimed(engine, step))
        assert sweep(engine) == []

    def test_two_sweepers_send_each_run_once(self, engine: Engine) -> None:
        started = {begin(engine, a_link(engine), sweep_seconds=0) for _ in range(10)}
        first, second = at_once(lambda: sweep(engine))
        assert len(first) + len(second) == 10
        assert {*first, *second} == started

    def test_a_sweeper_does_not_wait_for_a_run_in_other_hands(self, engine: Engine, link: Link) -> None:
        begin(engine, link, sweep_seconds=0)
        free = begin(engine, a_link(engine), sweep_seconds=0)
        with engine.begin() as connection:
            connection.execute(
                text("SELECT FROM sync_runs WHERE connection_id = :id FOR UPDATE"), {"id": link.connection_id}
            )
            assert sweep(engine) == [free]

    def test_the_most_overdue_come_first(self, engine: Engine) -> None:
        oldest = [begin(engine, a_link(engine), sweep_seconds=seconds) for seconds in (-30, -20, -10)]
        assert [sweep(engine, limit=1) for _ in oldest] == [[step] for step in oldest]


def test_each_call_is_counted_whatever_becomes_of_its_step(engine: Engine, step: StepRef) -> None:
    for _ in range(3):
        with engine.begin() as connection:
            runs.count_call(connection, step.run_id)
    assert the_run(engine)["api_calls"] == 3
