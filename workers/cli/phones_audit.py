"""`booksync phones audit`: the numbers that a person should check, with their customers and the amounts owed."""

import io
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from db import connections, phone_audit, reminder_policies
from domain.phone_audit import (
    ASSUMED_COUNTRY,
    NUMBER_SHARED,
    AuditedCustomer,
    AuditedNumber,
    AuditRules,
    ReasonTotal,
    audit,
    totals,
)
from domain.phones import Doubt, NotCallable, PhoneKind, PhoneProblem
from workers.cli.arguments import GivenConnection
from workers.cli.examples import examples
from workers.cli.opening import open_resources
from workers.cli.tables import Short, Table, detail, name, number, sentence, whole
from workers.cli.terminal import counted, notes, out, print_json
from workers.services import spreadsheets
from workers.services.find_connection import find_connection

#: The columns of the CSV file that `--csv` writes; `phones confirm --csv` reads them by these names.
CSV_COLUMNS = (
    "customer_id",
    "customer",
    "phone_text",
    "number",
    "reason",
    "explanation",
    "currency",
    "owed",
    "confirmed",
    "note",
)

_REASONS = frozenset((*PhoneProblem, *NotCallable, *PhoneKind, *Doubt, NUMBER_SHARED, ASSUMED_COUNTRY))

_FEWEST_ROWS = 10
_LINES_AROUND_THE_TABLE = 7
_LINES_OF_A_CUSTOMER = 2
_LINES_OF_A_PIPE = 40


@examples(
    "booksync phones audit Acme",
    "booksync phones audit Acme --excel --output numbers.csv",
    "booksync phones audit Acme --json | jq -r '.reasons[].reason'",
)
def show_audit(
    given: GivenConnection,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print a CSV file (personal data) for `phones confirm --csv`.")
    ] = False,
    for_excel: Annotated[
        bool, typer.Option("--excel", help="Print the CSV file with semicolons, for Excel in most of Europe.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Write the CSV file there, readable only by its owner."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
    show_all: Annotated[bool, typer.Option("--all", help="Show every customer, not only one screen.")] = False,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="REASON", help="Only this reason, as named in the totals.")
    ] = None,
) -> None:
    """Show the numbers that a person should check, the customers who owe most first.

    The audit shows refused texts, numbers that are not called, doubtful numbers, numbers that many customers share, and
    numbers that were read with the organisation's country. Numbers that a person has confirmed are omitted.
    """
    as_csv = as_csv or for_excel or output is not None
    if as_json and as_csv:
        raise typer.BadParameter("--csv and --json exclude each other")
    if reason is not None and reason not in _REASONS:
        raise typer.BadParameter(f"no reason has this name: {reason}", param_hint="--reason")
    with open_resources("booksync phones") as resources, resources.engine.connect() as db:
        connection_id = find_connection(db, given)
        connection = connections.connection(db, connection_id)
        policy = reminder_policies.policy_of(db, connection_id)
        rules = AuditRules(policy.kinds_not_called, shared_by=policy.shared_number_customers)
        currency = phone_audit.home_currency(db, connection)
        numbers = audit(phone_audit.doubtful(db, connection, rules), rules, home_currency=currency)
    numbers = [number for number in numbers if reason is None or _has(number, reason)]
    if as_csv:
        _write_csv(numbers, output, for_excel=for_excel)
    elif as_json:
        print_json(_json(connection_id, numbers))
    else:
        _show(connection_id, numbers, show_all=show_all)


def _has(number: AuditedNumber, reason: str) -> bool:
    return any(each.name == reason for customer in number.customers for each in customer.reasons)


def _write_csv(numbers: Sequence[AuditedNumber], output: Path | None, *, for_excel: bool) -> None:
    if output is None:
        _print_csv(numbers, for_excel=for_excel)
    else:
        try:
            with spreadsheets.open_private(output) as file:
                spreadsheets.write(file, CSV_COLUMNS, _csv_rows(numbers), for_excel=for_excel)
        except OSError as error:
            raise typer.BadParameter(f"{output} cannot be written: {error.strerror}", param_hint="--output") from None
    notes.print("Names and phone numbers are personal data. Next: booksync phones confirm CONNECTION --csv FILE")


def _print_csv(numbers: Sequence[AuditedNumber], *, for_excel: bool) -> None:
    with suppress(OSError, ValueError):  # In tests stdout has no file descriptor.
        spreadsheets.make_private(sys.stdout.fileno())
    file = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="", write_through=True)
    try:
        spreadsheets.write(file, CSV_COLUMNS, _csv_rows(numbers), for_excel=for_excel)
    finally:
        file.detach()  # Without this copy, the end of the writer would close stdout.


def _csv_rows(numbers: Sequence[AuditedNumber]) -> Iterator[Sequence[str]]:
    for customer in (customer for audited in numbers for customer in audited.customers):
        facts = customer.facts
        owed = sorted(facts.owed.items())
        texts = (
            facts.customer_id,
            facts.customer,
            facts.phone_text,
            facts.number or "",
            customer.reasons[0].name,
            customer.explanation,
            " + ".join(code for code, _ in owed),
        )
        # A cell with a single amount stays a number, so that a spreadsheet can sort by it. A customer rarely has two
        # currencies.
        amounts = " + ".join(f"{amount:f}" for _, amount in owed)
        yield (*map(spreadsheets.guarded, texts), amounts, "", "")


def _json(connection_id: uuid.UUID, numbers: Sequence[AuditedNumber]) -> dict[str, Any]:
    return {
        "connection_id": str(connection_id),
        "customers": sum(len(number.customers) for number in numbers),
        "reasons": [
            {"reason": total.reason, "customers": total.customers, "owed": _amounts(total.owed)}
            for total in totals(numbers)
        ],
        "numbers": [
            {
                "number": number.number,
                "owed": _amounts(number.owed),
                "customers": [_customer(customer) for customer in number.customers],
            }
            for number in numbers
        ],
    }


def _customer(customer: AuditedCustomer) -> dict[str, Any]:
    facts = customer.facts
    return {
        "customer_id": facts.customer_id,
        "customer": facts.customer,
        "phone_text": facts.phone_text,
        "reasons": [reason.name for reason in customer.reasons],
        "explanation": customer.explanation,
        "owed": _amounts(facts.owed),
    }


def _amounts(owed: Mapping[str, Decimal]) -> dict[str, str]:
    return {currency: f"{amount:f}" for currency, amount in owed.items()}


def _show(connection_id: uuid.UUID, numbers: Sequence[AuditedNumber], *, show_all: bool) -> None:
    customers = [(number, customer) for number in numbers for customer in number.customers]
    if not customers:
        out.print("No number needs a check.")
        return
    by_reason = totals(numbers)
    shown = len(customers) if show_all else min(_room(by_reason), len(customers))
    columns = (name("phone text"), whole("number"), name("customer"), detail("id in Zoho"), number("owed"))
    table = Table([*columns, sentence("reason")])
    before = None
    for audited, customer in islice(customers, shown):
        facts = customer.facts
        called = audited.number or "—"
        table.add_row(
            facts.phone_text,
            Short(called, "″") if audited is before else called,
            facts.customer,
            facts.customer_id,
            _in_words(facts.owed),
            ", ".join(reason.name for reason in customer.reasons),
        )
        before = audited if audited.number else None
    table.print(out)
    if shown < len(customers):
        out.print(f"… and {len(customers) - shown:,} more: --all")
    _show_totals(by_reason)
    notes.print(
        "Next: correct the numbers in Zoho, many at once with --csv, or confirm one: "
        f'booksync phones confirm {connection_id} CUSTOMER --note "…"'
    )


def _room(by_reason: Sequence[ReasonTotal]) -> int:
    """Return how many customers are shown on one screen, with the totals below them."""
    height = out.size.height if out.is_screen else _LINES_OF_A_PIPE
    lines = height - len(by_reason) - _LINES_AROUND_THE_TABLE
    return max(_FEWEST_ROWS, lines // _LINES_OF_A_CUSTOMER if out.is_screen else lines)


def _show_totals(by_reason: Sequence[ReasonTotal]) -> None:
    table = Table([number("customers"), whole("reason"), number("owed"), sentence("meaning")])
    for total in by_reason:
        table.add_row(f"{total.customers:,}", total.reason, _in_words(total.owed), total.sentence)
    out.print()
    table.print(out)
    out.print(counted(sum(total.customers for total in by_reason), "customer in all", "customers in all"))


def _in_words(owed: Mapping[str, Decimal]) -> str:
    return ", ".join(f"{amount:,.2f} {code}".strip() for code, amount in sorted(owed.items()))
