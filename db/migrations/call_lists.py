"""Indexes for the console's lists about reminder calls over caches of a million rows.

Two revisions build them, one at the end of phase 2, one at the end of phase 3. The module `handover` gives the reason.
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
    # The outcomes, the latest ones first. The key is lower(outcome), because with `outcome` Postgres would also use the
    # index in each claim, where the customer's or the invoice's few outcomes are read faster.
    "ix_handover_outcomes_reported_at": "handover_outcomes (reported_at, handover_id, reminder_id)",
    "ix_handover_outcomes_outcome_reported_at": """
        handover_outcomes (lower(outcome), reported_at, handover_id, reminder_id)
    """,
}


def add(connection: Raw) -> None:
    """Build the indexes while the tables are in use."""
    build_indexes(connection, INDEXES)


def remove(connection: Raw) -> None:
    """Drop the indexes that `add` has built."""
    drop_indexes(connection, INDEXES)
