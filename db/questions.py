"""Statements that find the records whose details must be read before a reminder is handed over, one call each."""

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

from sqlalchemy import text

from db import reminder_policies
from db.connections import Connection
from db.session import Session
from domain.entities import Entity, entity_of_kind
from domain.invoices import OPEN_STATUSES
from domain.phones import PhoneProblem
from domain.reminders.calling_hours import hours_in_common
from domain.reminders.calling_window import CallingWindow
from domain.reminders.permission import SkipReason
from domain.reminders.policy import ReminderPolicy
from domain.time_zones import known_zones

#: The longest time between a detail call and the reminder that needs it.
AHEAD = timedelta(days=1)

#: Below this number of hours a day that all clocks of a number have in common, booksync requests the customer's
#: address, because it may determine the clock.
FEW_HOURS = timedelta(hours=3)


#: Reasons that depend on facts which a list row may omit.
_BY_DETAILS = (
    SkipReason.ZOHO_REMINDERS_OFF,
    SkipReason.INVOICE_REMINDERS_OFF,
    SkipReason.SUB_STATUS,
    SkipReason.PAYMENT_UNDER_WAY,
)


class Cause(StrEnum):
    """Why the details of a record are to be read. If several causes apply to a record, the first one is used."""

    SOON = "soon"  #: a reminder of the record is due within a day
    REFUSED = "refused"  #: a customer with an open invoice, whose refused number may be valid in another country
    #: A fact of an earlier version's details forbids the reminder, and the present version may allow it; or the number
    #: of a customer with an open invoice belongs to clocks with few common hours.
    HELD = "held"
    ASSUMED = "assumed"  #: a customer with an open invoice, whose number may differ in another country


#: The order of the causes. Within a cause, the customers with the largest debts come first, each before their invoices.
_ORDER = (Cause.SOON, Cause.REFUSED, Cause.HELD, Cause.ASSUMED)

#: The order of the causes while the connection is closed for handovers.
_ORDER_WHILE_CLOSED = (Cause.REFUSED, Cause.SOON, Cause.HELD, Cause.ASSUMED)


@dataclass(frozen=True, slots=True)
class Question:
    """A question: a customer or an invoice, in its present version, whose details are to be read."""

    entity: Entity
    record_id: str  #: the record's id in Zoho
    version: datetime  #: the record's modified time, else `domain.versions.NO_VERSION`
    is_urgent: bool  #: whether a handover is held back until the details are read


#: The problems of a number without a prefix and without a known country: it is refused whatever its digits are.
_COUNTRY_PROBLEMS = (PhoneProblem.UNKNOWN_REGION, PhoneProblem.UNKNOWN_COUNTRY)

_DEBTORS = {
    "open_statuses": sorted(OPEN_STATUSES),
    "country_problems": list(map(str, _COUNTRY_PROBLEMS)),
}
_RULES = _DEBTORS | {
    "by_details": list(map(str, _BY_DETAILS)),
    "order": list(map(str, _ORDER)),
    "order_while_closed": list(map(str, _ORDER_WHILE_CLOSED)),
}

_IS_OWED = "coalesce(nullif(balance, 'NaN'), 0) > 0"
_IS_OPEN = f"status = ANY(:open_statuses) AND {_IS_OWED}"
_IS_UNASKED = "asked_version IS DISTINCT FROM coalesce(zoho_last_modified_at, 'epoch')"
#: SQL: with another country the customer's number could be a different one, or become valid.
_HANGS_ON_COUNTRY = "(phone_verdict ->> 'assumed_country' IS NOT NULL OR phone_problem = ANY(:country_problems))"
#: SQL: the number is refused, and details may change that. Even a known country may be outdated: if many contacts have
#: changed at once, their details are not read again.
_IS_REFUSED = f"""
    (phone_problem IS NOT NULL AND {_HANGS_ON_COUNTRY}
     OR phone_problem <> '{PhoneProblem.NOT_A_NUMBER}' AND country_code IS NOT NULL)
"""
_HAS_FEW_HOURS = "(address_state IS NULL AND array_to_string(time_zones, ' ') = ANY(:scattered))"

# The details of each version of a record are requested once, whatever the response contains.
_QUESTIONS = text(f"""
    WITH soon AS (
        SELECT DISTINCT reminder.invoice_id, reminder.customer_id
          FROM reminders AS reminder JOIN invoices_cache AS invoice ON invoice.id = reminder.invoice_id
         WHERE reminder.status = 'scheduled' AND reminder.closes_at IS NOT NULL AND reminder.scheduled_at <= :until
           AND invoice.connection_id = :connection_id
    ), forbidden AS (
        SELECT id, customer_id FROM invoices_cache
         WHERE connection_id = :connection_id AND plan_outcome = ANY(:by_details) AND {_IS_OWED}
    ), home AS (
        SELECT handover, currency_code FROM booksync.zoho_connections WHERE id = :connection_id
    ), debt AS (
        -- The order of `domain.amounts.by_debt`: debts in the organisation's currency first.
        SELECT customer_id, max(owed) AS owed,
               coalesce(max(owed) FILTER (WHERE currency_code = (SELECT currency_code FROM home)), 0) AS owed_at_home
          FROM (SELECT customer_id, currency_code, sum(balance) AS owed FROM invoices_cache
                 WHERE connection_id = :connection_id AND {_IS_OPEN} GROUP BY 1, 2) AS of_currency
         GROUP BY 1
    ), failed AS (
        SELECT failed.kind, failed.record_id, bool_or(run.id = :run_id AND is_rejected) AS is_over
          FROM booksync.failed_records AS failed JOIN booksync.sync_runs AS run ON run.id = failed.run_id
         WHERE run.connection_id = :connection_id AND failed_at > CAST(:now AS timestamptz) - interval '1 day'
         GROUP BY 1, 2
    ), question AS (
        SELECT 'customer' AS kind, id AS customer_id, zoho_customer_id AS record_id, zoho_last_modified_at,
               asked_version,
               CASE WHEN id IN (SELECT customer_id FROM soon) THEN 'soon'
                    WHEN {_IS_REFUSED} THEN 'refused'
                    WHEN id IN (SELECT customer_id FROM forbidden) OR {_HAS_FEW_HOURS} THEN 'held'
                    ELSE 'assumed' END AS cause
          FROM booksync.customers_cache
         WHERE connection_id = :connection_id AND status = 'active' AND gone_at IS NULL
           -- Details that could not be understood are requested once a day.
           AND (switch_asked_at > CAST(:now AS timestamptz) - interval '1 day') IS NOT TRUE
           -- This condition follows from the next one. It finds the few customers by their ids.
           AND id IN (SELECT customer_id FROM soon UNION ALL SELECT customer_id FROM forbidden
                      UNION ALL SELECT customer_id FROM debt)
           AND (id IN (SELECT customer_id FROM soon) OR id IN (SELECT customer_id FROM forbidden)
                OR id IN (SELECT customer_id FROM debt)
                   AND ({_IS_REFUSED} OR {_HAS_FEW_HOURS} OR {_HANGS_ON_COUNTRY}))
         UNION ALL
        SELECT 'invoice', customer_id, zoho_invoice_id, zoho_last_modified_at, asked_version,
               CASE WHEN id IN (SELECT invoice_id FROM soon) THEN 'soon' ELSE 'held' END
          FROM invoices_cache
         WHERE connection_id = :connection_id AND gone_at IS NULL
           AND id IN (SELECT invoice_id FROM soon UNION ALL SELECT id FROM forbidden)
    )
    SELECT kind, record_id, coalesce(zoho_last_modified_at, 'epoch') AS version,
           cause = 'soon' AND handover = 'open' AS is_urgent
      FROM question
      LEFT JOIN debt USING (customer_id)
      LEFT JOIN failed USING (kind, record_id)
      CROSS JOIN home
     WHERE {_IS_UNASKED} AND is_over IS NOT TRUE
     ORDER BY is_over IS NOT NULL,
              array_position(CASE handover WHEN 'open' THEN CAST(:order AS text[])
                                           ELSE CAST(:order_while_closed AS text[]) END, cause),
              owed_at_home DESC NULLS LAST, owed DESC NULLS LAST, customer_id, kind, record_id
     LIMIT :limit
""")  # noqa: S608  (the conditions are constants)


def questions(
    db: Session,
    connection: Connection,
    window: CallingWindow,
    *,
    now: datetime,
    limit: int,
    run_id: uuid.UUID | None = None,
) -> Sequence[Question]:
    """The next records whose details are to be read, ordered by cause. Details are requested once for each version.

    Records whose call has failed within a day come last. Records that the run has rejected are omitted.
    """
    if limit <= 0:
        return []
    rows = db.execute(
        _QUESTIONS,
        {
            "connection_id": connection.connection_id,
            "run_id": run_id,
            "now": now,
            "until": now + AHEAD,
            "scattered": _scattered(db, connection, window, now),
            "limit": limit,
            **_RULES,
        },
    )
    return [Question(entity_of_kind(row.kind), row.record_id, row.version, row.is_urgent) for row in rows]


@dataclass(frozen=True, slots=True)
class UncertainCountries:
    """The numbers of customers with an open invoice whose phone number depends on an unknown country."""

    customers: int
    to_ask: int  #: the number of customers whose present version's details were not requested
    detail_calls_per_run: int = ReminderPolicy().detail_calls_per_run

    @property
    def runs(self) -> int | None:
        """The number of runs that it takes to read the details of the `to_ask` customers.

        Other questions may come first and take more runs. The number is None if the policy allows no detail calls.
        """
        return ceil(self.to_ask / self.detail_calls_per_run) if self.detail_calls_per_run else None

    def as_json(self) -> dict[str, int | None]:
        """The counts as JSON, as `status` and `reminders preview` print them."""
        return {**asdict(self), "runs": self.runs}


_UNCERTAIN_COUNTRIES = text(f"""
    SELECT count(*) AS customers, count(*) FILTER (WHERE {_IS_UNASKED}) AS to_ask
      FROM booksync.customers_cache
     WHERE connection_id = :connection_id AND status = 'active' AND gone_at IS NULL AND {_HANGS_ON_COUNTRY}
       AND id IN (SELECT customer_id FROM invoices_cache WHERE connection_id = :connection_id AND {_IS_OPEN})
""")  # noqa: S608  (the conditions are constants)


def uncertain_countries(db: Session, connection_id: uuid.UUID) -> UncertainCountries:
    """The numbers of customers whose phone number depends on an unknown country.

    Their details were not requested yet, or did not help.
    """
    row = db.execute(_UNCERTAIN_COUNTRIES, {"connection_id": connection_id, **_DEBTORS}).one()
    policy = reminder_policies.policy_of(db, connection_id)
    return UncertainCountries(row.customers, row.to_ask, policy.detail_calls_per_run)


def _scattered(db: Session, connection: Connection, window: CallingWindow, now: datetime) -> list[str]:
    """The sets of time zones whose clocks have fewer than `FEW_HOURS` of the calling window in common.

    Each set is a text of names separated by blanks.
    """
    rows = db.execute(
        text("""
            SELECT DISTINCT time_zones FROM booksync.customers_cache
             WHERE connection_id = :connection_id AND cardinality(time_zones) > 1 AND address_state IS NULL
        """),
        {"connection_id": connection.connection_id},
    ).scalars()
    return [
        " ".join(names)
        for names in rows
        if (zones := known_zones(names)) and hours_in_common(window, zones, now) < FEW_HOURS
    ]
