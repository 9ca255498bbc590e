"""Hands pending reminders from the legacy application to booksync, and back.

A pending reminder with a closing time is booksync's. One without a closing time is the legacy application's.
"""

import uuid
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from db.migrations.batches import BATCH, over_keys, over_rows
from db.migrations.steps import Raw

_DUE: Final = """
    UPDATE invoices_cache SET plan_at = now() WHERE id IN (
        SELECT invoice_id FROM reminders WHERE id = ANY(%(ids)s) AND status = 'scheduled' AND closes_at IS NULL
    )
"""
# A reminder taken over closes at the moment when it is due, so it is not handed over before booksync has planned it
# again.
_TAKE: Final = """
    WITH taken AS (
        UPDATE reminders SET closes_at = scheduled_at
        WHERE id = ANY(%(ids)s) AND status = 'scheduled' AND closes_at IS NULL RETURNING *
    )
    INSERT INTO migration_receipt (table_name, row_id, user_id, customer_id, outcome, recorded_by, legacy)
    SELECT
        'reminders', id, user_id, customer_id, 'taken over', 'phase3',
        jsonb_build_object('scheduled_at', scheduled_at, 'phone', phone, 'updated_at', updated_at)
    FROM taken
"""


def take_over(connection: Raw) -> None:
    """Take the legacy application's pending reminders over for booksync, and make their invoices due for planning."""

    def take(ids: Sequence[uuid.UUID]) -> None:
        connection.execute(_DUE, {"ids": ids})
        connection.execute(_TAKE, {"ids": ids})

    over_rows(connection, "reminders: take over", "reminders", take, where_null="closes_at")


def give_back(connection: Raw) -> None:
    """Undo `take_over`. Reminders that booksync has sent, cancelled or superseded since then keep that status."""
    over_keys(connection, "reminders: give back", partial(_give, connection))


def _give(connection: Raw, after: Any) -> tuple[int, Any]:
    given = connection.execute(
        """
        WITH noted AS (
            DELETE FROM migration_receipt WHERE id IN (
                SELECT id FROM migration_receipt
                WHERE table_name = 'reminders' AND outcome = 'taken over' AND id > %s ORDER BY id LIMIT %s
            ) RETURNING id, row_id, legacy
        ), given AS (
            UPDATE reminders SET
                scheduled_at = (legacy ->> 'scheduled_at')::timestamptz,
                phone = legacy ->> 'phone',
                updated_at = (legacy ->> 'updated_at')::timestamptz,
                day = NULL,
                closes_at = NULL
            FROM noted WHERE reminders.id = row_id AND reminders.status = 'scheduled'
        )
        SELECT id FROM noted ORDER BY id
        """,
        [after or 0, BATCH],
    ).fetchall()
    return len(given), given[-1][0] if given else None


def cancel_own(connection: Raw) -> None:
    """Cancel booksync's pending reminders, because from now on only the legacy application sends reminders."""

    def cancel(ids: Sequence[uuid.UUID]) -> None:
        # The closing time is read as jsonb, because a killed downgrade may already have dropped its column.
        connection.execute(
            """
            UPDATE reminders SET status = 'cancelled', updated_at = now()
            WHERE id = ANY(%(ids)s) AND status = 'scheduled' AND to_jsonb(reminders) ->> 'closes_at' IS NOT NULL
            """,
            {"ids": ids},
        )

    over_rows(connection, "reminders: cancel", "reminders", cancel)
