"""Promises of observability/worker_states.py: which state a process reports, and how the troubles of workers read."""

import pytest
from fakeredis import FakeRedis

from workers.observability.worker_states import (
    KEY,
    OwnState,
    WorkerReport,
    WorkerState,
    report,
    reports,
    troubles,
)

HERE, THERE = "https://accounts.zoho.com", "https://accounts.zoho.eu"


def workers(**states: WorkerState) -> list[WorkerReport]:
    return [WorkerReport(name, state, 1.0) for name, state in states.items()]


def lines(found: list[WorkerReport]) -> list[str]:
    return [f"{trouble.sentence}. Next: {trouble.way_out}" for trouble in troubles(found)]


def test_workers_in_order_are_no_trouble() -> None:
    assert troubles(workers(a=WorkerState.WORKING, b=WorkerState.STARTING)) == []


@pytest.mark.parametrize(
    ("state", "line"),
    [
        (
            WorkerState.KEYS_REFUSED,
            (
                "1 of 3 workers accepts no work: its ENCRYPTION_KEYS cannot read this installation's secrets."
                " Next: give bad the ENCRYPTION_KEYS of the other processes, and restart"
            ),
        ),
        (
            WorkerState.CLIENT_REFUSED,
            (
                "1 of 3 workers gets no access token: Zoho refuses its ZOHO_CLIENT_ID or ZOHO_CLIENT_SECRET."
                " Next: correct both settings of bad, and restart"
            ),
        ),
        (
            WorkerState.SCHEMA_TOO_NEW,
            "1 of 3 workers accepts no work: the schema is newer than its release. Next: upgrade booksync on bad",
        ),
        (
            WorkerState.SCHEMA_TOO_OLD,
            (
                "1 of 3 workers accepts no work: its release needs a newer schema."
                " Next: run booksync migrate with that release (bad)"
            ),
        ),
        (
            WorkerState.NO_DATABASE,
            (
                "1 of 3 workers accepts no work: Postgres cannot be used with its DATABASE_URL."
                " Next: look at the log of bad for the reason"
            ),
        ),
    ],
    ids=lambda value: value.value if isinstance(value, WorkerState) else "",
)
def test_each_state_has_its_line(state: WorkerState, line: str) -> None:
    assert lines(workers(a=WorkerState.WORKING, bad=state, c=WorkerState.WORKING)) == [line]


def test_several_workers_of_one_state_are_one_line() -> None:
    (line,) = lines(workers(**{f"w{number}": WorkerState.KEYS_REFUSED for number in range(5)}))
    assert line == (
        "5 of 5 workers accept no work: their ENCRYPTION_KEYS cannot read this installation's secrets."
        " Next: give w0, w1, w2, 2 more the ENCRYPTION_KEYS of the other processes, and restart"
    )


def test_the_only_worker_is_one_of_one() -> None:
    (line,) = lines(workers(a=WorkerState.KEYS_REFUSED))
    assert line.startswith("1 of 1 worker accepts no work")


def test_two_states_are_two_lines() -> None:
    assert len(lines(workers(a=WorkerState.KEYS_REFUSED, b=WorkerState.NO_DATABASE))) == 2


def test_strangers_read_no_host_name() -> None:
    for state in WorkerState:
        assert all(
            "secret-host" not in trouble.sentence for trouble in troubles([WorkerReport("secret-host", state, 0)])
        )


@pytest.mark.parametrize("state", WorkerState)
def test_the_object_says_whether_a_worker_takes_work(state: WorkerState) -> None:
    assert WorkerReport("a", state, 1.23).as_json() == {
        "worker": "a",
        "state": state.value,
        "takes_work": state.takes_work,
        "seconds_ago": 1.2,
    }


@pytest.mark.parametrize(
    "written",
    [
        b"[" * 100_000,  # deeper than Python's stack
        b'{"state": "working", "at": 1, "until": Infinity}',
        b'{"state": "working", "at": NaN, "until": NaN}',
        b'{"state": "working", "at": 1, "until": 1%s}' % (b"0" * 400),  # no float holds it
    ],
)
def test_a_report_that_no_worker_has_written_does_not_count_and_is_removed(written: bytes) -> None:
    client = FakeRedis()
    client.hset(KEY, "by hand", written)
    assert reports(client) == []
    report(client, "a worker", WorkerState.WORKING)
    assert client.hkeys(KEY) == [b"a worker"]


class TestOwnState:
    def test_a_process_starts(self) -> None:
        assert OwnState().present() is WorkerState.STARTING

    def test_a_refused_client_counts_once_the_gates_are_open(self) -> None:
        state = OwnState()
        state.client_refused(HERE)
        assert state.present() is WorkerState.STARTING
        state.set(WorkerState.WORKING)
        assert state.present() is WorkerState.CLIENT_REFUSED
        state.set(WorkerState.KEYS_REFUSED)
        assert state.present() is WorkerState.KEYS_REFUSED

    def test_a_token_of_another_data_centre_does_not_hide_a_refused_client(self) -> None:
        state = OwnState()
        state.set(WorkerState.WORKING)
        state.client_refused(HERE)
        state.client_accepted(THERE)
        assert state.present() is WorkerState.CLIENT_REFUSED
        state.client_accepted(HERE)
        assert state.present() is WorkerState.WORKING

    def test_a_change_wakes_the_heartbeat_and_the_same_again_does_not(self) -> None:
        state = OwnState()
        state.set(WorkerState.WORKING)
        assert state.changed.is_set()
        state.changed.clear()
        state.set(WorkerState.WORKING)
        assert not state.changed.is_set()
        state.client_refused(HERE)
        assert state.changed.is_set()
