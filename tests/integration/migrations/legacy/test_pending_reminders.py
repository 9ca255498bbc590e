"""Pending reminders during a phase change: each reminder belongs to exactly one application."""

from typing import Any

import pytest

from db.migrations.revisions import Target
from db.migrations.runner import migrate
from tests.integration.migrations.applications import Database, legacy_rows
from tests.integration.migrations.states import LEGACY_ROWS

pytestmark = pytest.mark.slow


def reminders(database: Database) -> list[dict[str, Any]]:
    return database.rows("SELECT * FROM reminders ORDER BY id")


@pytest.mark.starts_as(LEGACY_ROWS)
def test_reminders_planned_by_the_legacy_application_belong_to_booksync_from_phase3_on(
    url: str, database: Database
) -> None:
    user = database.the_user()
    sent = database.legacy_writes_invoice(user, "4")
    database.legacy_writes_reminder(user, sent, status="sent")
    migrate(url, Target.PHASE2)
    assert {row["closes_at"] for row in reminders(database)} == {None}

    migrate(url)

    taken = {row["invoice_id"]: row["closes_at"] == row["scheduled_at"] for row in reminders(database)}
    assert taken.pop(sent) is False
    assert list(taken.values()) == [True, True]
    due = database.rows("SELECT id FROM invoices_cache WHERE plan_at <= now()")
    assert {row["id"] for row in due} == taken.keys()


@pytest.mark.slow
@pytest.mark.starts_as(LEGACY_ROWS)
def test_a_downgrade_restores_the_legacy_applications_reminders_except_those_that_ended_since(
    url: str, database: Database
) -> None:
    user = database.the_user()
    for number in ("5", "6"):
        database.legacy_writes_reminder(user, database.legacy_writes_invoice(user, number))
    before = {row["id"]: row for row in database.all_of("reminders")}
    migrate(url)
    moved, cancelled, sent, *_ = [str(row["id"]) for row in reminders(database)]
    database.rows(
        """
        UPDATE reminders SET scheduled_at = now(), day = current_date, closes_at = now() + interval '8 hours',
            phone = '+33144556677', updated_at = now()
        WHERE id = %s
        """,
        moved,
    )
    database.rows("UPDATE reminders SET status = 'cancelled' WHERE id = %s", cancelled)
    database.rows("UPDATE reminders SET status = 'sent' WHERE id = %s", sent)

    migrate(url, Target.PHASE2)

    now = {str(row["id"]): row for row in reminders(database)}
    assert {reminder for reminder, row in now.items() if row["closes_at"] is None} == before.keys() - {cancelled, sent}

    migrate(url, Target.LEGACY)

    settled = {cancelled: {"status": "cancelled"}, sent: {"status": "sent"}}
    expected = {reminder: row | settled.get(reminder, {}) for reminder, row in before.items()}
    assert {row["id"]: row for row in database.all_of("reminders")} == expected


@pytest.mark.starts_as(LEGACY_ROWS)
def test_booksyncs_pending_reminders_are_not_left_in_the_legacy_applications_queue(
    url: str, database: Database
) -> None:
    user = database.the_user()
    invoice = database.legacy_writes_invoice(user, "4")
    before = legacy_rows(database)
    migrate(url, Target.PHASE2)
    for step in (7, 14):
        database.booksync_writes_reminder(user, invoice, step)
    database.rows("UPDATE reminders SET status = 'sent' WHERE step = 14")

    migrate(url, Target.LEGACY)

    own = database.rows("SELECT step, status FROM reminders WHERE invoice_id = %s ORDER BY step", invoice)
    assert [tuple(row.values()) for row in own] == [(7, "cancelled"), (14, "sent")]
    database.rows("DELETE FROM reminders WHERE invoice_id = %s", invoice)
    assert legacy_rows(database) == before
