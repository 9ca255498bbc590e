"""A database of release 0.1 with data is upgraded in one step, in both phases; then it is synced and handed over."""

import datetime as dt
from typing import Any

import psycopg
import pytest
from alembic import command

from db.migrations.revisions import Target
from db.migrations.runner import alembic_config, migrate
from domain.runs import Mode
from tests.integration.chain.bench import Bench
from tests.integration.chain.test_reminders import EVERY_DAY, read_the_rest, set_policy
from tests.integration.migrations.applications import opened, undo_later_additions
from tests.truth import record_differences

#: The newest revisions of release 0.1.
_OF_PHASE = {Target.PHASE2: "0007_phase2", Target.PHASE3: "0009_phase3"}

_ROWS = """
    SELECT jsonb_build_object('id', id, 'number', zoho_invoice_id, 'customer', customer_id, 'balance', balance) AS row
      FROM invoices_cache
     UNION ALL
    SELECT jsonb_build_object('id', id, 'number', zoho_customer_id, 'name', customer_name, 'phone', primary_phone)
      FROM {customers}
     UNION ALL
    SELECT jsonb_build_object('id', id, 'invoice', invoice_id, 'step', step, 'status', status) FROM reminders
     ORDER BY 1
"""

_SEND_ONE = """
    UPDATE reminders SET status = 'sent'
     WHERE id = (SELECT id FROM reminders WHERE status = 'scheduled' ORDER BY scheduled_at DESC LIMIT 1) RETURNING id
"""


def url_of(bench: Bench) -> str:
    return bench.resources.settings.database_url.get_secret_value()


def rows_of(bench: Bench, customers: str) -> list[Any]:
    return [each["row"] for each in bench.rows(_ROWS.format(customers=customers))]


def become_release_0_1(bench: Bench, monkeypatch: pytest.MonkeyPatch, phase: Target) -> None:
    """Bring the database to the schema of release 0.1. It had no record of what the migrations added."""
    url = url_of(bench)
    with opened(url) as database:
        if phase is Target.PHASE2:
            monkeypatch.setenv("DATABASE_URL", url)
            command.downgrade(alembic_config(), _OF_PHASE[phase])
        else:
            undo_later_additions(url, database)
            database.rows("UPDATE booksync_alembic_version SET version_num = %s", _OF_PHASE[phase])
        database.rows("DROP TABLE migration_added")
    bench.resources.engine.dispose()


def upgrade(bench: Bench, phase: Target) -> None:
    migrate(url_of(bench), phase)
    bench.resources.engine.dispose()


def next_due(bench: Bench) -> dt.datetime:
    """A minute after the time of the next reminder; the invoices count as synced at that time."""
    (row,) = bench.rows(
        "SELECT min(scheduled_at) + interval '1 minute' AS at FROM reminders WHERE status = 'scheduled'"
    )
    at: dt.datetime = row["at"]
    bench.rows("UPDATE sync_metadata SET last_invoice_sync_at = %(at)s RETURNING id", at=at)
    return at


@pytest.mark.slow
@pytest.mark.parametrize("phase", list(_OF_PHASE))
def test_an_upgrade_in_one_step_keeps_every_row_and_the_work_goes_on(
    synced: Bench, monkeypatch: pytest.MonkeyPatch, phase: Target
) -> None:
    synced.rows(_SEND_ONE)  # A connection that has sent reminders stays open for handovers.
    before = rows_of(synced, "booksync.customers_cache")
    become_release_0_1(synced, monkeypatch, phase)
    assert rows_of(synced, "customers_cache") == before

    upgrade(synced, phase)

    assert rows_of(synced, "booksync.customers_cache") == before
    assert synced.sync(Mode.FULL)["status"] == "succeeded"
    with psycopg.connect(url_of(synced), autocommit=True) as database:
        assert record_differences(synced.zoho.snapshot(), database) == []

    set_policy(synced, EVERY_DAY)
    read_the_rest(synced)
    claim = "SELECT reminder_id, phone FROM {name}(%(limit)s, NULL, %(at)s)"
    at = next_due(synced)
    first = synced.rows(claim.format(name="claim_due_reminders"), limit=1, at=at)
    others = synced.rows(claim.format(name="booksync.claim_due_reminders"), limit=100, at=at)
    claimed = [each["reminder_id"] for each in first + others]
    assert len(first) > 0
    assert len(set(claimed)) == len(claimed)
