"""Statements over the calls that are planned: how many each day has, and the calls of one day.

A call is a phone number of a user on a day, with all reminders that are planned for it. The statements follow the index
`ix_reminders_day` and stop after a few rows, so they are fast with a million reminders too.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, text

from db.session import Session
from domain.users import UserId

#: Calls of a day are counted up to this number.
MOST_COUNTED = 500

#: The customers whose names are read for one call.
_NAMES = 3


@dataclass(frozen=True, slots=True)
class PlanScope:
    """The reminders that are looked at: all, those of one user, or those of one connection of the user."""

    user_id: UserId | None = None
    connection_id: uuid.UUID | None = None  #: None also for the only connection of the user


@dataclass(frozen=True, slots=True)
class CallDay:
    """A day with its number of planned calls; MOST_COUNTED + 1 if there are more than MOST_COUNTED."""

    day: dt.date
    calls: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days from today on, and the number of their connections that are closed for handovers."""

    days: Sequence[CallDay]
    closed: int


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A call of one day, with all reminders that it is about."""

    id: uuid.UUID  #: one of its reminders, by which the list goes on
    connection_ids: tuple[uuid.UUID, ...]  #: usually one
    phone: str = field(repr=False)
    scheduled_at: dt.datetime
    time_zone: str  #: the customer's first time zone, else the organisation's
    home_time_zone: str
    names: tuple[str, ...] = field(repr=False)  #: of some of its customers
    customers: int
    customer_id: uuid.UUID  #: the first customer
    invoices: int
    owed: Mapping[str, Decimal]  #: currency → amount


_PENDING = "reminder.status = 'scheduled' AND reminder.closes_at IS NOT NULL"


def _of(scope: PlanScope) -> str:
    """The SQL condition of a scope, for `reminder`."""
    of_user = "AND reminder.user_id = :user_id" if scope.user_id is not None else ""
    if scope.connection_id is None:
        return of_user
    return f"""{of_user}
        AND EXISTS (SELECT FROM invoices_cache AS invoice
                     WHERE invoice.id = reminder.invoice_id AND invoice.connection_id = :connection_id)
    """


def _values(scope: PlanScope) -> dict[str, Any]:
    values = {"user_id": scope.user_id, "connection_id": scope.connection_id}
    return {name: value for name, value in values.items() if value is not None}


def calendar(db: Session, scope: PlanScope, connection_id: uuid.UUID | None, *, number: int) -> Calendar:
    """Today and the days after it, `number` days in all, each with its number of planned calls.

    Today is the date in the connection's time zone; without a connection, in the one that most connections have.
    """
    of_one = "home.id = :connection_id" if connection_id else "true"
    rows = db.execute(
        text(f"""
            WITH start AS MATERIALIZED (
                SELECT coalesce(
                           (SELECT booksync.local_time(now(), home.time_zone)
                              FROM booksync.zoho_connections AS home WHERE {of_one}
                             GROUP BY home.time_zone ORDER BY count(*) DESC, home.time_zone LIMIT 1),
                           now() AT TIME ZONE 'UTC')::date AS today,
                       (SELECT count(*) FROM booksync.zoho_connections AS home
                         WHERE {of_one} AND home.handover <> 'open') AS closed
            )
            SELECT day.day, counted.calls, start.closed
              FROM start
              CROSS JOIN LATERAL (
                  SELECT start.today + place AS day FROM generate_series(0, :number - 1) AS place) AS day
              CROSS JOIN LATERAL (
                  SELECT count(*) AS calls
                    FROM (SELECT DISTINCT reminder.user_id, reminder.phone FROM reminders AS reminder
                           WHERE reminder.day = day.day AND {_PENDING} {_of(scope)}
                           LIMIT :most) AS number) AS counted
             ORDER BY 1
        """),  # noqa: S608  (constants)
        _values(scope)
        | {"number": number, "most": MOST_COUNTED + 1}
        | ({"connection_id": connection_id} if connection_id else {}),
    ).all()
    return Calendar([CallDay(row.day, row.calls) for row in rows], rows[0].closed)


_AFTER = """
    AND (reminder.user_id, reminder.phone) >
        ((SELECT known.user_id FROM reminders AS known WHERE known.id = :after),
         (SELECT known.phone FROM reminders AS known WHERE known.id = :after))
"""


def calls(
    db: Session, scope: PlanScope, day: dt.date, *, after: uuid.UUID | None = None, limit: int
) -> Sequence[PlannedCall]:
    """At most `limit` calls of a day, sorted by user and phone number: those after the call of the reminder `after`."""
    rows = db.execute(
        text(f"""
            WITH number AS MATERIALIZED (
                SELECT reminder.user_id, reminder.phone FROM reminders AS reminder
                 WHERE reminder.day = :day AND {_PENDING} {_of(scope)} {_AFTER if after else ""}
                 GROUP BY 1, 2 ORDER BY 1, 2 LIMIT :limit
            ), about AS (
                SELECT reminder.id, reminder.user_id, reminder.phone, reminder.scheduled_at, invoice.connection_id,
                       coalesce(invoice.currency_code, '') AS currency,
                       coalesce(nullif(invoice.balance, 'NaN'), 0) AS balance,
                       customer.id AS customer_id, customer.customer_name,
                       coalesce(customer.time_zones[1], customer.time_zone, home.time_zone) AS time_zone,
                       home.time_zone AS home_time_zone
                  FROM number
                  JOIN reminders AS reminder ON reminder.day = :day AND reminder.user_id = number.user_id
                                            AND reminder.phone = number.phone AND {_PENDING} {_of(scope)}
                  JOIN invoices_cache AS invoice ON invoice.id = reminder.invoice_id
                  JOIN booksync.customers_cache AS customer ON customer.id = reminder.customer_id
                  JOIN booksync.zoho_connections AS home ON home.id = invoice.connection_id
            ), owed AS (
                SELECT user_id, phone, jsonb_object_agg(currency, amount::text) AS amounts
                  FROM (SELECT user_id, phone, currency, sum(balance) AS amount
                          FROM about GROUP BY 1, 2, 3) AS by_currency
                 GROUP BY 1, 2
            )
            SELECT (array_agg(about.id))[1] AS id, about.phone, min(about.scheduled_at) AS scheduled_at,
                   array_agg(DISTINCT about.connection_id) AS connection_ids, min(about.time_zone) AS time_zone,
                   min(about.home_time_zone) AS home_time_zone,
                   (array_agg(DISTINCT about.customer_name))[1 : :names] AS names,
                   count(DISTINCT about.customer_id) AS customers,
                   (array_agg(about.customer_id ORDER BY about.customer_name, about.customer_id))[1] AS customer_id,
                   count(*) AS invoices, owed.amounts
              FROM about JOIN owed USING (user_id, phone)
             GROUP BY about.user_id, about.phone, owed.amounts
             ORDER BY about.user_id, about.phone
        """),  # noqa: S608  (constants)
        _values(scope) | {"day": day, "limit": limit, "names": _NAMES} | ({"after": after} if after else {}),
    )
    return [_call(row) for row in rows]


def _call(row: Row[Any]) -> PlannedCall:
    columns = row._asdict()
    amounts = columns.pop("amounts")
    owed = {currency: Decimal(amount) for currency, amount in amounts.items()}
    return PlannedCall(
        **(columns | {"names": tuple(row.names), "connection_ids": tuple(row.connection_ids), "owed": owed})
    )
