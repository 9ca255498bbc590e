"""The funnel of the demo on a terminal."""

import io
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import pytest
from rich.console import Console

from domain.reminders.funnel import Stage as DomainStage
from domain.reminders.permission import SkipReason
from sandbox.demo.funnel import _STAGES, funnel_notes, funnel_table
from sandbox.demo.preview import CallingDay, Debt, Loss, Preview, Stage
from tests.tables import table

FRIDAY, SATURDAY, MONDAY = date(2026, 11, 27), date(2026, 11, 28), date(2026, 11, 30)
THREE_CALLS = CallingDay(FRIDAY, 3)


def debt(invoices: int = 1, **amounts: str) -> Debt:
    return Debt(invoices, {code: Decimal(amount) for code, amount in amounts.items()})


def a_preview(
    *stages: Stage,
    backlog_invoices: int = 0,
    tomorrow: CallingDay = THREE_CALLS,
    first_day: CallingDay | None = THREE_CALLS,
) -> Preview:
    return Preview(stages or (Stage("open", (), debt()),), backlog_invoices, tomorrow, first_day, is_open=False)


def rows(preview: Preview, width: int = 77) -> list[str]:
    paper = io.StringIO()
    Console(file=paper, width=width, highlight=False).print(funnel_table(preview))
    return [" ".join(line.split()) for line in paper.getvalue().splitlines()]


def test_losses_are_listed_before_the_stage_they_miss() -> None:
    loss = Loss("The customer has no phone number.", debt(2, USD="1000"))
    preview = a_preview(
        Stage("open", (), debt(1_234, USD="4092003.79")), Stage("reachable", (loss,), debt(1_232, USD="4091003.79"))
    )
    assert rows(preview) == [
        "invoices owed, USD",
        "open invoices 1,234 4,092,004",
        "− The customer has no phone number 2 1,000",
        "customer can be reached 1,232 4,091,004",
    ]


def test_amounts_are_in_the_currency_with_the_largest_sum() -> None:
    loss = Loss("The customer is inactive in Zoho.", debt(1, EUR="900"))
    preview = a_preview(Stage("open", (), debt(9, EUR="900", USD="5000")), Stage("reachable", (loss,), debt(8)))
    assert rows(preview)[0] == "invoices owed, USD"
    assert "− The customer is inactive in Zoho 1 0" in rows(preview)


@pytest.mark.parametrize(
    ("amounts", "note"),
    [
        ({}, None),
        ({"USD": "2"}, None),
        ({"USD": "2", "EUR": "1"}, "Amounts in 1 other currency are left out."),
        ({"USD": "2", "EUR": "1", "GBP": "1"}, "Amounts in 2 other currencies are left out."),
    ],
)
def test_currencies_without_a_column_are_counted(amounts: Mapping[str, str], note: str | None) -> None:
    notes = list(funnel_notes(a_preview(Stage("open", (), debt(9, **amounts)))))
    assert [line for line in notes if "left out" in line] == ([note] if note else [])


def test_less_than_one_unit_is_not_shown_as_zero() -> None:
    assert rows(a_preview(Stage("open", (), debt(15, USD="0.14"))))[-1] == "open invoices 15 <1"


def test_no_amounts_without_open_invoices() -> None:
    assert rows(a_preview(Stage("open", (), debt(0)))) == ["invoices", "open invoices 0"]


def test_every_stage_has_a_name_for_people() -> None:
    assert set(_STAGES) == {stage.value for stage in DomainStage}


@table("reason", list(SkipReason))
def test_every_reason_is_shown_whole_in_eighty_columns(reason: SkipReason) -> None:
    loss = Loss(reason.sentence, debt(123_456, USD="123456789"))
    preview = a_preview(Stage("open", (), debt(999_999, USD="123456789")), Stage("reachable", (loss,), debt(0)))
    shown = " ".join(rows(preview))
    assert all(word in shown for word in reason.sentence.rstrip(".").split())
    assert "123,456 123,456,789" in shown


@pytest.mark.parametrize(
    ("tomorrow", "first_day", "note"),
    [
        (CallingDay(FRIDAY, 78), CallingDay(FRIDAY, 78), "Tomorrow, Fri 27 Nov: 78 calls, one to each number."),
        (CallingDay(FRIDAY, 1), CallingDay(FRIDAY, 1), "Tomorrow, Fri 27 Nov: 1 call."),
        # A weekend.
        (
            CallingDay(SATURDAY, 0),
            CallingDay(MONDAY, 1_005),
            "No call tomorrow, Sat 28 Nov. The next day with calls is Mon 30 Nov: 1,005 calls.",
        ),
        (CallingDay(SATURDAY, 0), None, "No call is scheduled."),
    ],
)
def test_next_calls_are_on_the_first_day_with_a_call(
    tomorrow: CallingDay, first_day: CallingDay | None, note: str
) -> None:
    assert list(funnel_notes(a_preview(tomorrow=tomorrow, first_day=first_day))) == [note]


@pytest.mark.parametrize(
    ("invoices", "note"),
    [
        (1, "1 invoice is past a step; --backlog latest makes up for the latest one."),
        (1_412, "1,412 invoices are past a step; --backlog latest makes up for the latest one."),
    ],
)
def test_a_backlog_is_counted(invoices: int, note: str) -> None:
    assert note in list(funnel_notes(a_preview(backlog_invoices=invoices)))
