"""Gives legacy reminders without a phone an empty text as phone, because booksync requires a text.

A receipt records each change.
"""

import uuid
from collections.abc import Sequence
from functools import partial
from typing import Any

from db.migrations.batches import BATCH, over_keys, over_rows
from db.migrations.steps import Raw


def fill_missing_phones(connection: Raw) -> None:
    """Replace the missing phone (NULL) of every reminder by an empty text."""

    def fill(ids: Sequence[uuid.UUID]) -> None:
        connection.execute(
            """
            WITH filled AS (
                UPDATE reminders SET phone = '' WHERE id = ANY(%(ids)s) AND phone IS NULL RETURNING *
            )
            INSERT INTO migration_receipt (table_name, row_id, user_id, customer_id, outcome, recorded_by, legacy)
            SELECT 'reminders', id, user_id, customer_id, 'filled', 'phase3', '{"phone": null}' FROM filled
            """,
            {"ids": ids},
        )

    over_rows(connection, "reminders' phones", "reminders", fill, where_null="phone")


def take_back_filled_phones(connection: Raw) -> None:
    """Undo `fill_missing_phones`, except in reminders that have got a phone since."""
    over_keys(connection, "reminders' phones: take back", partial(_take_back, connection))


def _take_back(connection: Raw, after: Any) -> tuple[int, Any]:
    filled = connection.execute(
        """
        WITH filled AS (
            DELETE FROM migration_receipt WHERE id IN (
                SELECT id FROM migration_receipt
                WHERE table_name = 'reminders' AND outcome = 'filled' AND id > %s ORDER BY id LIMIT %s
            ) RETURNING id, row_id
        ), taken_back AS (
            UPDATE reminders SET phone = NULL FROM filled WHERE reminders.id = row_id AND phone = ''
        )
        SELECT id FROM filled ORDER BY id
        """,
        [after or 0, BATCH],
    ).fetchall()
    return len(filled), filled[-1][0] if filled else None
