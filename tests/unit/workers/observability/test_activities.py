"""Promises of observability/activities.py: what each thread does, and how long the process has been idle."""

import threading

import pytest

from workers.observability.activities import Activities


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The present monotonic time, in its first element."""
    present = [100.0]
    monkeypatch.setattr("workers.observability.activities.time.monotonic", lambda: present[0])
    return present


def test_a_thread_is_busy_during_its_work_only() -> None:
    activities = Activities()
    with activities.during("step", step=7):
        assert [each.ids for each in activities.present()] == [{"job": "step", "step": 7}]
    assert activities.present() == []


def test_work_that_fails_ends_too() -> None:
    activities = Activities()
    with pytest.raises(ValueError, match="x"), activities.during("step"):
        raise ValueError("x")
    assert activities.present() == []


def test_each_thread_has_its_own_activity() -> None:
    activities = Activities()
    entered, may_end = threading.Event(), threading.Event()

    def work() -> None:
        with activities.during("refresh"):
            entered.set()
            may_end.wait(10)

    thread = threading.Thread(target=work)
    with activities.during("step"):
        thread.start()
        assert entered.wait(10)
        assert sorted(each.ids["job"] for each in activities.present()) == ["refresh", "step"]
        may_end.set()
        thread.join()
        assert [each.ids["job"] for each in activities.present()] == ["step"]


def test_inner_work_ends_with_the_outer_one_at_work() -> None:
    activities = Activities()
    with activities.during("tick"):
        with activities.during("delivery"):
            assert [each.ids["job"] for each in activities.present()] == ["delivery"]
        assert [each.ids["job"] for each in activities.present()] == ["tick"]


def test_progress_counts_for_the_thread_that_made_it(clock: list[float]) -> None:
    activities = Activities()
    activities.progressed()  # An idle thread has nothing that could progress.
    with activities.during("step"):
        clock[0] = 130.0
        activities.progressed()
        (running,) = activities.present()
        assert (running.began_at, running.progressed_at) == (100.0, 130.0)


def test_idle_seconds_count_from_the_end_of_the_last_work(clock: list[float]) -> None:
    activities = Activities()
    idle = [activities.idle_seconds]
    with activities.during("step"):
        clock[0] = 130.0
        idle.append(activities.idle_seconds)
    clock[0] = 135.0
    idle.append(activities.idle_seconds)
    activities.worked()
    idle.append(activities.idle_seconds)
    assert idle == [None, 0.0, 5.0, 0.0]
