"""Promises of domain/processes.py: which processes run, are silent, hang, or have other settings."""

from hypothesis import given
from hypothesis import strategies as st

from domain.processes import NO_CLIENT, Activity, Kind
from tests.tables import table
from tests.unit.domain.process_rows import NOW, a_process, a_step, ago, rows


@table(
    ("seen", "is_running", "is_silent"),
    [
        (0, True, False),
        (45, True, False),
        (46, False, True),  # killed, or hanging
        (600, False, True),
        (601, False, False),  # dead
        (-3, True, False),  # the reader's statement began before the renewal
    ],
)
def test_a_process_runs_while_it_renews_its_row(seen: float, is_running: bool, is_silent: bool) -> None:
    found = rows(a_process(seen=seen))
    assert (bool(found.running()), bool(found.silent())) == (is_running, is_silent)


def test_an_ended_process_neither_runs_nor_is_silent() -> None:
    found = rows(a_process(ended_at=ago(1)), a_process(2, seen=100, ended_at=ago(99)))
    assert found.running() == found.silent() == []


def test_only_processes_of_the_kind_count() -> None:
    found = rows(a_process(1, Kind.WEB), a_process(2, Kind.WORKER))
    assert [each.pid for each in found.running(Kind.WEB)] == [1]


def test_the_last_moment_of_a_kind_is_that_of_any_process_running_or_not() -> None:
    found = rows(a_process(seen=900), a_process(2, seen=500, ended_at=ago(400)), a_process(3, Kind.WEB))
    assert found.last_seen(Kind.WORKER) == ago(400)
    assert found.last_seen(Kind.SCHEDULER) is None


def test_a_thread_hangs_if_it_has_not_renewed_its_lease_for_the_length_of_a_lease() -> None:
    hanging, busy = a_step(since=200, progressed=91), a_step(since=200, progressed=89)
    (hang,) = rows(a_process(seen=0, activities=[hanging, busy])).hanging(longest_seconds=90)
    assert (hang.activity, hang.is_silent) == (hanging, False)


def test_a_thread_does_not_hang_because_its_row_is_a_few_seconds_old() -> None:
    assert rows(a_process(seen=14, activities=[a_step(since=15)])).hanging(longest_seconds=5) == []


def test_a_silent_process_hangs_in_what_it_did_last() -> None:
    (hang,) = rows(a_process(seen=60, activities=[a_step(since=70)])).hanging(longest_seconds=90)
    assert hang.is_silent


def test_an_idle_or_ended_process_does_not_hang() -> None:
    found = rows(a_process(seen=60), a_process(2, ended_at=ago(5), activities=[a_step(since=900)]))
    assert found.hanging(longest_seconds=90) == []


@table(
    ("keys", "odd"),
    [
        ("", []),
        ("a", []),
        ("aaa", []),
        ("aba", [1]),
        ("aabbb", [0, 1]),
        ("ab", [0, 1]),  # no majority, so it is unknown which one is wrong
        ("aabbc", [0, 1, 2, 3, 4]),
    ],
)
def test_a_process_has_other_keys_if_most_processes_have_the_same_ones(keys: str, odd: list[int]) -> None:
    found = rows(*(a_process(number, keys=key) for number, key in enumerate(keys)))
    assert [each.pid for each in found.with_other_keys()] == odd


def test_dead_processes_are_not_compared() -> None:
    found = rows(a_process(1), a_process(2, keys="k2", seen=100), a_process(3, client="c2", ended_at=ago(1)))
    assert found.with_other_keys() == found.with_other_client() == []


@given(st.lists(st.sampled_from("abc"), max_size=12))
def test_processes_with_the_same_client_are_judged_alike(clients: list[str]) -> None:
    found = rows(*(a_process(number, client=client) for number, client in enumerate(clients)))
    odd = {each.client for each in found.with_other_client()}
    assert not odd & {each.client for each in found.rows if each not in found.with_other_client()}


def test_a_web_process_without_a_client_is_not_odd() -> None:
    clients = ["c", NO_CLIENT, NO_CLIENT, NO_CLIENT, "d"]
    found = rows(*(a_process(number, client=client) for number, client in enumerate(clients)))
    assert [each.pid for each in found.with_other_client()] == [0, 4]


def test_a_clock_that_differs_by_more_than_five_seconds_is_wrong() -> None:
    found = rows(*(a_process(number, clock_ahead_seconds=ahead) for number, ahead in enumerate([0, 5, -5, 5.1, -6])))
    assert [each.pid for each in found.with_wrong_clock()] == [3, 4]


@table(
    ("activity", "sentence"),
    [
        (a_step(since=1), "step 7 (contacts) of connection C"),
        (Activity("refresh", NOW, NOW, "C", record="contact 5001"), "the refresh of contact 5001 of connection C"),
        (Activity("delivery", NOW, NOW, "C", record="H"), "the delivery of handover H of connection C"),
        (Activity("tick", NOW, NOW), "a tick"),
    ],
)
def test_an_activity_reads_as_a_noun(activity: Activity, sentence: str) -> None:
    assert activity.sentence == sentence
