"""Promises of workers/cli/budget_lines.py: the lines for an operator about a spent day and pauses."""

from dataclasses import asdict, replace
from typing import Any

import pytest

from workers.budget import BudgetSnapshot, PauseReason
from workers.cli.budget_lines import reserve_words, span, start_line, stop_line

FREE = BudgetSnapshot(
    limit=100,
    used_in_window=3,
    under_way=0,
    reserved_ahead=0,
    paused_seconds=0,
    paused_reason=None,
    day_limit=1000,
    day_remaining=572,
    day_resets_in_seconds=18_000,
    throttles=0,
    day_kept=100,
    interactive_reserve=3,
)
REFUSED = replace(
    FREE,
    paused_seconds=18_720,
    paused_reason=PauseReason.DAY,
    day_remaining=0,
    day_waits_seconds=18_720,
    probe_in_seconds=2520,
)
NONE_LEFT = replace(FREE, day_remaining=-3, day_waits_seconds=18_000, probe_in_seconds=0)
RESERVED = replace(FREE, day_remaining=97, day_waits_seconds=18_000)


def stop(budget: BudgetSnapshot) -> str | None:
    return stop_line(asdict(budget), "10234695")


def start(budget: BudgetSnapshot, *, calls: int = 8, left: int | None = 472) -> str | None:
    facts: dict[str, Any] = {
        "budget": asdict(budget),
        "begins_in_seconds": max(budget.paused_seconds, budget.day_waits_seconds),
        "left_for_runs": left,
        "full": {"calls": calls},
    }
    return start_line(facts)


def test_no_line_while_calls_are_allowed() -> None:
    assert (stop(FREE), start(FREE)) == (None, None)


def test_the_present_reserve_is_named_if_there_is_one() -> None:
    assert reserve_words(asdict(FREE)) == " (syncs leave 3 to webhooks and people)"
    assert reserve_words(asdict(replace(FREE, interactive_reserve=0))) == ""


def test_a_day_that_zoho_has_refused_has_its_own_next_step() -> None:
    assert stop(REFUSED) == (
        "The day's calls are spent: Zoho refuses calls (code 45). All calls wait for 5 h 12 min at most. "
        "A test call is made in 42 min. "
        "Next: wait, or with a larger plan at Zoho: booksync budget resume 10234695"
    )


def test_day_spent_according_to_headers_is_reported() -> None:
    line = stop(NONE_LEFT)
    assert line is not None
    assert "Zoho has reported that none is left" in line
    assert "A test call is made now." in line


def test_day_with_only_the_reserve_left_names_the_setting() -> None:
    assert stop(RESERVED) == (
        "The day's calls are spent except for 97, which are reserved for other programs (ZOHO_DAILY_RESERVE). "
        "Runs and webhooks resume in 5 h. Next: wait, or buy a larger plan at Zoho"
    )


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (PauseReason.MINUTE, "too many in a minute"),
        (PauseReason.CONCURRENCY, "too many at once"),
        (PauseReason.FORGOTTEN, "Redis has lost the record of recent calls"),
    ],
)
def test_any_other_pause_is_shown_with_reason_and_ends_by_itself(reason: PauseReason, words: str) -> None:
    line = stop(replace(FREE, paused_seconds=58, paused_reason=reason))
    assert line is not None
    assert line.startswith("All calls are paused for 58 s: ")
    assert words in line
    assert line.endswith("Next: wait; calls resume automatically")


def test_sync_on_a_spent_day_reports_its_start_time() -> None:
    assert start(REFUSED) == (
        "A sync would begin in 5 h 12 min, because the day's calls are spent. "
        "A test call in 42 min may let it begin sooner."
    )
    assert start(RESERVED) == "A sync would begin in 5 h, because the day's calls are spent."


def test_sync_during_a_pause_reports_its_start_time() -> None:
    paused = replace(FREE, paused_seconds=58, paused_reason=PauseReason.MINUTE)
    assert start(paused) == "A sync would begin in 58 s, because all calls are paused."


def test_sync_that_needs_more_calls_reports_the_calls_left() -> None:
    assert start(FREE, calls=500) == (
        "Only 472 calls are left for runs today, so the rest of a full sync waits for at least 5 h."
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 s"),
        (119, "119 s"),
        (120, "2 min"),
        (121, "3 min"),
        (7199, "2 h"),
        (7200, "2 h"),
        (18_720, "5 h 12 min"),
    ],
)
def test_a_span_is_rounded_up(seconds: float, words: str) -> None:
    assert span(seconds) == words
