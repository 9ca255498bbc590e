"""Promise of `reminder_checks`: it raises the first objection of `objections` in Python, for the same reminders."""

import datetime as dt
import random
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from psycopg.types.json import Jsonb
from sqlalchemy import Engine, text

from db import plan_cases, reminder_policies
from db.connections import Connection
from db.session import Session
from domain.reminders.permission import SkipReason, held_until, objections
from domain.reminders.policy import ReminderPolicy
from tests.drilled import drilled_except
from tests.integration.db.look import row
from tests.integration.db.reminding import DUE_DATE, NOW

#: The number of random cases. The drill has more.
CASES = (200, 2_000)

#: Reasons that SQL combines into one.
FOLDED = {
    SkipReason.UNKNOWN_STATUS: "invoice_closed",
    SkipReason.CUSTOMER_DELETED: "customer_inactive",
    SkipReason.CUSTOMER_INACTIVE: "customer_inactive",
    SkipReason.NO_PHONE: "phone_changed",
    SkipReason.INVALID_PHONE: "phone_changed",
}

A_DAY = dt.timedelta(days=1)
ABOUT_DUE = [None, *(DUE_DATE + days * A_DAY for days in (-3651, -3650, -2, -1, 0, 1, 2, 3650, 3651))]
AMOUNTS = [
    None,
    Decimal("NaN"),
    *map(Decimal, ("-1", "0", "0.01", "0.99", "1", "4.99", "5", "119.99", "120", "120.01")),
]
CURRENCIES = [None, "", "GBP", "EUR"]

#: The possible values of each column; the first value raises no objection, and most columns of a case have it.
INVOICE: Mapping[str, list[Any]] = {
    "status": ["sent", "overdue", "partially_paid", "unpaid", "viewed", "partially paid", "paid", "void", "draft"],
    "balance": [Decimal(120), *AMOUNTS],
    "currency_code": ["GBP", *CURRENCIES],
    "due_date": [DUE_DATE, *ABOUT_DUE],
    "expected_payment_date": [None, *ABOUT_DUE, dt.date(9999, 12, 31)],
    "ach_payment_initiated": [None, False, True],
    "unprocessed_payment": [None, *AMOUNTS],
    "sub_status": [None, "", "In Dispute", "cs_in_dispute", "at our LAWYER's", "other"],
    "payment_reminder_enabled": [None, True, False],
    "gone_at": [None, NOW],
}
VERDICTS: list[dict[str, Any]] = [
    {},
    {"kind": "mobile", "doubts": [], "confirmed": False},
    {"kind": "premium_rate"},
    {"kind": "voip"},
    {"kind": None, "doubts": None},
    {"doubts": ["run"]},
    {"doubts": ["run", "example"], "kind": "pager"},
    {"confirmed": True},
    {"confirmed": True, "kind": "pager", "doubts": ["foreign"]},
]
#: Other customers with the same number, by name.
OTHERS = [
    [],
    ["Analytical Engines", " analytical ENGINES"],  # the customer's own name
    ["Difference Engines"],
    ["Difference Engines", "A"],
    [f"Customer {number}" for number in range(9)],
    [f"Customer {number}" for number in range(8)] + ["customer 7", " Customer 1 "],
]
CUSTOMER: Mapping[str, list[Any]] = {
    "status": ["active", "inactive", "deleted"],
    "primary_phone": ["+447912345678", None],
    "phone_problem": [None, "too_short"],
    "phone_not_callable": [None, "fax", "filler"],
    "payment_reminder_enabled": [None, True, False],
    "unused_credits": [None, *AMOUNTS],
    "credits_currency": ["GBP", *CURRENCIES],
    "gone_at": [None, NOW],
}
POLICIES = [
    ReminderPolicy(),
    ReminderPolicy(respect_credits=False, held_sub_statuses=(), minimum_balances={}),
    ReminderPolicy(minimum_balances={"GBP": Decimal("5.00")}, max_age_days=2),
    ReminderPolicy(minimum_balances={"EUR": Decimal("1E+2"), "*": Decimal("1E-7")}, held_sub_statuses=(" Lawyer ",)),
    ReminderPolicy(kinds_not_called=(), shared_number_customers=0),
    ReminderPolicy(kinds_not_called=("voip", "mobile"), shared_number_customers=2),
    ReminderPolicy(minimum_balances={"GBP": Decimal("0.00000000000000001"), "*": Decimal(200)}),
]
OUTCOMES = [None, "reached", "no_answer", "disputed", "wrong_number", "promised"]


def a_value(rng: random.Random, values: list[Any]) -> Any:
    return values[0] if rng.random() < 0.8 else rng.choice(values)


def overwrite(db: Session, table: str, columns: Mapping[str, Any]) -> None:
    assigned = ", ".join(f"{column} = :{column}" for column in columns)
    db.execute(text(f"UPDATE {table} SET {assigned}"), columns)


def report(db: Session, outcome: str | None, phone_text: str, until: dt.date) -> None:
    if outcome is None:
        return
    db.execute(
        text("""
            WITH handover AS (
                INSERT INTO booksync.handovers (user_id, connection_id, phone, day, handed_over_at)
                SELECT user_id, connection_id, '+447912345678', due_date, now() FROM invoices_cache RETURNING id
            )
            INSERT INTO booksync.handover_outcomes (
                handover_id, reminder_id, invoice_id, customer_id, phone_text, outcome, until
            )
            SELECT handover.id, gen_random_uuid(), invoice.id, customer_id, :phone_text, :outcome, :until
              FROM handover, invoices_cache AS invoice
        """),
        {"outcome": outcome, "phone_text": phone_text, "until": until if outcome == "promised" else None},
    )


def list_number(db: Session, phone: str) -> None:
    db.execute(
        text("INSERT INTO booksync.do_not_call (user_id, phone) SELECT user_id, :phone FROM booksync.customers_cache"),
        {"phone": phone},
    )


def add_others(db: Session, names: list[str], *, status: str, phone_problem: str | None) -> None:
    """Other customers of the same user with the same number."""
    db.execute(
        text("""
            INSERT INTO booksync.customers_cache (
                user_id, zoho_customer_id, customer_name, status, primary_phone, phone_problem)
            SELECT user_id, 'other ' || place, other.name, :status, '+447912345678', :phone_problem
              FROM booksync.customers_cache, unnest(CAST(:names AS text[])) WITH ORDINALITY AS other (name, place)
        """),
        {"names": names, "status": status, "phone_problem": phone_problem},
    )


def by_python(db: Session, connection: Connection, policy: ReminderPolicy, day: dt.date) -> str | None:
    """The first objection, under SQL's name for it."""
    invoice_id = db.execute(text("SELECT id FROM invoices_cache")).scalar_one()
    (case,) = plan_cases.lock(db, [invoice_id])
    if not (case.invoice.is_open or case.invoice.has_unknown_status):
        return "invoice_closed"
    found = objections(case.invoice, case.customer, policy, today=day, holds=case.holds)
    if found:
        return FOLDED.get(found[0], str(found[0]))
    expected = held_until(case.invoice)  # The plan's own rule: a step waits for the day after it.
    return "payment_expected" if expected is not None and day <= expected else None


def by_sql(db: Session) -> str | None:
    objection: str | None = db.execute(text("SELECT objection FROM booksync.reminder_checks(now())")).scalar_one()
    return objection


@pytest.fixture
def one_reminder(engine: Engine, due: Connection) -> Connection:
    with engine.begin() as db:
        db.execute(text("DELETE FROM reminders WHERE step <> 0"))
    return due


@pytest.mark.slow
@pytest.mark.parametrize("cases", drilled_except(CASES[:1], CASES))
def test_python_and_sql_object_to_the_same_reminders(engine: Engine, one_reminder: Connection, cases: int) -> None:
    rng = random.Random(20260401)
    seen: set[str | None] = set()
    unlike = []
    raw = row(engine, "SELECT coalesce(phone_verdict ->> 'raw', primary_phone) AS text FROM booksync.customers_cache")[
        "text"
    ]
    for _ in range(cases):
        invoice = {column: a_value(rng, values) for column, values in INVOICE.items()}
        customer = {column: a_value(rng, values) for column, values in CUSTOMER.items()}
        policy, outcome = a_value(rng, POLICIES), a_value(rng, OUTCOMES)
        verdict, others = a_value(rng, VERDICTS), rng.choice(OTHERS)
        others_are = {
            "status": a_value(rng, ["active", "inactive", "deleted"]),
            "phone_problem": a_value(rng, [None, "too_short"]),
        }
        phone_text, listed = rng.choice([raw, "another text"]), a_value(rng, [None, "+447912345678", "+442070313000"])
        day = DUE_DATE + rng.choice([0, 0, 0, 1, 2, 3, 365, 366]) * A_DAY
        until = day + rng.choice([-1, 0, 1]) * A_DAY
        with engine.connect() as db:
            report(db, outcome, phone_text, until)
            if listed:
                list_number(db, listed)
            reminder_policies.save(db, one_reminder.connection_id, policy, now=NOW)
            overwrite(db, "invoices_cache", invoice)
            overwrite(db, "booksync.customers_cache", customer)
            overwrite(db, "booksync.customers_cache", {"phone_verdict": Jsonb(verdict | {"raw": raw})})
            add_others(db, others, **others_are)
            overwrite(db, "reminders", {"day": day})
            python, sql = by_python(db, one_reminder, policy, day), by_sql(db)
            db.rollback()
        if sql != python:
            unlike.append((python, sql, invoice, customer, policy, outcome, day, until, listed, verdict, others))
        seen.add(sql)
    assert unlike == []
    assert {"not_callable", "number_shared"} <= seen
    assert len(seen) >= 18, "the cases cover nearly every reason"
