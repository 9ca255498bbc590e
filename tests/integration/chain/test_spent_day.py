"""Zoho refuses calls because the day is spent: the waits, the output of commands, and the end of the pause."""

import pytest

from db import runs
from domain.entities import CUSTOMER
from domain.runs import RecordRef
from sandbox.zoho.fault_requests import FaultName
from tests.integration.chain.bench import Bench
from tests.integration.chain.test_reminder_commands import asked, run
from workers.budget import BudgetWait, Lane, WaitReason
from workers.sync.detail_calls import Asked, DetailCalls, ask_each
from workers.sync.work import Work

HOUR_SECONDS = 3600


def refuse(bench: Bench, *, code: int = 45) -> None:
    """Reports a refused call, ten hours before the organisation's midnight."""
    answer(bench, 429, code, {"X-Rate-Limit-Reset": str(10 * HOUR_SECONDS)})


def answer(bench: Bench, status: int, code: int, headers: dict[str, str]) -> None:
    with bench.resources.budget.call(bench.zoho.organization_id, lane=Lane.BULK, holder="test") as admission:
        admission.responded(status, code, headers)


def state_key(bench: Bench) -> str:
    return f"budget:{{{bench.zoho.organization_id}}}:state"


def an_hour_passes(bench: Bench) -> None:
    """Lets an hour pass for the probe."""
    bench.resources.redis.hset(state_key(bench), "probe_at", 0)
    bench.rows("UPDATE booksync.api_use SET probed_at = now() - interval '1 hour' RETURNING organization_id")


def take(bench: Bench) -> None:
    """Executes the run's present step as if its wait were over."""
    bench.skip_waiting()
    step = bench.present_step()
    assert step is not None
    bench.take(step)


def take_until_it_waits(bench: Bench) -> None:
    for _ in range(20):
        take(bench)
        if waiting_run(bench)["waits"]:
            return
    raise AssertionError("it does not wait")


def waiting_run(bench: Bench) -> dict[str, object]:
    return bench.rows("""
        SELECT attempts, waiting_for, not_before > now() AS waits,
               extract(epoch FROM not_before - now())::float AS seconds
          FROM booksync.sync_runs WHERE status = 'running'
    """)[0]


@pytest.fixture
def spent(bench: Bench) -> Bench:
    """A synced bench; afterwards Zoho has refused a call with code 45, and a run waits."""
    bench.sync()
    refuse(bench)
    bench.start()
    take_until_it_waits(bench)
    return bench


@pytest.mark.slow
def test_a_run_is_due_for_the_probe_and_spends_no_attempt(spent: Bench) -> None:
    run = waiting_run(spent)
    assert (run["attempts"], run["waits"], run["waiting_for"]) == (0, True, "API budget (day)")
    assert run["seconds"] == pytest.approx(HOUR_SECONDS, abs=60)


@pytest.mark.slow
def test_status_reports_that_no_calls_are_left_and_the_next_step(spent: Bench) -> None:
    (state,) = asked("status")["connections"]
    assert state["forecast"]["left_today"] == 0
    assert state["forecast"]["budget"]["paused_reason"] == "day"
    told = run("status").output
    assert "left today: 0 of 10,000" in told
    assert "The day's calls are spent: Zoho refuses calls (code 45)." in told
    assert f"booksync budget resume {spent.connection_id}" in told
    assert "lower ZOHO_REQUESTS_PER_MINUTE" not in told


@pytest.mark.slow
def test_a_dry_run_reports_when_a_sync_would_begin(spent: Bench) -> None:
    facts = asked("sync", str(spent.connection_id), "--dry-run")
    assert facts["begins_in_seconds"] == pytest.approx(10 * HOUR_SECONDS, abs=60)
    assert facts["full"]["seconds"] >= facts["begins_in_seconds"]
    told = run("sync", str(spent.connection_id), "--dry-run").output
    assert "none of waiting" not in told
    assert "because the day's calls are spent" in told


def test_a_run_on_an_unspent_day_begins_at_once(bench: Bench) -> None:
    bench.sync()
    facts = asked("sync", str(bench.connection_id), "--dry-run")
    assert (facts["begins_in_seconds"], facts["full"]["seconds"]) == (0, 0)
    assert "would begin" not in run("sync", str(bench.connection_id), "--dry-run").output


@pytest.mark.slow
def test_an_accepted_probe_ends_the_pause_for_all(spent: Bench) -> None:
    an_hour_passes(spent)
    take(spent)
    assert spent.rows("SELECT paused_until FROM booksync.api_use")[0]["paused_until"] is None
    with spent.resources.budget.call(spent.zoho.organization_id, lane=Lane.BULK, holder="another"):
        pass


@pytest.mark.slow
def test_one_call_per_hour_is_made_while_zoho_refuses(spent: Bench) -> None:
    spent.zoho.fault(FaultName.ANSWER, status=429, code=45)
    spent.zoho.reset_stats()
    an_hour_passes(spent)
    for _ in range(5):
        take(spent)
    assert len(spent.zoho.stats().arrivals) == 1


def test_postgres_remembers_pause_and_probe_after_redis_was_emptied(spent: Bench) -> None:
    spent.rows("UPDATE booksync.api_use SET last_call_at = now() - interval '5 minutes' RETURNING organization_id")
    spent.resources.redis.flushall()
    organization_id = spent.zoho.organization_id
    with (
        pytest.raises(BudgetWait) as waiting,
        spent.resources.budget.call(organization_id, lane=Lane.BULK, holder="another"),
    ):
        pass
    assert waiting.value.reason is WaitReason.DAY
    assert waiting.value.seconds == pytest.approx(HOUR_SECONDS, abs=60)
    spent.resources.redis.flushall()
    an_hour_passes(spent)
    with spent.resources.budget.call(organization_id, lane=Lane.BULK, holder="another") as admission:
        admission.responded(200, 0, {})
    assert spent.rows("SELECT paused_until FROM booksync.api_use")[0]["paused_until"] is None


@pytest.mark.slow
@pytest.mark.parametrize("by", ["connection", "organisation", "all"])
def test_a_person_lifts_the_pause_and_the_run_continues(spent: Bench, by: str) -> None:
    named = {"connection": [str(spent.connection_id)], "organisation": [spent.zoho.organization_id], "all": []}[by]
    told = asked("budget", "resume", *named)
    (resumed,) = told["organizations"]
    assert resumed["organization_id"] == spent.zoho.organization_id
    assert resumed["lifted"]["reason"] == "day"
    assert waiting_run(spent)["waits"] is None
    assert spent.rows("SELECT paused_until FROM booksync.api_use")[0]["paused_until"] is None
    take(spent)
    assert waiting_run(spent)["waiting_for"] is None


@pytest.mark.parametrize(("code", "reason"), [(44, "minute"), (1070, "concurrency"), (45, "day")])
def test_any_pause_is_lifted(bench: Bench, code: int, reason: str) -> None:
    refuse(bench, code=code)
    assert asked("budget", "resume")["organizations"][0]["lifted"]["reason"] == reason
    assert asked("status")["connections"][0]["forecast"]["budget"]["paused_seconds"] == 0


@pytest.mark.slow
def test_a_pause_that_only_postgres_remembers_is_lifted(spent: Bench) -> None:
    spent.resources.redis.flushall()
    told = run("budget", "resume").output
    assert f"Organisation {spent.zoho.organization_id}: the pause is lifted (day, " in told
    assert spent.rows("SELECT paused_until FROM booksync.api_use")[0]["paused_until"] is None


def test_without_a_pause_there_is_nothing_to_lift(bench: Bench) -> None:
    result = run("budget", "resume", str(bench.connection_id))
    assert (result.exit_code, result.output) == (
        0,
        f"Organisation {bench.zoho.organization_id}: no pause to lift.\n",
    )


def test_too_many_words_are_wrong_usage(bench: Bench) -> None:
    assert run("budget", "resume", "one", "two").exit_code == 2


def test_a_spent_reserve_stops_runs_and_webhooks_and_leaves_the_rest_to_others(bench: Bench) -> None:
    bench.sync()
    # A day that ends later than the simulator's day, at any hour of the test.
    answer(bench, 200, 0, {"X-Rate-Limit-Limit": "1000", "X-Rate-Limit-Remaining": "97", "X-Rate-Limit-Reset": "86400"})
    told = run("status").output
    assert "which are reserved for other programs (ZOHO_DAILY_RESERVE). Runs and webhooks resume in " in told
    facts = asked("sync", str(bench.connection_id), "--dry-run")
    assert facts["begins_in_seconds"] > 0
    budget, organization_id = bench.resources.budget, bench.zoho.organization_id
    with pytest.raises(BudgetWait), budget.call(organization_id, lane=Lane.WEBHOOK, holder="webhook"):
        pass
    with budget.call(organization_id, lane=Lane.INTERACTIVE, holder="a person"):
        pass


@pytest.mark.parametrize("seconds", [10, HOUR_SECONDS])
def test_spare_calls_are_left_to_a_later_run_however_soon_the_probe_is(bench: Bench, seconds: float) -> None:
    def ask(_record_id: str) -> None:
        raise BudgetWait(seconds, WaitReason.DAY)

    step = bench.start()
    with bench.resources.engine.begin() as db:
        lease = runs.acquire(db, step.run_id, step.step, lease_seconds=60)
    assert lease is not None
    work = Work(bench.resources, lease)
    calls = DetailCalls(
        ref_of=lambda record_id: RecordRef(CUSTOMER, record_id),
        ask=ask,
        reject=lambda _connection, _record_id, _reason: work.run,
        is_spare=True,
    )
    assert ask_each(work, ["460000000026049"], calls) is Asked.STOPPED


@pytest.mark.slow
def test_a_dry_run_before_the_first_sync_says_that_it_does_not_know(bench: Bench) -> None:
    connection_id = str(bench.connection_id)
    assert asked("sync", connection_id, "--dry-run")["is_known"] is False
    assert "does not know how many records" in run("sync", connection_id, "--dry-run").output
    bench.sync()
    facts = asked("sync", connection_id, "--dry-run")
    assert facts["is_known"] is True
    told = run("sync", connection_id, "--dry-run").output
    assert "does not know" not in told
    assert f"up to {facts['detail_calls']} calls for details" in told
