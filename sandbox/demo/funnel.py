"""The funnel of the preview as a table, and the resulting calls as sentences."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sandbox.demo.preview import CallingDay, Debt, Preview

_STAGES = {
    "open": "open invoices",
    "reachable": "customer can be reached",
    "may_be_asked": "may be asked for",
    "to_come": "with a scheduled reminder",
    "tomorrow": "to be called about tomorrow",
}


def funnel_table(preview: Preview) -> Table:
    """A table with a row for each stage of the funnel, below the stage's losses.

    Amounts are in the currency with the largest sum.
    """
    currency = _leading_currency(preview)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    table.add_column("invoices", justify="right")
    table.add_column(f"owed, {currency}" if currency else "", justify="right")
    for stage in preview.stages:
        for loss in stage.losses:
            reason = Padding(Text(f"− {loss.sentence.rstrip('.')}"), (0, 0, 0, 2))
            table.add_row(reason, *_cells(loss.debt, currency), style="dim")
        table.add_row(Text(_STAGES.get(stage.name, stage.name)), *_cells(stage.debt, currency), style="bold")
    return table


def funnel_notes(preview: Preview) -> Iterator[str]:
    """Sentences about currencies that the table omits, the next calls, and the backlog that an opening may include."""
    others = len(_totals(preview)) - 1
    if others > 0:
        yield f"Amounts in {others} other {'currency' if others == 1 else 'currencies'} are left out."
    yield _next_calls(preview)
    if preview.backlog_invoices:
        passed = "1 invoice is" if preview.backlog_invoices == 1 else f"{preview.backlog_invoices:,} invoices are"
        yield f"{passed} past a step; --backlog latest makes up for the latest one."


def _next_calls(preview: Preview) -> str:
    tomorrow, first = preview.tomorrow, preview.first_day
    if tomorrow.calls:
        return f"Tomorrow, {_counted(tomorrow)}{'' if tomorrow.calls == 1 else ', one to each number'}."
    if first is None:
        return "No call is scheduled."
    return f"No call tomorrow, {tomorrow.day:%a %d %b}. The next day with calls is {_counted(first)}."


def _counted(day: CallingDay) -> str:
    return f"{day.day:%a %d %b}: {day.calls:,} call{'' if day.calls == 1 else 's'}"


def _leading_currency(preview: Preview) -> str | None:
    totals = _totals(preview)
    return max(totals, key=lambda code: totals[code], default=None)


def _totals(preview: Preview) -> Mapping[str, Decimal]:
    """The amounts owed on all open invoices, summed by currency."""
    return preview.stages[0].debt.amounts


def _cells(debt: Debt, currency: str | None) -> tuple[str, str]:
    if currency is None:
        return f"{debt.invoices:,}", ""
    owed = debt.amounts.get(currency, 0)
    return f"{debt.invoices:,}", "<1" if 0 < owed < 1 else f"{owed:,.0f}"
