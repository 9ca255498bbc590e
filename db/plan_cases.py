"""Reads all facts that an invoice's plan depends on.

The rows are locked in the order that every writer keeps: customers, invoices, reminders.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from db.invoice_rows import invoice_of_row
from db.pipelines import pipelined, returned
from db.session import Session
from domain.contacts import ContactStatus
from domain.invoices import Invoice
from domain.phones import NotCallable, PhoneKind, PhoneProblem
from domain.phones.verdicts import number_country
from domain.reminders.callable_numbers import NumberFacts
from domain.reminders.opening import Opening
from domain.reminders.permission import Holds
from domain.reminders.plan import Plan, plan
from domain.reminders.plan_changes import ReminderStatus
from domain.reminders.policy import ReminderPolicy

_KINDS = frozenset(PhoneKind)


@dataclass(frozen=True, slots=True)
class CaseCustomer:
    """The facts of a cached customer that planning uses."""

    id: uuid.UUID
    status: ContactStatus
    primary_phone: str | None = field(repr=False)
    phone_problem: PhoneProblem | None
    number: NumberFacts
    reminders_enabled: bool | None
    unused_credits: Decimal | None
    credits_currency: str
    time_zone: str | None
    time_zones: tuple[str, ...] | None
    holiday_country: str | None
    number_country: str | None
    holds: Holds  #: the holds that apply to all invoices of the customer


@dataclass(frozen=True, slots=True)
class Case:
    """An invoice with all facts that its plan depends on."""

    id: uuid.UUID
    invoice: Invoice
    customer: CaseCustomer
    holds: Holds
    pending: dict[int, datetime]
    taken: dict[int, datetime]  #: steps that the legacy application has planned, and whose reminders it sends itself
    sent_steps: frozenset[int]

    def plan(self, policy: ReminderPolicy, opening: Opening, *, home_time_zone: str, now: datetime) -> Plan:
        """The plan of this invoice's reminders at `now`."""
        return plan(
            self.invoice,
            self.customer,
            policy,
            home_time_zone=home_time_zone,
            now=now,
            holds=self.holds,
            opening=opening,
            sent_steps=self.sent_steps,
            pending=self.pending,
            taken=self.taken,
        )


_FACTS = """
    SELECT id, user_id, status, primary_phone, phone_problem, phone_not_callable, payment_reminder_enabled,
           unused_credits, credits_currency, phone_verdict ->> 'kind' AS phone_kind,
           phone_verdict @> '{"confirmed": true}' AS phone_is_confirmed,
           phone_verdict -> 'doubts' ->> 0 IS NOT NULL AS phone_is_doubtful,
           time_zone, time_zones, coalesce(country_code, phone_verdict ->> 'region') AS holiday_country, country_code,
           phone_verdict ->> 'region' AS phone_region, gone_at,
           EXISTS (SELECT FROM booksync.do_not_call AS listed
                    WHERE listed.user_id = customer.user_id AND listed.phone = primary_phone) AS do_not_call,
           EXISTS (SELECT FROM booksync.handover_outcomes AS known
                    WHERE known.customer_id = customer.id AND known.outcome = 'wrong_number'
                      AND known.phone_text = coalesce(phone_verdict ->> 'raw', primary_phone)) AS wrong_number,
           (SELECT max(known.until) FROM booksync.handover_outcomes AS known
             WHERE known.customer_id = customer.id AND known.outcome = 'promised') AS promised_until
      FROM booksync.customers_cache AS customer
"""
# Locked by statements of their own: a statement that waits for a lock sees other tables, such as do_not_call, as they
# were before the wait.
_LOCK_CUSTOMERS = """
    SELECT id FROM booksync.customers_cache
     WHERE id IN (SELECT customer_id FROM invoices_cache WHERE id = ANY(%(ids)s::uuid[]))
     ORDER BY zoho_customer_id FOR NO KEY UPDATE
"""
_LOCK_INVOICES = """
    SELECT id FROM invoices_cache WHERE id = ANY(%(ids)s::uuid[]) ORDER BY zoho_invoice_id FOR NO KEY UPDATE
"""
_CUSTOMERS = f"""
    {_FACTS}
     WHERE id IN (SELECT customer_id FROM invoices_cache WHERE id = ANY(%(ids)s::uuid[]))
"""  # noqa: S608
_CUSTOMER = f"{_FACTS} WHERE id = %(id)s::uuid"
# The number of different names for each of these customers' phone numbers that several live customers of a user share.
# Names are compared as in the SQL function `booksync_is_shared`. The index on numbers finds the customers of a number.
# With a join, Postgres would compare each customer with all others while it has no statistics, as in a first sync.
_SHARED = """
    SELECT user_id, primary_phone, names
      FROM (SELECT DISTINCT user_id, primary_phone FROM booksync.customers_cache
             WHERE primary_phone IS NOT NULL AND {chosen}) AS chosen,
           LATERAL (SELECT count(*) AS customers, count(DISTINCT lower(btrim(customer_name))) AS names
                      FROM booksync.customers_cache AS customer
                     WHERE customer.user_id = chosen.user_id AND customer.primary_phone = chosen.primary_phone
                       AND phone_problem IS NULL AND status <> 'deleted') AS sharing
     WHERE customers > 1
"""
_NAMES = _SHARED.format(chosen="id IN (SELECT customer_id FROM invoices_cache WHERE id = ANY(%(ids)s::uuid[]))")
_NAMES_OF_ONE = _SHARED.format(chosen="id = %(id)s::uuid")
_INVOICES = """
    SELECT *, EXISTS (SELECT FROM booksync.handover_outcomes AS known
                       WHERE known.invoice_id = invoices_cache.id AND known.outcome = 'disputed') AS is_disputed
      FROM invoices_cache WHERE id = ANY(%(ids)s::uuid[]) ORDER BY zoho_invoice_id
"""
# A reminder status that booksync does not know is the legacy application's word for a sent reminder, which is never
# repeated.
_REMINDERS = """
    SELECT invoice_id, step, scheduled_at, status, closes_at FROM reminders
     WHERE invoice_id = ANY(%(ids)s::uuid[]) AND (status IN ('cancelled', 'superseded')) IS NOT TRUE
     ORDER BY id
"""


def lock(db: Session, invoice_ids: Sequence[uuid.UUID]) -> Iterator[Case]:
    """The invoices with these ids, with all facts of their plans; all are locked until the transaction ends."""
    return _cases(db, invoice_ids, is_locked=True)


def read(db: Session, invoice_ids: Sequence[uuid.UUID]) -> Iterator[Case]:
    """The invoices with these ids, with all facts of their plans; nothing is locked."""
    return _cases(db, invoice_ids, is_locked=False)


def customer(db: Session, customer_id: uuid.UUID) -> CaseCustomer | None:
    """The facts of a cached customer that planning uses; nothing is locked. None if the customer is not cached."""
    values = {"id": customer_id}
    with pipelined(db):
        found = returned(db, _CUSTOMER, values)
        names = returned(db, _NAMES_OF_ONE, values)
        row, shared = found.fetchone(), names.fetchone()
    return None if row is None else _customer(row, 1 if shared is None else shared.names)


def _cases(db: Session, invoice_ids: Sequence[uuid.UUID], *, is_locked: bool) -> Iterator[Case]:
    ids = {"ids": list(invoice_ids)}
    with pipelined(db):  # Postgres reads the invoices while the customers are converted.
        if is_locked:
            returned(db, _LOCK_CUSTOMERS, ids)
            returned(db, _LOCK_INVOICES, ids)
        found = returned(db, _CUSTOMERS, ids)
        names = returned(db, _NAMES, ids)
        invoices = returned(db, _INVOICES, ids)
        planned = returned(db, _REMINDERS + ("FOR NO KEY UPDATE" if is_locked else ""), ids)
        rows = found.fetchall()
        shared = {(row.user_id, row.primary_phone): row.names for row in names}
        customers = {row.id: _customer(row, shared.get((row.user_id, row.primary_phone), 1)) for row in rows}
    pending: dict[uuid.UUID, dict[int, datetime]] = defaultdict(dict)
    taken: dict[uuid.UUID, dict[int, datetime]] = defaultdict(dict)
    sent: dict[uuid.UUID, set[int]] = defaultdict(set)
    for row in planned:
        if row.status != ReminderStatus.SCHEDULED:
            sent[row.invoice_id].add(row.step)
        elif row.closes_at is None:
            taken[row.invoice_id][row.step] = row.scheduled_at
        else:
            pending[row.invoice_id][row.step] = row.scheduled_at
    for row in invoices:
        # The invoice may have moved to another customer after its former customer was locked. Such an invoice is left
        # out, because the transaction that moved it plans it again.
        if row.customer_id in customers:
            yield Case(
                id=row.id,
                invoice=invoice_of_row(row),
                customer=(customer := customers[row.customer_id]),
                holds=replace(
                    customer.holds,
                    is_gone=customer.holds.is_gone or row.gone_at is not None,
                    is_disputed=row.is_disputed,
                ),
                pending=pending[row.id],
                taken=taken[row.id],
                sent_steps=frozenset(sent[row.id]),
            )


def _customer(row: Any, names: int) -> CaseCustomer:
    # A newer release may have written a phone kind that this release does not know.
    kind = PhoneKind(row.phone_kind) if row.phone_kind in _KINDS else None
    return CaseCustomer(
        id=row.id,
        status=ContactStatus(row.status),
        primary_phone=row.primary_phone,
        phone_problem=PhoneProblem(row.phone_problem) if row.phone_problem else None,
        number=NumberFacts(
            kind=kind,
            not_callable=NotCallable(row.phone_not_callable) if row.phone_not_callable else None,
            is_doubtful=row.phone_is_doubtful,
            is_confirmed=row.phone_is_confirmed,
            names=names,
        ),
        reminders_enabled=row.payment_reminder_enabled,
        unused_credits=row.unused_credits,
        credits_currency=row.credits_currency or "",
        time_zone=row.time_zone,
        time_zones=None if row.time_zones is None else tuple(row.time_zones),
        holiday_country=row.holiday_country,
        number_country=number_country(kind, row.phone_region, row.country_code),
        holds=Holds(
            is_gone=row.gone_at is not None,
            wrong_number=row.wrong_number,
            do_not_call=row.do_not_call,
            promised_until=row.promised_until,
        ),
    )
