"""Counts the API calls of syncs in the simulator: `python -m benchmarks.api_calls`.

25,000 contacts, 30,000 persons and 20,000 invoices are synced for the first time, again without changes, again with 50
changed contacts, and through a day of five-minute syncs. The scheduler's runs are measured, because only these make
calls for details before reminders, and for countries ("questions"). These calls are counted separately from the calls
for lists and persons. Another first sync reads 60,000 invoices with five deleted customers: each of these costs a call.
Lists cost at most 1.03 times the pages that their rows fill, overlaps included. Exit code 1: a bound is broken.
"""

import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.installation import Servers, installed, running_servers, shown_progress, unthrottled_simulator
from domain.lists import PER_PAGE
from domain.reminder_policy import ReminderPolicy
from domain.runs import Mode
from sandbox.zoho import commands as ask
from sandbox.zoho.control import SandboxControl
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench
from workers.boot.slices import SliceLimits

CONTACTS = 25_000
PERSONS = 30_000
INVOICES = 20_000

#: Contacts of one import, with an invoice each.
IMPORTED = 5_000

#: A second organisation with more invoices; this many of its customers were deleted in Zoho.
MANY_INVOICES = 60_000
GONE = 5

CHANGED = 50

TICKS = 288
TICK_SECONDS = 300
CHURN = 0.02

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


def main() -> None:
    console = Console()
    with running_servers() as servers, shown_progress(console) as progress:
        parts = (_spread_changes, _an_import, _gone_customers)
        rows = [row for part in parts for row in part(servers, progress)]
    console.print(_table(rows))
    sys.exit(0 if all(row.is_kept for row in rows) else 1)


def _spread_changes(servers: Servers, progress: Progress) -> Iterator[Row]:
    """The books changed over months: a first sync, two small ones, and a day."""
    with (
        unthrottled_simulator(contacts=CONTACTS, invoices=INVOICES) as zoho,
        installed(servers, zoho) as resources,
    ):
        size = _completed(zoho)
        bench = Bench.connected(resources, zoho, slices=SliceLimits())
        calls = _calls_of_a_sync(bench, progress, "First sync")
        read = calls.lists_and_persons
        yield _near(f"First sync of {size}", read, size.pages)
        yield _near("… part for the three lists, overlaps included", calls.lists, size.pages)
        yield _near("… and for the list of persons alone", calls.persons, size.pages_of_persons)
        yield _fewer("… against one detail call an invoice", read, size.invoices)
        yield calls.question_row
        calls = _calls_of_a_sync(bench, progress, "Nothing changed")
        yield Row("Nothing changed", calls.lists_and_persons, 3, "3")
        yield calls.question_row
        _edit_contacts(bench, random.Random(1), CHANGED, at=datetime.now(UTC))
        calls = _calls_of_a_sync(bench, progress, f"{CHANGED} contacts changed")
        yield Row(f"{CHANGED} contacts changed", calls.lists_and_persons, CHANGED + 5, f"{CHANGED} + 5")
        yield calls.question_row
        yield from _a_day(bench, size, progress)


def _an_import(servers: Servers, progress: Progress) -> Iterator[Row]:
    """Part of the books has timestamps in the same three seconds of the day before."""
    with (
        unthrottled_simulator(contacts=CONTACTS - IMPORTED, invoices=INVOICES - IMPORTED) as zoho,
        installed(servers, zoho) as resources,
    ):
        yesterday = datetime.now(UTC) - timedelta(days=1)
        zoho.mutate(ask.BulkImport(at=yesterday, contacts=IMPORTED, invoices_per_contact=1))
        size = _completed(zoho)
        calls = _calls_of_a_sync(
            Bench.connected(resources, zoho, slices=SliceLimits()), progress, "First sync after an import"
        )
        what = f"First sync of as many, {IMPORTED:,} contacts and as many invoices imported within 3 seconds"
        yield Row(what, calls.lists_and_persons, 1.5 * size.pages, f"1.5 × {size.pages} pages")
        yield calls.question_row


def _gone_customers(servers: Servers, progress: Progress) -> Iterator[Row]:
    """Invoices of deleted contacts, which a list of contacts does not report."""
    with (
        unthrottled_simulator(contacts=CONTACTS, invoices=MANY_INVOICES) as zoho,
        installed(servers, zoho) as resources,
    ):
        owners = sorted({invoice["customer_id"] for invoice in zoho.snapshot()["invoices"]})
        gone = random.Random(3).sample(owners, GONE)
        zoho.mutate(*(ask.DeleteContact(contact_id=int(contact_id)) for contact_id in gone))
        books = zoho.snapshot()
        persons = sum(len(contact["contact_persons"]) for contact in books["contacts"])
        size = Size(len(books["contacts"]), persons, len(books["invoices"]))
        calls = _calls_of_a_sync(
            Bench.connected(resources, zoho, slices=SliceLimits()), progress, "First sync with gone customers"
        )
        yield _near(f"Lists of a first sync of {size}, overlaps included", calls.lists, size.pages)
        yield Row(f"… and details of {GONE} customers that are gone", calls.details, GONE, f"{GONE}")
        yield calls.question_row


def _a_day(bench: Bench, size: Size, progress: Progress) -> Iterator[Row]:
    """A sync every five minutes, including a full one, while 2 % of the contacts and of the invoices change.

    The benchmark does not wait: it advances the simulator's clock, which dates the responses. Each change has a
    timestamp in the five minutes before its sync.
    """
    chance = random.Random(2)
    edits = Counter(chance.choices(range(TICKS), k=round(CHURN * size.contacts)))
    payments = Counter(chance.choices(range(TICKS), k=round(CHURN * size.invoices)))
    instead_of = 0
    asked_before = _questions(bench)
    bench.zoho.reset_stats()
    for tick in progress.track(range(TICKS), description="A day of five-minute syncs"):
        bench.zoho.clear_faults()
        shift = timedelta(seconds=TICK_SECONDS * (tick + 1))
        bench.zoho.fault(FaultName.CLOCK_SHIFTED, everywhere=True, seconds=shift.total_seconds())
        before = datetime.now(UTC) + shift - timedelta(seconds=chance.uniform(1, TICK_SECONDS))
        _edit_contacts(bench, chance, edits[tick], at=before)
        _pay_invoices(bench, chance, payments[tick], at=before)
        run = _sync(bench, Mode.FULL if tick == TICKS // 2 else Mode.INCREMENTAL)
        instead_of += run["api_calls_one_per_invoice"]
    questions = _questions(bench) - asked_before
    calls = Calls(bench.zoho.stats().count() - questions, questions, TICKS)
    read = calls.lists_and_persons
    yield _fewer(f"A day of {TICKS} syncs, including a full one, {CHURN:.0%} of all changed", read, instead_of)
    # The harder comparison, without a bound: a sync that detects no change of a customer.
    least = TICKS + payments.total()
    yield Row("… against one list and the changed invoices' customers only", read, None, f"{least:,} calls instead")
    yield calls.question_row


def _near(what: str, calls: int, pages: int) -> Row:
    return Row(what, calls, MOST_LIST_CALLS * pages, f"{MOST_LIST_CALLS} × {pages} pages")


def _fewer(what: str, calls: int, instead_of: int) -> Row:
    return Row(what, calls, (1 - SAVED) * instead_of, f"{SAVED:.0%} fewer than {instead_of:,}")


def _calls_of_a_sync(bench: Bench, progress: Progress, what: str) -> Calls:
    task = progress.add_task(what, total=1)
    asked_before = _questions(bench)
    bench.zoho.reset_stats()
    _sync(bench)
    progress.advance(task)
    questions = _questions(bench) - asked_before
    stats = bench.zoho.stats()
    persons = stats.count(CallKind.BULK_PERSONS)
    lists = persons + stats.count(CallKind.CONTACTS) + stats.count(CallKind.INVOICES)
    details = stats.count(CallKind.CONTACT) + stats.count(CallKind.INVOICE) - questions
    return Calls(stats.count() - questions, questions, lists=lists, persons=persons, details=details)


def _questions(bench: Bench) -> int:
    """The questions of all runs so far."""
    found = bench.rows("SELECT coalesce(sum((position ->> 'switches_asked')::int), 0) AS asked FROM booksync.sync_runs")
    return int(found[0]["asked"])


def _sync(bench: Bench, mode: Mode = Mode.INCREMENTAL) -> dict[str, Any]:
    run = bench.sync(mode, is_scheduled=True)
    assert run["status"] == "succeeded", run["reason"]
    return run


def _completed(zoho: SandboxControl) -> Size:
    """Add the missing persons; the times of their contacts stay."""
    books = zoho.snapshot()
    lacking = PERSONS - sum(len(contact["contact_persons"]) for contact in books["contacts"])
    assert lacking >= 0, "more persons were made up than wanted"
    zoho.mutate(
        *(
            ask.CreatePerson(
                contact_id=int(contact["contact_id"]), fields=ask.PersonFields(first_name="Sam"), stamp_contact=False
            )
            for contact in books["contacts"][:lacking]
        )
    )
    return Size(len(books["contacts"]), PERSONS, len(books["invoices"]))


def _edit_contacts(bench: Bench, chance: random.Random, count: int, *, at: datetime) -> None:
    ids = _some(bench, chance, count, "SELECT zoho_customer_id AS id FROM booksync.customers_cache")
    name = ask.ContactFields(company_name=f"Company {chance.random()}")
    bench.zoho.mutate(*(ask.EditContact(at=at, contact_id=int(each), fields=name) for each in ids))


def _pay_invoices(bench: Bench, chance: random.Random, count: int, *, at: datetime) -> None:
    ids = _some(bench, chance, count, "SELECT zoho_invoice_id AS id FROM invoices_cache WHERE balance > 0")
    bench.zoho.mutate(*(ask.PayInvoice(at=at, invoice_id=int(each)) for each in ids))


def _some(bench: Bench, chance: random.Random, count: int, sql: str) -> Sequence[str]:
    return chance.sample([row["id"] for row in bench.rows(f"{sql} ORDER BY 1")], count)


def _table(rows: Sequence[Row]) -> Table:
    table = Table(title="API calls")
    table.add_column("sync")
    table.add_column("calls", justify="right")
    table.add_column("at most", justify="right")
    table.add_column("which is", justify="right")
    table.add_column("verdict")
    for row in rows:
        verdict = "" if row.most is None else "kept" if row.is_kept else "[red]broken[/red]"
        most = "" if row.most is None else f"{int(row.most):,}"
        table.add_row(row.what, f"{row.calls:,}", most, row.bound, verdict)
    return table


if __name__ == "__main__":
    main()
