"""Confirming phone numbers: store a person's confirmation, make the verdict again, and plan the invoices again.

Everything happens in the caller's transaction. The error messages hold names and phone texts; they are for a terminal,
not for a log.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from db import customer_stories, phone_confirmations
from db.connections import Connection
from db.customer_stories import CustomerStory
from db.phone_confirmations import Confirmation, PhoneStanding
from db.session import Session
from domain.confirmations import ConfirmationError, Wish, confirmed_number, is_no
from domain.contacts import ContactStatus
from domain.customers import country_of_numbers
from domain.errors import BooksyncError
from domain.phones import PhoneFallback, candidates
from domain.phones.choosing import JudgedPhone, choose, verdict_of
from workers.services import judge_phones, plan_reminders, spreadsheets

#: Columns that a file of confirmations must have.
COLUMNS = ("customer_id", "phone_text", "confirmed", "note")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a requested confirmation (a wish) is refused."""

    wish: Wish
    customer: str = field(repr=False)  #: the customer's name, "" if unknown
    sentence: str = field(repr=False)

    def __str__(self) -> str:
        line = f"line {self.wish.line}: " if self.wish.line is not None else ""
        name = f"{self.customer} ({self.wish.customer_id})" if self.customer else self.wish.customer_id
        return f"{line}customer {name or 'without an id'}: {self.sentence}"


class RefusedConfirmationsError(BooksyncError):
    """At least one number cannot be confirmed, so no number is."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))

    @property
    def impersonal(self) -> str:
        return "The number cannot be confirmed."


class NoConfirmationError(BooksyncError):
    """The customer has no confirmation any more. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a confirmation, or its withdrawal, has changed for a customer."""

    customer_id: str  #: the customer's id in Zoho
    customer: str = field(repr=False)
    phone_text: str = field(repr=False)
    before: PhoneStanding
    after: PhoneStanding


def wishes_in(path: Path) -> Sequence[Wish]:
    """Return the confirmations that an edited audit file requests: the rows with yes or a number in `confirmed`.

    Raises:
        SpreadsheetError: the file cannot be read, or lacks a column.
    """
    return [
        Wish(
            customer_id=line.cells["customer_id"],
            note=line.cells["note"],
            answer=line.cells["confirmed"],
            phone_text=line.cells["phone_text"],
            read_as=line.cells.get("number"),
            line=line.number,
        )
        for line in spreadsheets.read(path, needed=COLUMNS)
        if not is_no(line.cells["confirmed"])
    ]


def confirm(
    db: Session, connection: Connection, wishes: Sequence[Wish], *, fallback: PhoneFallback, now: datetime
) -> Sequence[Change]:
    """Store the confirmation of every wish, or change nothing.

    Raises:
        RefusedConfirmationsError: some wishes cannot be confirmed; the error names each one.
    """
    customers = customer_stories.lock(db, connection, sorted({wish.customer_id for wish in wishes}))
    confirmations: dict[str, Confirmation] = {}
    problems = []
    for wish in wishes:
        customer = customers.get(wish.customer_id)
        try:
            confirmation = _confirmation(wish, customer, connection, fallback, now)
            if confirmations.setdefault(wish.customer_id, confirmation).phone != confirmation.phone:
                raise ConfirmationError("The file confirms two different numbers for this customer.")
        except ConfirmationError as error:
            problems.append(Problem(wish, customer.name if customer else "", str(error)))
    if problems:
        raise RefusedConfirmationsError(problems)
    found = [customers[customer_id] for customer_id in confirmations]
    texts = {each.customer_id: each.phone_text for each in confirmations.values()}
    before = phone_confirmations.standing(db, [customer.id for customer in found])
    phone_confirmations.confirm(db, list(confirmations.values()))
    after = _judged_again(db, connection, found, fallback, now)
    return [Change(each.zoho_customer_id, each.name, texts[each.id], before[each.id], after[each.id]) for each in found]


def withdraw(
    db: Session, connection: Connection, customer_id: str, *, fallback: PhoneFallback, now: datetime
) -> Change | None:
    """Withdraw every confirmation of the customer's phone texts; return None if the customer has no confirmation.

    Raises:
        RefusedConfirmationsError: the connection has no such customer.
    """
    wish = Wish(customer_id, note="")
    customer = customer_stories.lock(db, connection, [customer_id]).get(customer_id)
    if customer is None:
        raise RefusedConfirmationsError([Problem(wish, "", _UNKNOWN)])
    before = phone_confirmations.standing(db, [customer.id])
    if not phone_confirmations.withdraw(db, customer.id):
        return None
    after = _judged_again(db, connection, [customer], fallback, now)
    phone = _chosen(customer, connection, fallback)
    text = phone.candidate.raw if phone else ""
    return Change(customer_id, customer.name, text, before[customer.id], after[customer.id])


_UNKNOWN = (
    "This connection has no such customer in the cache. Give the contact's id in Zoho; a spreadsheet may have "
    "rounded it."
)


def _confirmation(
    wish: Wish, customer: CustomerStory | None, connection: Connection, fallback: PhoneFallback, now: datetime
) -> Confirmation:
    if customer is None:
        raise ConfirmationError(_UNKNOWN)
    if customer.status is ContactStatus.DELETED:
        raise ConfirmationError("The customer was deleted in Zoho.")
    phone = _chosen(customer, connection, fallback)
    if phone is None:
        raise ConfirmationError("No sync has read a phone number of its persons. Add it in Zoho, or sync first.")
    text = phone.candidate.raw
    number = confirmed_number(wish, text, verdict_of(text, phone.country))
    return Confirmation(customer.id, text, number, wish.note.strip(), now)


def _chosen(customer: CustomerStory, connection: Connection, fallback: PhoneFallback) -> JudgedPhone | None:
    country = country_of_numbers(customer.country_code, customer.country_unknown, connection.country_code)
    return choose(candidates(customer.persons), country, fallback, customer.confirmed)


def _judged_again(
    db: Session,
    connection: Connection,
    customers: Sequence[CustomerStory],
    fallback: PhoneFallback,
    now: datetime,
) -> Mapping[uuid.UUID, PhoneStanding]:
    ids = [customer.id for customer in customers]
    judge_phones.judge_customers(db, connection, ids, fallback=fallback, now=now)
    # The invoices are planned again even if the number is unchanged, because its permission to be called may have
    # changed.
    plan_reminders.replan_customers(db, connection, ids, now=now)
    plan_reminders.plan_customers(db, connection, [customer.zoho_customer_id for customer in customers], now=now)
    return phone_confirmations.standing(db, ids)
