"""Statements over the phone numbers that a person should check, page by page.

`db.phone_audit` reads all numbers, sorted by debt, which takes too long for a page. These statements follow the indexes
of `db.migrations.call_lists`, and the one of the valid numbers.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, text

from db.session import Session
from domain.invoices import CLOSED_STATUSES
from domain.phone_audit import AuditRules, PhoneFacts, Reason, reasons_of
from domain.reminders.policy import ReminderPolicy


class Doubtful(StrEnum):
    """The lists: numbers with an objection, those that many customers share, and those read with the organisation's
    own country."""

    OBJECTION = "objection"
    SHARED = "shared"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class DoubtfulNumber:
    """A customer's number with the reasons why a person should check it."""

    id: uuid.UUID  #: the customer's
    connection_id: uuid.UUID
    facts: PhoneFacts = field(repr=False)
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class _List:
    """The SQL of a list: its rows `customer`, and the columns of `customer` that order it."""

    condition: str
    order: tuple[str, ...] = ("connection_id", "zoho_customer_id")
    source: str = "booksync.customers_cache AS customer"
    sort: str = "customer.connection_id, customer.zoho_customer_id"  #: the same order


_UNCONFIRMED = """
    customer.status <> 'deleted' AND customer.primary_phone IS NOT NULL
    AND NOT customer.phone_verdict @> '{"confirmed": true}'
"""

#: The names from which on a policy does not call a number, NULL for the default; it may always call it.
_LIMIT = "(policy.rules ->> 'shared_number_customers')::int"
_ALWAYS_CALLED = 0

# The numbers that enough customers have are read in their order from the index of the valid numbers, until the page is
# full; of these, the names are counted as in the rule for shared numbers. OFFSET 0 makes Postgres look up the customers
# of each number, instead of sorting all customers.
_SHARED = f"""
    (SELECT frequent.*, counted.names
       FROM (SELECT customer.user_id, customer.primary_phone
               FROM booksync.customers_cache AS customer
              WHERE customer.phone_problem IS NULL AND customer.primary_phone IS NOT NULL
              GROUP BY 1, 2
             HAVING count(*) >= (SELECT least(:shared_by, min({_LIMIT}) FILTER (WHERE {_LIMIT} > {_ALWAYS_CALLED}))
                                   FROM booksync.reminder_policies AS policy)
              ORDER BY 1, 2) AS frequent
      CROSS JOIN LATERAL (
            SELECT count(DISTINCT lower(btrim(customer.customer_name))) AS names
              FROM booksync.customers_cache AS customer
             WHERE customer.user_id = frequent.user_id AND customer.primary_phone = frequent.primary_phone
               AND customer.phone_problem IS NULL AND customer.status <> 'deleted') AS counted) AS shared
    CROSS JOIN LATERAL (
         SELECT * FROM booksync.customers_cache AS known
          WHERE known.user_id = shared.user_id AND known.primary_phone = shared.primary_phone
            AND known.phone_problem IS NULL OFFSET 0) AS customer
"""  # noqa: S608  (constants)

#: The conditions of the indexes. The kinds are those that the default policy does not call.
_LISTS = {
    Doubtful.OBJECTION: _List(f"""
        {_UNCONFIRMED}
        AND (customer.phone_problem IS NOT NULL
             OR customer.phone_verdict ->> 'not_callable' IS NOT NULL
             OR customer.phone_verdict ->> 'kind' IN ('premium_rate', 'shared_cost', 'pager', 'voicemail')
             OR customer.phone_verdict -> 'doubts' ->> 0 IS NOT NULL)
    """),
    # The number is compared with the limit of the customer's own connection, because connections of a user may differ.
    Doubtful.SHARED: _List(
        f"""
        {_UNCONFIRMED} AND customer.phone_problem IS NULL
        AND coalesce((SELECT CASE WHEN {_LIMIT} = {_ALWAYS_CALLED} THEN false ELSE shared.names >= {_LIMIT} END
                        FROM booksync.reminder_policies AS policy WHERE policy.connection_id = customer.connection_id),
                     shared.names >= :shared_by)
        """,  # noqa: S608  (constants)
        order=("user_id", "primary_phone", "connection_id", "zoho_customer_id"),
        source=_SHARED,
        sort="shared.user_id, shared.primary_phone, customer.connection_id, customer.zoho_customer_id",
    ),
    Doubtful.ASSUMED: _List(f"""
        {_UNCONFIRMED}
        AND customer.phone_problem IS NULL AND customer.phone_verdict ->> 'assumed_country' IS NOT NULL
    """),
}

_ONE_CONNECTION = "AND customer.connection_id = :connection_id"


def listed(
    db: Session,
    which: Doubtful,
    *,
    connection_id: uuid.UUID | None = None,
    after: uuid.UUID | None = None,
    limit: int,
) -> Sequence[DoubtfulNumber]:
    """At most `limit` numbers of one connection or of all, those after the one of the customer `after`.

    Numbers that a person has confirmed, and those on the do-not-call list, are missing. Customers who share a number
    are next to each other in the list of the shared ones.
    """
    chosen = _LISTS[which]
    values = {"connection_id": connection_id, "after": after}
    where = "\n".join(
        [
            chosen.condition,
            *([_ONE_CONNECTION] if connection_id else []),
            *([_after(chosen.order)] if after else []),
        ]
    )
    rows = db.execute(
        text(_statement(chosen, where)),
        {"limit": limit, "closed_statuses": sorted(CLOSED_STATUSES)}
        | ({"shared_by": ReminderPolicy().shared_number_customers} if which is Doubtful.SHARED else {})
        | {name: value for name, value in values.items() if value is not None},
    )
    return [_number(row) for row in rows]


def _after(order: Sequence[str]) -> str:
    # Postgres does not look up a row of one subquery in an index, only a row of several subqueries.
    known = "FROM booksync.customers_cache AS known WHERE known.id = :after"
    keys = (f"(SELECT known.{column} {known})" for column in order)
    return f"AND ({_columns('customer', order)}) > ({', '.join(keys)})"


def _columns(of: str, order: Sequence[str]) -> str:
    return ", ".join(f"{of}.{column}" for column in order)


def _statement(chosen: _List, where: str) -> str:
    # Amounts are passed as text, because JSON numbers become floats. Names count as in the rule for shared numbers.
    return f"""
        WITH page AS MATERIALIZED (
            SELECT customer.id, customer.user_id, customer.connection_id, customer.zoho_customer_id,
                   customer.customer_name, customer.primary_phone, customer.phone_problem, customer.phone_verdict
              FROM {chosen.source}
             WHERE {where} AND customer.connection_id IS NOT NULL
               AND NOT EXISTS (SELECT FROM booksync.do_not_call AS listed
                                WHERE listed.user_id = customer.user_id AND listed.phone = customer.primary_phone)
             ORDER BY {chosen.sort}
             LIMIT :limit
        ), sharing AS (
            SELECT customer.user_id, customer.primary_phone,
                   count(DISTINCT lower(btrim(customer.customer_name))) AS names
              FROM booksync.customers_cache AS customer
             WHERE customer.phone_problem IS NULL AND customer.status <> 'deleted'
               AND (customer.user_id, customer.primary_phone) IN (
                   SELECT page.user_id, page.primary_phone FROM page WHERE page.phone_problem IS NULL)
             GROUP BY 1, 2
        )
        SELECT page.*, coalesce(sharing.names, 1) AS names, coalesce(policy.rules, '{{}}') AS rules,
               (SELECT jsonb_object_agg(balance.currency, balance.amount::text)
                  FROM (SELECT coalesce(invoice.currency_code, '') AS currency, sum(invoice.balance) AS amount
                          FROM invoices_cache AS invoice
                         WHERE invoice.connection_id = page.connection_id AND invoice.customer_id = page.id
                           AND invoice.status <> ALL(:closed_statuses)
                           AND coalesce(nullif(invoice.balance, 'NaN'), 0) > 0
                         GROUP BY 1) AS balance) AS amounts
          FROM page
          LEFT JOIN sharing ON sharing.user_id = page.user_id AND sharing.primary_phone = page.primary_phone
                           AND page.phone_problem IS NULL
          LEFT JOIN booksync.reminder_policies AS policy ON policy.connection_id = page.connection_id
         ORDER BY {_columns("page", chosen.order)}
    """  # noqa: S608  (the conditions are constants)


def _number(row: Row[Any]) -> DoubtfulNumber:
    verdict = row.phone_verdict
    facts = PhoneFacts(
        customer_id=row.zoho_customer_id,
        customer=row.customer_name,
        phone_text=verdict.get("raw") or row.primary_phone,
        number=None if row.phone_problem else row.primary_phone,
        problem=row.phone_problem,
        not_callable=verdict.get("not_callable"),
        kind=verdict.get("kind"),
        doubts=tuple(verdict.get("doubts") or ()),
        assumed_country=verdict.get("assumed_country"),
        names=row.names,
        owed={currency: Decimal(amount) for currency, amount in (row.amounts or {}).items()},
    )
    policy = ReminderPolicy.from_json(row.rules)
    rules = AuditRules(policy.kinds_not_called, shared_by=policy.shared_number_customers)
    return DoubtfulNumber(row.id, row.connection_id, facts, reasons_of(facts, rules))
