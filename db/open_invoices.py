"""Statements that read a connection's open invoices, for previews of the calls."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import text

from db import plan_cases
from db.plan_cases import Case
from db.session import Session
from domain.invoices import CLOSED_STATUSES

#: Invoices per SELECT.
BATCH = 500


def cases(db: Session, ids: Sequence[uuid.UUID]) -> Iterator[Case]:
    """The invoices with these ids, with all facts of their plans. The function locks nothing."""
    for start in range(0, len(ids), BATCH):
        yield from plan_cases.read(db, ids[start : start + BATCH])


def ids(db: Session, connection_id: uuid.UUID) -> Sequence[uuid.UUID]:
    """The unpaid invoices of the connection with an open or unknown status."""
    return (
        db.execute(
            text("""
                SELECT id FROM invoices_cache
                 WHERE connection_id = :connection_id AND status <> ALL(:closed_statuses)
                   AND coalesce(nullif(balance, 'NaN'), 0) > 0
                 ORDER BY id
            """),
            {"connection_id": connection_id, "closed_statuses": sorted(CLOSED_STATUSES)},
        )
        .scalars()
        .all()
    )


@dataclass(frozen=True, slots=True)
class WaitingDebt:
    """The sum of open invoices of one currency whose customer is not cached."""

    currency_code: str
    invoices: int
    balance: Decimal


def waiting(db: Session, connection_id: uuid.UUID) -> list[WaitingDebt]:
    """The open invoices that wait for their customer, summed by currency."""
    rows = db.execute(
        text("""
            SELECT coalesce(invoice ->> 'currency_code', '') AS currency_code, count(*) AS invoices,
                   coalesce(sum((invoice ->> 'balance')::numeric), 0) AS balance
              FROM booksync.waiting_invoices WHERE connection_id = :connection_id AND is_open
             GROUP BY 1 ORDER BY 1
        """),
        {"connection_id": connection_id},
    )
    return [WaitingDebt(row.currency_code, row.invoices, row.balance) for row in rows]


@dataclass(frozen=True, slots=True)
class Called:
    """The customer of a previewed call, as text for a terminal. It is personal data, so it must not be logged."""

    name: str = field(repr=False)
    number_as_given: str = field(repr=False)
    country_code: str | None  #: the country of the address; None if no details contain one
    details_are_known: bool


def called(db: Session, customer_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Called]:
    """The customers with these ids, for a preview of calls."""
    rows = db.execute(
        text("""
            SELECT id, customer_name, coalesce(phone_verdict ->> 'raw', primary_phone, '') AS raw, country_code,
                   asked_version IS NOT DISTINCT FROM coalesce(zoho_last_modified_at, 'epoch') AS details_are_known
              FROM booksync.customers_cache WHERE id = ANY(:ids)
        """),
        {"ids": list(customer_ids)},
    )
    return {row.id: Called(row.customer_name, row.raw, row.country_code, row.details_are_known) for row in rows}
