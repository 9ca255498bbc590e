"""The facts of the preview and the opening, and the JSON object of the demo."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from sandbox.demo.errors import DemoError
from sandbox.demo.preview import CallingDay, Debt, Loss, Opened, Stage, read_opened, read_preview, result_of

LOSS = {
    "reason": "no_phone",
    "sentence": "The customer has no phone number.",
    "invoices": 2,
    "amounts": {"USD": "0.50"},
}


def preview_facts(**changed: Any) -> dict[str, Any]:
    return {
        "handover": "closed",
        "opened_at": None,
        "backlog": "none",
        "waiting_calls": 3,
        "funnel": [
            {"stage": "open", "invoices": 9, "amounts": {"USD": "10.50", "EUR": "7"}, "losses": []},
            {"stage": "reachable", "invoices": 7, "amounts": {"USD": "10.00", "EUR": "7"}, "losses": [LOSS]},
        ],
        "backlog_counts": {"none": {"before_opening": 1}, "latest": {"invoices": 4, "calls": 2}},
        "tomorrow": {"day": "2026-11-28", "calls": 0},
        "first_day": "2026-11-30",
        "calls_on_first_day": 5,
        "calls": [{"phone": "+14155550126"}],
        **changed,
    }


def opened_facts(**changed: Any) -> dict[str, Any]:
    opened = {"handover": "open", "opened_at": "2026-11-26T12:00:00+00:00", "backlog": "latest", "waiting_calls": 6}
    return {**opened, "connection_id": "c", "replanned": 9, **changed}


def test_the_funnel_is_read_with_exact_amounts() -> None:
    assert read_preview(preview_facts()).stages == (
        Stage("open", (), Debt(9, {"USD": Decimal("10.50"), "EUR": Decimal(7)})),
        Stage(
            "reachable",
            (Loss("The customer has no phone number.", Debt(2, {"USD": Decimal("0.50")})),),
            Debt(7, {"USD": Decimal("10.00"), "EUR": Decimal(7)}),
        ),
    )


def test_the_days_the_backlog_and_the_handover_are_read() -> None:
    preview = read_preview(preview_facts())
    assert preview.tomorrow == CallingDay(date(2026, 11, 28), 0)
    assert preview.first_day == CallingDay(date(2026, 11, 30), 5)
    assert preview.backlog_invoices == 4
    assert not preview.is_open


def test_no_first_day_without_a_scheduled_call() -> None:
    assert read_preview(preview_facts(first_day=None, calls_on_first_day=0)).first_day is None


@pytest.mark.parametrize("missing", ["funnel", "backlog_counts", "tomorrow", "first_day", "handover"])
def test_missing_key_of_the_preview_is_named(missing: str) -> None:
    facts = preview_facts()
    del facts[missing]
    with pytest.raises(DemoError, match=f"booksync reminders preview ended without reporting {missing}"):
        read_preview(facts)


def test_an_opening_is_read() -> None:
    assert read_opened(opened_facts()) == Opened(datetime(2026, 11, 26, 12, tzinfo=UTC), 6)


def test_an_opening_that_leaves_the_connection_closed_is_an_error() -> None:
    with pytest.raises(DemoError, match="ended with the connection closed"):
        read_opened(opened_facts(handover="closed", opened_at=None))


@pytest.mark.parametrize("missing", ["handover", "opened_at", "waiting_calls"])
def test_missing_key_of_the_opening_is_named(missing: str) -> None:
    facts = opened_facts()
    del facts[missing]
    with pytest.raises(DemoError, match=f"booksync reminders open ended without reporting {missing}"):
        read_opened(facts)


def test_the_result_keeps_the_run_and_has_the_handover_after_the_opening() -> None:
    run = {"status": "succeeded", "api_calls": 30, "seconds": 1.5, "handover": "closed", "waiting_calls": 3}
    preview = preview_facts()
    assert result_of(run, preview, opened_facts()) == {
        "status": "succeeded",
        "api_calls": 30,
        "seconds": 1.5,
        "funnel": preview["funnel"],
        "backlog_counts": preview["backlog_counts"],
        "tomorrow": preview["tomorrow"],
        "handover": "open",
        "opened_at": "2026-11-26T12:00:00+00:00",
        "backlog": "latest",
        "waiting_calls": 6,
    }
