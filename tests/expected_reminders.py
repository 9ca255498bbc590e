"""Compares the scheduled reminders with the plan that the rules make of the cached records."""

import datetime as dt
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from domain.contacts import ContactStatus
from domain.invoices import Invoice
from domain.phones import NotCallable, PhoneKind, PhoneProblem
from domain.reminders.callable_numbers import NumberFacts
from domain.reminders.permission import Holds, SkipReason
from domain.reminders.plan import NotOpen, Scheduled, Skipped, plan
from domain.reminders.policy import ReminderPolicy
from tests.cached_records import Cached, Row


def reminder_differences(cached: Cached) -> Iterator[str]:
    """Check that the scheduled reminders match the rules' plan, with at most one row for each step of an invoice."""
    steps = Counter((row["invoice_id"], row["step"]) for row in cached.reminders)
    numbers = {row["id"]: row["zoho_invoice_id"] for row in cached.invoices}
    for (invoice_id, step), count in steps.items():
        if count > 1:
            yield f"invoice {numbers[invoice_id]}: {count} reminders of step {step}"
    pending: dict[uuid.UUID, list[Row]] = defaultdict(list)
    for row in cached.reminders:
        if row["status"] == "scheduled":
            pending[row["invoice_id"]].append(row)
    now = dt.datetime.now(dt.UTC)
    for invoice in cached.invoices:
        found = pending[invoice["id"]]
        customer = cached.owners[invoice["customer_id"]]
        outcome, planned = _plan(cached, invoice, customer, found, now)
        if SkipReason.NUMBER_SHARED in (outcome, invoice["plan_outcome"]) and outcome != invoice["plan_outcome"]:
            # Other customers have got or given up the number since the plan. It is made again daily, and each handover
            # counts the customers again.
            names = 1 if outcome == SkipReason.NUMBER_SHARED else ReminderPolicy().shared_number_customers
            outcome, planned = _plan(cached, invoice, customer, found, now, names=names)
        if {row["step"]: row["scheduled_at"] for row in found} != planned:
            yield f"invoice {invoice['zoho_invoice_id']}: its reminders differ from the plan"
        if outcome is not None and invoice["plan_outcome"] != outcome:
            yield f"invoice {invoice['zoho_invoice_id']}: plan_outcome"
        if any((row["customer_id"], row["phone"]) != (customer["id"], customer["primary_phone"]) for row in found):
            yield f"invoice {invoice['zoho_invoice_id']}: reminders go to another customer"


def _plan(
    cached: Cached, invoice: Row, customer: Row, pending: Sequence[Row], now: dt.datetime, *, names: int | None = None
) -> tuple[str | None, dict[int, dt.datetime]]:
    """The expected (plan_outcome, moments by step), by the names that share the number now, or by `names`."""
    if names is None:
        names = len(cached.names.get(customer["primary_phone"], ()))
    match plan(
        _as_invoice(invoice),
        _Reachable.of(customer, names=names),
        ReminderPolicy(),
        home_time_zone=cached.home.time_zone,
        now=now,
        holds=Holds(is_gone=invoice["gone_at"] is not None or customer["gone_at"] is not None),
        opening=cached.opening,
        pending={row["step"]: row["scheduled_at"] for row in pending},
    ):
        case Scheduled(reminders):
            return "scheduled", {reminder.step: reminder.scheduled_at for reminder in reminders}
        case Skipped(reason):
            return str(reason), {}
        case NotOpen():
            return None, {}


def _as_invoice(row: Row) -> Invoice:
    return Invoice(
        invoice_id=row["zoho_invoice_id"],
        customer_id=row["zoho_customer_id"],
        number=row["invoice_number"],
        status=row["status"],
        date=row["date"],
        due_date=row["due_date"],
        total=row["total"],
        balance=row["balance"],
        currency_code=row["currency_code"],
        modified_at=row["zoho_last_modified_at"],
        expected_payment_date=row["expected_payment_date"],
        ach_payment_initiated=row["ach_payment_initiated"],
        unprocessed_payment=row["unprocessed_payment"],
        sub_status=row["sub_status"],
        reminders_enabled=row["payment_reminder_enabled"],
    )


#: Kinds of numbers whose digits determine the country.
_WITH_A_PLACE = ("fixed_line", "mobile", "fixed_line_or_mobile")


@dataclass(frozen=True)
class _Reachable:
    """The facts of a cached customer that planning uses."""

    status: ContactStatus
    primary_phone: str | None
    phone_problem: PhoneProblem | None
    number: NumberFacts
    reminders_enabled: bool | None
    unused_credits: Decimal | None
    credits_currency: str
    time_zone: str | None
    time_zones: tuple[str, ...] | None
    holiday_country: str | None
    number_country: str | None

    @classmethod
    def of(cls, row: Row, *, names: int) -> "_Reachable":
        problem, zones, verdict = row["phone_problem"], row["time_zones"], row["phone_verdict"]
        kind, not_callable = verdict.get("kind"), row["phone_not_callable"]
        return cls(
            status=ContactStatus(row["status"]),
            primary_phone=row["primary_phone"],
            phone_problem=PhoneProblem(problem) if problem else None,
            number=NumberFacts(
                kind=PhoneKind(kind) if kind else None,
                not_callable=NotCallable(not_callable) if not_callable else None,
                is_doubtful=bool(verdict.get("doubts")),
                is_confirmed=bool(verdict.get("confirmed")),
                names=names,
            ),
            reminders_enabled=row["payment_reminder_enabled"],
            unused_credits=row["unused_credits"],
            credits_currency=row["credits_currency"] or "",
            time_zone=row["time_zone"],
            time_zones=None if zones is None else tuple(zones),
            holiday_country=row["country_code"] or verdict.get("region"),
            number_country=verdict.get("region")
            if kind in _WITH_A_PLACE
            else row["country_code"] or verdict.get("region"),
        )
