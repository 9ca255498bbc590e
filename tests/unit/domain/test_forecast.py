"""The cost of a run, and the stretching of the polling interval."""

from dataclasses import replace

import pytest

from domain.forecast import (
    CALLS_OF_A_TRUTH_CHECK,
    CALLS_OF_AN_IDLE_SYNC,
    DETAILS_REREAD,
    POLLING_SHARE,
    Cost,
    Grant,
    Rate,
    Size,
    full_cost,
    incremental_cost,
    leaves_room,
    polling_seconds,
    reading_cost,
)

DAY = 86_400
RATE = Rate(calls=90, window_seconds=60)
LARGE = Size(customers=25_000, invoices=20_000, persons_pages=150)


@pytest.mark.parametrize(
    ("size", "calls", "seconds"),
    [
        (Size(0, 0, 0), 2, 0),
        # The number of persons is still unknown.
        (Size(985, 2_955, None), 5 + 5 + 15, 0),
        (LARGE, 127 + 150 + 102, 4 * 60),
        # Without the bulk read: a call for each contact, but only the first time.
        (replace(LARGE, bulk_persons_refused=True, is_read=False), 127 + 25_000 + 102, 280 * 60),
        (replace(LARGE, bulk_persons_refused=True), 127 + 102, 2 * 60),
    ],
)
def test_a_full_run_reads_every_page_and_the_organization(size: Size, calls: int, seconds: float) -> None:
    assert reading_cost(size, RATE) == Cost(calls, seconds)
    reread = DETAILS_REREAD if size.bulk_persons_refused and size.is_read else 0
    assert full_cost(size, RATE).calls == calls + 1 + reread


@pytest.mark.parametrize(("changed", "calls"), [(0, 2), (50, 52), (400, 3 + 1 + 150)])
def test_an_incremental_run_reads_the_persons_in_the_cheaper_way(changed: int, calls: int) -> None:
    assert incremental_cost(changed, LARGE, RATE).calls == calls


def test_without_the_bulk_list_each_changed_contact_costs_a_call() -> None:
    refused = replace(LARGE, bulk_persons_refused=True)
    assert incremental_cost(400, refused, RATE).calls == 3 + 1 + 400


def test_an_incremental_run_reads_the_pages_of_the_changed_invoices() -> None:
    assert incremental_cost(0, LARGE, RATE, changed_invoices=400).calls == 1 + 3


def test_a_large_plan_is_polled_at_the_configured_interval() -> None:
    assert polling_seconds(300, DAY, LARGE, day_limit=10_000, connections=1) == 300


def test_an_unknown_plan_is_polled_at_the_configured_interval() -> None:
    assert polling_seconds(300, DAY, LARGE, day_limit=None, connections=1) == 300


@pytest.mark.parametrize("connections", [1, 2, 5])
@pytest.mark.parametrize("size", [Size(100, 100, 1), Size(20_000, 10_000, 120)])
def test_idle_polling_keeps_to_its_share_of_a_small_plan(size: Size, connections: int) -> None:
    interval = polling_seconds(300, 7 * DAY, size, day_limit=1_000, connections=connections)
    polled = CALLS_OF_AN_IDLE_SYNC * DAY / interval
    full = full_cost(size, RATE).calls / 7
    assert (polled + full + CALLS_OF_A_TRUTH_CHECK) * connections <= 1_000 * POLLING_SHARE + 0.1


def test_some_polling_remains_even_if_full_runs_use_up_the_plan() -> None:
    assert polling_seconds(300, DAY, LARGE, day_limit=500, connections=1) == CALLS_OF_AN_IDLE_SYNC * DAY / 25


@pytest.mark.parametrize(
    ("day_limit", "day_left", "is_room"),
    [
        (None, None, True),  # Not reported by Zoho yet.
        (1_000, None, True),
        (1_000, 1_000, True),
        # A check of 20 calls and a full run of 4 leave the reserve and a tenth of the day.
        (1_000, 224, True),
        (1_000, 223, False),
        (1_000, -5, False),
    ],
)
def test_a_truth_check_runs_only_if_the_full_run_and_a_tenth_of_the_day_remain(
    day_limit: int | None, day_left: int | None, is_room: bool
) -> None:
    size = Size(customers=100, invoices=100, persons_pages=1)
    assert leaves_room(size, day_limit=day_limit, day_left=day_left, reserve=0.1) is is_room


@pytest.mark.parametrize(
    ("grant", "seconds"),
    [
        # The day's calls are unknown.
        (Grant(), 60),
        # The day has enough calls.
        (Grant(calls_today=150, calls_a_day=900, day_ends_in_seconds=3600), 60),
        # A pause, or a day whose calls are used up.
        (Grant(begins_in_seconds=7200), 7260),
        (Grant(7200, calls_today=0, calls_a_day=900, day_ends_in_seconds=7200), 7260),
        # The rest waits for midnight.
        (Grant(calls_today=149, calls_a_day=900, day_ends_in_seconds=3600), 3600),
        # And for the midnights after it.
        (Grant(calls_today=50, calls_a_day=40, day_ends_in_seconds=3600), 3600 + 2 * DAY),
        # A plan whose calls are all reserved for others.
        (Grant(calls_today=149, calls_a_day=0, day_ends_in_seconds=3600), 3600),
    ],
)
def test_a_cost_includes_waiting_for_the_budget(grant: Grant, seconds: float) -> None:
    assert grant.delays(Cost(150, 60)) == Cost(150, seconds)
