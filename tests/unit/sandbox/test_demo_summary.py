"""The numbers of the first sync."""

from typing import Any

import pytest

from sandbox.demo.errors import DemoError
from sandbox.demo.summary import read_summary


def told(**changed: Any) -> dict[str, Any]:
    written = {"total": 9, "new": 4, "updated": 3, "unchanged": 2}
    return {
        "run_id": "6c9b0c1e-0000-4000-8000-000000000000",
        "status": "succeeded",
        "customers": {**written, "with_phone": 8},
        "invoices": {**written, "waiting": 1},
        "reminders": {"scheduled": 5, "skipped": {"no_phone": 1}},
        "api_calls": 30,
        "api_calls_one_per_invoice": 3000,
        "seconds": 1.5,
        **changed,
    }


def test_every_reported_number_is_read() -> None:
    summary = read_summary(told(something_more=1))
    assert (summary.customers.total, summary.customers.new, summary.customers_with_phone) == (9, 4, 8)
    assert (summary.invoices.updated, summary.invoices.unchanged, summary.invoices_waiting) == (3, 2, 1)
    assert (summary.reminders_scheduled, summary.reminders_skipped) == (5, {"no_phone": 1})
    assert summary.saved_share == pytest.approx(0.99)


@pytest.mark.parametrize(
    ("calls", "one_per_invoice", "share"),
    [
        (30, 0, 0.0),  # No invoices, so no calls to save.
        (30, 20, 0.0),  # More calls than one for each invoice: the share is 0, not negative.
        (0, 20, 1.0),
    ],
)
def test_saved_share_is_between_0_and_1(calls: int, one_per_invoice: int, share: float) -> None:
    assert read_summary(told(api_calls=calls, api_calls_one_per_invoice=one_per_invoice)).saved_share == share


@pytest.mark.parametrize("missing", ["status", "api_calls", "seconds"])
def test_missing_key_is_named(missing: str) -> None:
    incomplete = told()
    del incomplete[missing]
    with pytest.raises(DemoError, match=f"booksync sync ended without reporting {missing}"):
        read_summary(incomplete)
