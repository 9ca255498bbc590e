"""The share of a day's calls that a flood's runs spend."""

from datetime import UTC, datetime

import pytest

from domain.floods import REFILL_SECONDS, flood_sentence, refill_seconds


@pytest.mark.parametrize(
    ("calls", "day_limit", "day_kept", "share"),
    [
        # An eighth of the day at once, and as much again while it refills.
        (125, 1_000, 0, 1.0),
        (25, 1_000, 0, 0.2),
        # The reserve of other programs is subtracted first.
        (100, 1_000, 200, 1.0),
        # A run that costs more than the allowance never fits.
        (250, 1_000, 0, 2.0),
        (4, 10_000, 1_000, 4 / 1_125),
        # The whole day is kept for others.
        (5, 1_000, 1_000, 5.0),
        # Zoho has not reported a limit.
        (5_000, None, 0, 0.0),
    ],
)
def test_a_run_spends_its_part_of_the_allowance(calls: int, day_limit: int | None, day_kept: int, share: float) -> None:
    assert refill_seconds(calls, day_limit, day_kept) == pytest.approx(share * REFILL_SECONDS)


def test_sentence_of_a_flood_counts_in_singular_and_plural() -> None:
    since = datetime(2026, 11, 27, 4, 10, tzinfo=UTC)
    assert flood_sentence(1, since).startswith(
        "1 changed record waits for a run, the first since 2026-11-27 04:10 UTC:"
    )
    assert flood_sentence(1_100, since).startswith("1,100 changed records wait for a run, ")
