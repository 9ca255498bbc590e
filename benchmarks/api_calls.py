"""Counts the API calls of syncs in the simulator: `python -m benchmarks.api_calls`.

25,000 contacts, 30,000 persons and 20,000 invoices are synced for the first time, again without changes, again with 50
changed contacts, and through a day of five-minute syncs. The scheduler's runs are measured, because only these make
calls for details before reminders, and for countries ("questions"). These calls are counted separately from the calls
for lists and persons. Another first sync reads 60,000 invoices with five deleted customers: each of these costs a call.
Lists cost at most 1.03 times the pages that their rows fill, overlaps included. Exit code 1: a bound is broken.
"""

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.progress import Progress

from benchmarks.api_call_figures import MOST_LIST_CALLS, Calls, Row, Size, fewer, near, table
from benchmarks.installation import Servers, installed, running_servers, shown_progress, unthrottled_simulator
from domain.forecast import CALLS_OF_A_TRUTH_CHECK, CALLS_OF_AN_IDLE_SYNC, CALLS_OF_AN_ORGANIZATION
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

#: How far the simulator's clock is behind at first: the syncs of the day never get ahead of Postgres's clock, and are
#: never more than a day behind it. No watermark is later than Postgres's time, so a sync with a later clock would read
#: all earlier changes of the day again. A server's time that is more than a day away is replaced by Postgres's time.
BEHIND = timedelta(seconds=TICKS * TICK_SECONDS - TICK_SECONDS / 2)


def main() -> None:
    argparse.ArgumentParser(prog="python -m benchmarks.api_calls", description="The API calls of syncs.").parse_args()
    console = Console()
    with running_servers() as servers, shown_progress(console) as progress:
        parts = (_spread_changes, _an_import, _gone_customers)
        rows = [row for part in parts for row in part(servers, progress)]
    console.print(table(rows))
    sys.exit(0 if all(row.is_kept for row in rows) else 1)


def _spread_changes(servers: Servers, progress: Progress) -> Iterator[Row]:
    """The books changed over months: a first sync, two small ones, and a day."""
    with (
        unthrottled_simulator(contacts=CONTACTS, invoices=INVOICES, behind_seconds=BEHIND.total_seconds()) as zoho,
        installed(servers, zoho) as resources,
    ):
        size = _completed(zoho)
        bench = Bench.connected(resources, zoho, slices=SliceLimits())
        calls = _calls_of_a_sync(bench, progress, "First sync")
        read = calls.lists_and_persons
        yield near(f"First sync of {size}", read, size.pages)
        yield near("… part for the three lists, overlaps included", calls.lists, size.pages)
        yield near("… and for the list of persons alone", calls.persons, size.pages_of_persons)
        yield fewer("… against one detail call an invoice", read, size.invoices)
        yield calls.question_row
        calls = _calls_of_a_sync(bench, progress, "Nothing changed")
        yield Row("Nothing changed", calls.lists_and_persons, 3, "3")
        yield calls.question_row
        _edit_contacts(bench, random.Random(1), CHANGED, at=_a_second_ago())
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
        yield near(f"Lists of a first sync of {size}, overlaps included", calls.lists, size.pages)
        yield Row(f"… and details of {GONE} customers that are gone", calls.details, GONE, f"{GONE}")
        yield calls.question_row


def _a_day(bench: Bench, size: Size, progress: Progress) -> Iterator[Row]:
    """A sync every five minutes, including a full one, while 2 % of the contacts and of the invoices change.

    The benchmark does not wait: it advances the simulator's clock, which dates the responses. Each change has a
    timestamp in the five minutes before its sync. So a day needs the two lists of each sync, one full run with its
    truth check, and one detail call for each changed contact.
    """
    chance = random.Random(2)
    edits = Counter(chance.choices(range(TICKS), k=round(CHURN * size.contacts)))
    payments = Counter(chance.choices(range(TICKS), k=round(CHURN * size.invoices)))
    instead_of = 0
    asked_before = _questions(bench)
    bench.zoho.reset_stats()
    for tick in progress.track(range(TICKS), description="A day of five-minute syncs"):
        bench.zoho.clear_faults()
        shift = timedelta(seconds=TICK_SECONDS * tick)
        bench.zoho.fault(FaultName.CLOCK_SHIFTED, everywhere=True, seconds=shift.total_seconds())
        before = _a_second_ago() + shift - timedelta(seconds=chance.uniform(0, TICK_SECONDS - 1))
        _edit_contacts(bench, chance, edits[tick], at=before)
        _pay_invoices(bench, chance, payments[tick], at=before)
        run = _sync(bench, Mode.FULL if tick == TICKS // 2 else Mode.INCREMENTAL)
        instead_of += run["api_calls_one_per_invoice"]
    calls = _calls_since(bench, asked_before, runs=TICKS)
    read, changed = calls.lists_and_persons, edits.total()
    yield fewer(f"A day of {TICKS} syncs, including a full one, {CHURN:.0%} of all changed", read, instead_of)
    lists = CALLS_OF_AN_IDLE_SYNC * TICKS + MOST_LIST_CALLS * size.pages
    details = changed + CALLS_OF_A_TRUTH_CHECK
    yield Row("… against two calls a sync, one full read, and each changed contact", read, lists + details, "their sum")
    yield Row("… part for lists of contacts and invoices", calls.lists - calls.persons, None, "")
    yield Row("… part for lists of persons", calls.persons, None, "")
    yield Row("… part for details", calls.details, details, f"{changed} changed + {CALLS_OF_A_TRUTH_CHECK} checked")
    yield Row("… part for the organisation's own facts", calls.others, CALLS_OF_AN_ORGANIZATION, "a full sync")
    # The harder comparison, without a bound: a sync that detects no change of a customer.
    least = TICKS + payments.total()
    yield Row("… against one list and the changed invoices' customers only", read, None, f"{least:,} calls instead")
    yield calls.question_row


def _calls_of_a_sync(bench: Bench, progress: Progress, what: str) -> Calls:
    task = progress.add_task(what, total=1)
    asked_before = _questions(bench)
    bench.zoho.reset_stats()
    _sync(bench)
    progress.advance(task)
    return _calls_since(bench, asked_before, runs=1)


def _calls_since(bench: Bench, asked_before: int, *, runs: int) -> Calls:
    """The calls of these runs, since the simulator's statistics were reset."""
    questions = _questions(bench) - asked_before
    stats = bench.zoho.stats()
    persons = stats.count(CallKind.BULK_PERSONS)
    lists = persons + stats.count(CallKind.CONTACTS) + stats.count(CallKind.INVOICES)
    details = stats.count(CallKind.CONTACT) + stats.count(CallKind.INVOICE) - questions
    return Calls(stats.count() - questions, questions, runs, lists, persons, details)


def _a_second_ago() -> datetime:
    """By the simulator's clock. A contact that is read in the second of its change is read once more."""
    return datetime.now(UTC) - BEHIND - timedelta(seconds=1)


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


if __name__ == "__main__":
    main()
