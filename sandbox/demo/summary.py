"""The result of the first sync, read from the report of `booksync sync --wait --json`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.demo.errors import DemoError


@dataclass(frozen=True, slots=True)
class Written:
    """The counts of one kind of record: what the run has changed, and how many are cached after the run."""

    total: int
    new: int
    updated: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The result of one run in numbers."""

    status: str
    customers: Written
    customers_with_phone: int
    invoices: Written
    invoices_waiting: int
    reminders_scheduled: int
    reminders_skipped: Mapping[str, int]  # The waiting invoices by reason.
    api_calls: int
    api_calls_one_per_invoice: int
    seconds: float

    @property
    def saved_share(self) -> float:
        """The share of API calls saved (0 to 1), compared with one call for the customer of each invoice."""
        return max(0.0, 1 - self.api_calls / self.api_calls_one_per_invoice) if self.api_calls_one_per_invoice else 0.0


def read_summary(reported: Mapping[str, Any]) -> Summary:
    """Read the JSON report of the sync. Raises `DemoError` when a value is missing or malformed."""
    try:
        return Summary(
            status=reported["status"],
            customers=_written(reported["customers"]),
            customers_with_phone=reported["customers"]["with_phone"],
            invoices=_written(reported["invoices"]),
            invoices_waiting=reported["invoices"]["waiting"],
            reminders_scheduled=reported["reminders"]["scheduled"],
            reminders_skipped=reported["reminders"]["skipped"],
            api_calls=reported["api_calls"],
            api_calls_one_per_invoice=reported["api_calls_one_per_invoice"],
            seconds=reported["seconds"],
        )
    except KeyError as missing:
        raise DemoError(f"booksync sync ended without reporting {missing.args[0]}") from None


def _written(part: Mapping[str, int]) -> Written:
    return Written(part["total"], part["new"], part["updated"], part["unchanged"])
