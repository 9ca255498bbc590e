"""The counted calls of the benchmark `benchmarks.api_calls`, their bounds and their table."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from rich.table import Table

from domain.lists import PER_PAGE
from domain.reminders.policy import ReminderPolicy

#: Calls for lists, overlaps included, relative to the pages that their rows fill.
MOST_LIST_CALLS = 1.03

#: The share of calls that a sync must save, compared with one detail call for each invoice's customer.
SAVED = 0.98

#: Detail calls of a run's reminder phase.
QUESTIONS_A_RUN = ReminderPolicy().detail_calls_per_run


@dataclass(frozen=True)
class Row:
    """One line of the table: counted calls, and the maximum; None without a bound."""

    what: str
    calls: int
    most: float | None
    bound: str

    @property
    def is_kept(self) -> bool:
        return self.most is None or self.calls <= self.most


@dataclass(frozen=True)
class Calls:
    """The calls of some runs."""

    lists_and_persons: int
    questions: int  #: details before reminders, and countries that decide about a number
    runs: int = 1
    lists: int = 0  #: pages of contacts, persons and invoices
    persons: int = 0  #: pages of persons
    details: int = 0  #: of single records, without the questions

    @property
    def others(self) -> int:
        """The calls for the organisation's own facts."""
        return self.lists_and_persons - self.lists - self.details

    @property
    def question_row(self) -> Row:
        what = "… and questions: switches, countries, addresses"
        return Row(what, self.questions, QUESTIONS_A_RUN * self.runs, f"{QUESTIONS_A_RUN} a run")


@dataclass(frozen=True)
class Size:
    """The size of the simulator's books; vendors count as contacts, because the list contains them."""

    contacts: int
    persons: int
    invoices: int

    @property
    def pages(self) -> int:
        return sum(ceil(rows / PER_PAGE) for rows in (self.contacts, self.persons, self.invoices))

    @property
    def pages_of_persons(self) -> int:
        return ceil(self.persons / PER_PAGE)

    def __str__(self) -> str:
        return f"{self.contacts:,} contacts, {self.persons:,} persons, {self.invoices:,} invoices"


def near(what: str, calls: int, pages: int) -> Row:
    return Row(what, calls, MOST_LIST_CALLS * pages, f"{MOST_LIST_CALLS} × {pages} pages")


def fewer(what: str, calls: int, instead_of: int) -> Row:
    return Row(what, calls, (1 - SAVED) * instead_of, f"{SAVED:.0%} fewer than {instead_of:,}")


def table(rows: Sequence[Row]) -> Table:
    drawn = Table(title="API calls")
    drawn.add_column("sync")
    drawn.add_column("calls", justify="right")
    drawn.add_column("at most", justify="right")
    drawn.add_column("which is", justify="right")
    drawn.add_column("verdict")
    for row in rows:
        verdict = "" if row.most is None else "kept" if row.is_kept else "[red]broken[/red]"
        most = "" if row.most is None else f"{int(row.most):,}"
        drawn.add_row(row.what, f"{row.calls:,}", most, row.bound, verdict)
    return drawn
