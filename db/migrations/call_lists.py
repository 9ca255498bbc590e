"""Indexes for the console's lists about reminder calls over caches of a million rows.

Two revisions build them, one at the end of phase 2, one at the end of phase 3. The module `handover` gives the reason.

What they cost, in the terms of the module `searches`:

- The indexes on customers add `phone_verdict`, which changes with the customer's number, and in all customers once with
  a new edition of the phone metadata: that update writes to all indexes of each customer.
- The index of assumed countries has most customers of an organisation that writes numbers without a prefix. The one of
  objections has few.
- The indexes on reminders hold only the pending ones. They add `day`, `phone`, `user_id` and `closes_at`, which change
  together with `status` or `scheduled_at`. An earlier index has both.
- Rows of outcomes are inserted, and updated only by another report of the same call.
"""

from typing import Final

from db.migrations.additions import build_indexes, drop_indexes
from db.migrations.steps import Raw

#: Name → table, key and condition.
INDEXES: Final = {
    # The numbers that a person should check. The kinds are those that the default policy does not call.
    "ix_customers_cache_objection": """
        customers_cache (connection_id, zoho_customer_id)
        WHERE status <> 'deleted' AND primary_phone IS NOT NULL AND NOT phone_verdict @> '{"confirmed": true}'
        AND (phone_problem IS NOT NULL OR phone_verdict ->> 'not_callable' IS NOT NULL
        OR phone_verdict ->> 'kind' IN ('premium_rate', 'shared_cost', 'pager', 'voicemail')
        OR phone_verdict -> 'doubts' ->> 0 IS NOT NULL)
    """,
    "ix_customers_cache_assumed": """
        customers_cache (connection_id, zoho_customer_id)
        WHERE status <> 'deleted' AND primary_phone IS NOT NULL AND NOT phone_verdict @> '{"confirmed": true}'
        AND phone_problem IS NULL AND phone_verdict ->> 'assumed_country' IS NOT NULL
    """,
    # The calls of a day.
    "ix_reminders_day": """
        reminders (day, user_id, phone) WHERE status = 'scheduled' AND closes_at IS NOT NULL
    """,
    # The queue. Most reminders of a day have the same moment, so their order is part of the key.
    "ix_reminders_queue": """
        reminders (scheduled_at, user_id, phone, id) WHERE status = 'scheduled' AND closes_at IS NOT NULL
    """,
    # The outcomes, the latest ones first. Few have the same time, so Postgres sorts these by their ids. The key is
    # lower(outcome), because with `outcome` Postgres would also use the index in each claim, where the customer's or
    # the invoice's few outcomes are read faster.
    "ix_handover_outcomes_reported_at": "handover_outcomes (reported_at)",
    "ix_handover_outcomes_outcome_reported_at": "handover_outcomes (lower(outcome), reported_at)",
}


def add(connection: Raw) -> None:
    """Build the indexes while the tables are in use."""
    build_indexes(connection, INDEXES)


def remove(connection: Raw) -> None:
    """Drop the indexes that `add` has built."""
    drop_indexes(connection, INDEXES)
