"""A failed step leaves a dead letter, written with the end of its run; a retry is a new run that repeats the work."""

from dataclasses import replace
from typing import Any

import pytest

from db import dead_letter_decisions, dead_letter_lists, dead_letters
from db.dead_letter_lists import Choice, Row
from domain.dead_letters import Cause
from domain.runs import MAX_ATTEMPTS, Mode, Phase
from sandbox.servers.ports import free_port
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench
from tests.integration.db.look import change
from workers.boot.servers import RedisRefusesError
from workers.redis_access import new_redis_client
from workers.services.retry import Retried, retry


def letters(bench: Bench, choice: Choice | None = None) -> list[Row]:
    with bench.resources.engine.connect() as db:
        return dead_letter_lists.found(db, choice or Choice())


def letter(bench: Bench) -> Row:
    """The only open dead letter."""
    (found,) = letters(bench)
    return found


def closed(bench: Bench) -> list[Row]:
    return [found for found in letters(bench, Choice(status=None)) if found["status"] == "retried"]


def fail(bench: Bench, kind: CallKind = CallKind.CONTACTS, **answer: Any) -> int:
    """Makes this list fail from now on; returns the fault's id."""
    return bench.zoho.fault(FaultName.ANSWER, kind=kind, **(answer or {"status": 500, "code": 1000}))


def retried(bench: Bench, *dead_letter_ids: int) -> list[Retried]:
    return list(retry(bench.resources, dead_letter_ids))


def finish(bench: Bench) -> None:
    while (step := bench.present_step()) is not None:
        bench.skip_waiting()
        bench.take(step)


class TestDying:
    def test_a_step_with_exhausted_retries_leaves_a_dead_letter(self, bench: Bench) -> None:
        fail(bench)
        run_id = bench.sync()["run_id"]
        found = letter(bench)
        assert (found["cause"], found["actor"]) == (Cause.RETRIES_EXHAUSTED, "fetch_contacts_page")
        assert (found["error_type"], found["attempts"]) == ("ZohoUnavailable", MAX_ATTEMPTS)
        assert (str(found["run_id"]), found["connection_id"]) == (run_id, bench.connection_id)
        assert found["arguments"]["args"][0] == run_id

    def test_a_permanent_error_leaves_a_dead_letter_at_once(self, bench: Bench) -> None:
        fail(bench, CallKind.INVOICES, status=400, code=2)
        bench.sync()
        found = letter(bench)
        assert (found["cause"], found["actor"], found["attempts"]) == (Cause.PERMANENT_ERROR, "sync_invoices_page", 1)

    @pytest.mark.slow
    def test_a_parked_connection_leaves_a_dead_letter(self, bench: Bench) -> None:
        fail(bench, status=401, code=57)
        assert bench.sync()["status"] == "parked"
        assert letter(bench)["cause"] == Cause.PERMANENT_ERROR

    def test_a_step_that_repeatedly_ends_its_process_leaves_a_dead_letter(self, bench: Bench) -> None:
        step = bench.start()
        change(bench.resources.engine, "UPDATE booksync.sync_runs SET attempts = :attempts", attempts=MAX_ATTEMPTS)
        bench.take(step)
        found = letter(bench)
        assert (found["cause"], found["actor"]) == (Cause.PROCESS_KILLER, "start_sync")

    @pytest.mark.slow
    def test_a_defect_leaves_a_dead_letter_with_its_traceback(self, bench: Bench) -> None:
        change(
            bench.resources.engine, "ALTER TABLE booksync.customers_cache ADD CONSTRAINT nobody CHECK (user_id IS NULL)"
        )
        assert bench.sync()["status"] == "failed"
        found = letter(bench)
        assert (found["cause"], found["actor"]) == (Cause.DEFECT, "upsert_customers")
        assert (found["error_type"], found["error"]) == ("CheckViolation", "CheckViolation (SQLSTATE 23514)")
        with bench.resources.engine.connect() as db:
            traceback = dead_letter_lists.dead_letter(db, found["id"])["traceback"]
        assert "in upsert_customers" in traceback

    @pytest.mark.slow
    def test_an_outage_of_many_runs_is_one_dead_letter(self, bench: Bench) -> None:
        fail(bench)
        for _ in range(3):
            bench.sync()
        assert letter(bench)["failures"] == 3

    def test_a_dead_letter_and_the_end_of_its_run_are_written_together_or_not_at_all(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def lose(*_: object) -> int:
            raise ConnectionError

        fail(bench, CallKind.INVOICES, status=400, code=2)
        with monkeypatch.context() as patched:
            patched.setattr(dead_letters, "keep", lose)
            with pytest.raises(ConnectionError):
                bench.sync()
        step = bench.present_step()
        assert step is not None
        assert step.phase is Phase.INVOICES


class TestRetrying:
    @pytest.fixture
    def fault(self, bench: Bench) -> int:
        """The fault that has failed a sync."""
        fault = fail(bench)
        bench.sync()
        return fault

    @pytest.mark.slow
    def test_a_successful_retry_closes_the_dead_letter(self, bench: Bench, fault: int) -> None:
        bench.zoho.clear_faults(fault)
        (told,) = retried(bench, letter(bench)["id"])
        assert told.is_sent
        assert f"Run {told.run_id} has started." in told.sentence
        assert letter(bench)["retry_run_id"] == told.run_id
        finish(bench)
        assert letters(bench) == []
        (found,) = closed(bench)
        assert (found["id"], found["failures"]) == (told.dead_letter_id, 1)

    @pytest.mark.slow
    @pytest.mark.usefixtures("fault")
    def test_a_retry_that_fails_again_reopens_the_same_dead_letter(self, bench: Bench) -> None:
        before = letter(bench)
        retried(bench, before["id"])
        finish(bench)
        after = letter(bench)
        assert (after["id"], after["failures"], after["retry_run_id"]) == (before["id"], 2, None)

    @pytest.mark.slow
    def test_a_retry_uses_the_run_that_is_under_way(self, bench: Bench, fault: int) -> None:
        bench.zoho.clear_faults(fault)
        step = bench.start()
        (told,) = retried(bench, letter(bench)["id"])
        assert (told.run_id, told.is_sent) == (step.run_id, True)
        assert "under way" in told.sentence
        finish(bench)
        assert letters(bench) == []

    @pytest.mark.slow
    def test_the_run_that_left_the_work_undone_cannot_close_the_dead_letter(self, bench: Bench) -> None:
        fail(bench)
        step = bench.start(Mode.FULL)
        while (now := bench.present_step()) is not None and now.phase is not Phase.INVOICES:
            bench.skip_waiting()
            bench.take(now)
        (told,) = retried(bench, letter(bench)["id"])
        assert not told.is_sent
        assert str(step.run_id) in told.sentence
        finish(bench)
        assert len(letters(bench)) == 1

    @pytest.mark.slow
    @pytest.mark.usefixtures("fault")
    def test_two_dead_letters_of_one_connection_share_a_run(self, bench: Bench) -> None:
        fail(bench, CallKind.INVOICES)
        bench.sync()
        first, second = (found["id"] for found in letters(bench))
        bench.zoho.clear_faults()
        told = retried(bench, first, second)
        assert len({each.run_id for each in told}) == 1
        finish(bench)
        assert len(closed(bench)) == 2

    @pytest.mark.usefixtures("fault")
    def test_the_new_run_has_the_same_mode(self, bench: Bench) -> None:
        change(bench.resources.engine, "UPDATE booksync.sync_runs SET mode = 'full', allow_deletions = true")
        retried(bench, letter(bench)["id"])
        (run,) = bench.rows("SELECT mode, allow_deletions FROM booksync.sync_runs WHERE status = 'running'")
        assert (run["mode"], run["allow_deletions"]) == ("full", False), "a permission is not inherited"

    def test_a_parked_connection_must_be_reconnected_first(self, bench: Bench) -> None:
        fail(bench, status=401, code=57)
        bench.sync()
        (told,) = retried(bench, letter(bench)["id"])
        assert not told.is_sent
        assert "booksync connect" in told.sentence
        assert bench.present_step() is None

    @pytest.mark.slow
    @pytest.mark.usefixtures("fault")
    def test_a_closed_dead_letter_is_not_retried(self, bench: Bench) -> None:
        dead_letter_id = letter(bench)["id"]
        with bench.resources.engine.begin() as db:
            dead_letter_decisions.discard(db, [dead_letter_id], "seen")
        (told,) = retried(bench, dead_letter_id)
        assert (told.is_sent, told.sentence) == (False, "It is closed already (discarded).")

    @pytest.mark.slow
    @pytest.mark.usefixtures("fault")
    def test_nothing_changes_when_redis_is_down(self, bench: Bench) -> None:
        dead_letter_id = letter(bench)["id"]
        nobody = new_redis_client(f"redis://127.0.0.1:{free_port()}/0", patient=False)
        with pytest.raises(RedisRefusesError):
            list(retry(replace(bench.resources, redis=nobody), [dead_letter_id]))
        assert bench.present_step() is None
        assert letter(bench)["retry_run_id"] is None
