"""Promises of the runs that floods bring forward: they are spaced, and use a small share of the day's calls."""

import pytest

from domain.entities import CUSTOMER
from tests.integration.webhooks.flooding import (
    MANY,
    a_minute_passes,
    contact_ids,
    mass_edit,
    person_id,
    quiet_comes,
    run_that_is_due,
)
from tests.integration.webhooks.hooks import Hooks

pytestmark = pytest.mark.slow

#: Runs of floods may use a quarter of this limit, less the tenth that is reserved for other integrations.
DAY_LIMIT = 100


def flood_of_contacts(hooks: Hooks) -> None:
    mass_edit(hooks, contact_ids(hooks, MANY))
    quiet_comes(hooks)


def flood_that_only_a_full_run_proves(hooks: Hooks) -> None:
    """Edits persons without a new time of their contact, so the incremental run leaves the records to a full run."""
    hooks.bench.rows("UPDATE booksync.customers_cache SET observed_at = observed_at - interval '1 hour' RETURNING id")
    for number, contact_id in enumerate(contact_ids(hooks, MANY)):
        hooks.bench.zoho.edit_person(
            person_id(hooks, contact_id), stamp_contact=False, mobile=f"+44 7912 3456{number:02}"
        )
    hooks.tell_all(CUSTOMER, contact_ids(hooks, MANY))
    quiet_comes(hooks)


def spend_the_allowance(hooks: Hooks) -> None:
    """Floods until no further run is brought forward; the last flood waits."""
    flood_of_contacts(hooks)
    while run_that_is_due(hooks) is not None:
        flood_of_contacts(hooks)
        a_minute_passes(hooks)


def calls_of_runs(hooks: Hooks) -> int:
    (row,) = hooks.bench.rows("SELECT coalesce(sum(api_calls), 0)::int AS calls FROM booksync.sync_runs")
    return int(row["calls"])


@pytest.fixture
def small_day(hooks: Hooks) -> Hooks:
    """An organisation on a small plan, whose daily limit the budget has learnt."""
    hooks.bench.zoho.set_limits(requests_per_day=DAY_LIMIT)
    hooks.bench.sync()
    return hooks


def test_a_flood_run_delays_the_next_one_of_either_mode(hooks: Hooks) -> None:
    flood_that_only_a_full_run_proves(hooks)
    assert run_that_is_due(hooks) == "incremental"
    assert run_that_is_due(hooks) is None
    a_minute_passes(hooks)
    assert run_that_is_due(hooks) == "full"


def test_repeated_mass_edits_use_at_most_a_quarter_of_the_days_calls(small_day: Hooks) -> None:
    before = calls_of_runs(small_day)
    modes = []
    for _ in range(8):
        flood_of_contacts(small_day)
        a_minute_passes(small_day)
        modes.append(run_that_is_due(small_day))
    assert modes[0] == "incremental"
    assert modes[-1] is None
    assert 0 < calls_of_runs(small_day) - before <= DAY_LIMIT * 0.9 / 4


def test_a_regular_run_completes_the_events_above_the_allowance(small_day: Hooks) -> None:
    spend_the_allowance(small_day)
    small_day.bench.rows("UPDATE booksync.zoho_connections SET next_sync_at = now() RETURNING id")
    assert run_that_is_due(small_day) == "incremental"
    assert small_day.bench.rows("SELECT record_id FROM booksync.refreshes WHERE received > handled") == []


def test_the_allowance_refills_within_a_day(small_day: Hooks) -> None:
    spend_the_allowance(small_day)
    small_day.bench.rows("UPDATE booksync.scheduler_marks SET marked_at = marked_at - interval '1 day' RETURNING name")
    assert run_that_is_due(small_day) == "incremental"
