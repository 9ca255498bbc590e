"""Redis's clock may be set while calls are made, as after a virtual machine was suspended. The limit holds."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.unit.workers.budget.simulation import a_world
from workers.budget.scripts import BudgetScripts


@pytest.mark.parametrize("ahead", [3, 61, 3600, 86_400 * 30])
def test_a_clock_set_forward_grants_no_call_before_the_earlier_ones_are_out_of_the_window(ahead: float) -> None:
    with a_world(requests_per_minute=2) as world:
        world.spend(2)
        world.set_redis_clock(ahead)
        with capture_logs() as logs:
            assert world.told("run-1")[0] == 60.5
        assert [entry["action"] for entry in logs] == ["budget_clock_ahead"]
        world.budgets.clear()  # Another process, which has made no call before.
        assert world.told("run-2")[0] == 60.5
        world.pass_time(60.5)
        for holder in ("run-1", "run-2"):
            with world.call(holder):
                pass
        assert world.told("run-3")[0] == 60.5


@pytest.mark.parametrize("seconds", [0.5, 30, 61, 119, 3600])
def test_time_that_passes_is_no_clock_set_forward(seconds: float) -> None:
    with a_world(requests_per_minute=2) as world:
        world.spend(1)
        world.pass_time(seconds)
        with capture_logs() as logs:
            world.spend(1, prefix="later")
        assert logs == []


def test_a_clock_set_forward_long_after_the_last_call_costs_no_wait() -> None:
    with a_world(requests_per_minute=2) as world:
        world.spend(2)
        world.pass_time(600)
        world.set_redis_clock(3600)
        world.spend(2, prefix="later")


def test_a_request_that_waits_in_redis_is_no_clock_set_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_world(requests_per_minute=5) as world:
        world.spend(1)
        run, slow = BudgetScripts._run, iter([30.0, 5.0, 0.0])

        def run_late(scripts: BudgetScripts, *arguments: Any) -> Any:
            world.pass_time(next(slow, 0.0))
            return run(scripts, *arguments)

        monkeypatch.setattr(BudgetScripts, "_run", run_late)
        with capture_logs() as logs:
            world.spend(1, prefix="later")
        assert logs == []


def test_an_inline_wait_is_no_clock_set_forward() -> None:
    with a_world(requests_per_minute=1, window_seconds=1) as world:
        with world.call("first"):
            pass
        with capture_logs() as logs, world.call("second", inline_wait=2.0):
            pass
        assert [entry["action"] for entry in logs] == []
