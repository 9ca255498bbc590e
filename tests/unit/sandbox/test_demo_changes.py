"""Reports of background syncs."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from sandbox.demo.changes import FinishedRun

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_run(
    counters: Mapping[str, int], *, status: str = "succeeded", api_calls: int = 2, problem: str | None = None
) -> FinishedRun:
    return FinishedRun(NOON, "incremental", status, counters, api_calls, problem)


@pytest.mark.parametrize(
    ("run", "sentence"),
    [
        (a_run({"customers_updated": 2, "invoices_new": 1}), "2 customers updated, 1 invoice new (2 API calls)"),
        (a_run({"customers_new": 1, "invoices_new": 0}, api_calls=1), "1 customer new (1 API call)"),
        (
            a_run({}, status="degraded", problem="Zoho is away."),
            "nothing changed (2 API calls) – degraded: Zoho is away.",
        ),
        (a_run({}, status="failed"), "nothing changed (2 API calls) – failed: see the logs"),
    ],
)
def test_sentence_of_a_run(run: FinishedRun, sentence: str) -> None:
    assert run.sentence() == sentence


@pytest.mark.parametrize(
    ("run", "is_news"),
    [
        (a_run({}), False),
        (a_run({"customers_new": 0, "invoices_updated": 0}), False),
        (a_run({"customers_new": 1}), True),
        (a_run({}, status="parked"), True),
    ],
)
def test_only_a_change_or_a_failure_is_news(run: FinishedRun, is_news: bool) -> None:
    assert run.is_news is is_news
