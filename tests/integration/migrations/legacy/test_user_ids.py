"""The migration of a legacy application whose users have ids of any type."""

import uuid
from typing import Any

import pytest

from db.legacy import adopt
from db.migrations.revisions import Target
from db.migrations.runner import migrate
from tests.drilled import drilled_except
from tests.integration.hosts import BIGINT, INTEGER, TEXT, VARCHAR, Host
from tests.integration.migrations.applications import Database

_HOSTS_TYPES = """
    SELECT table_name, data_type, character_maximum_length FROM information_schema.columns
     WHERE column_name = 'user_id' AND table_schema = 'public' ORDER BY 1
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "host", drilled_except((BIGINT,), [TEXT, VARCHAR, BIGINT, INTEGER]), ids=lambda host: host.id_type
)
def test_both_applications_write_and_the_migration_comes_back(url: str, database: Database, host: Host) -> None:
    user: Any = host.user_id
    host.install(url)
    host.add_user(url)
    types = database.rows(_HOSTS_TYPES)
    first = database.legacy_writes_invoice(user, "I1")
    database.legacy_writes_reminder(user, first)
    before = database.all_of("invoices_cache"), database.all_of("reminders")

    adopt(url)
    migrate(url, Target.PHASE1)
    database.legacy_writes_invoice(user, "I2", customer="C2", name="Grace Hopper")
    migrate(url, Target.PHASE2)
    third = database.legacy_writes_invoice(user, "I3", customer="C1", phone="+442070313001")
    database.legacy_writes_reminder(user, third)
    customers = database.rows("SELECT user_id, zoho_customer_id FROM customers_cache ORDER BY 2")
    assert customers == [{"user_id": user, "zoho_customer_id": each} for each in ("C1", "C2")]
    migrate(url, Target.PHASE3)
    linked = database.rows("SELECT zoho_invoice_id FROM invoices_cache WHERE customer_id IS NOT NULL ORDER BY 1")
    assert [row["zoho_invoice_id"] for row in linked] == ["I1", "I2", "I3"]
    checked = database.rows("SELECT user_id FROM booksync.reminder_checks() WHERE status = 'scheduled'")
    assert [row["user_id"] for row in checked] == [user, user]

    migrate(url, Target.LEGACY)
    after = database.all_of("invoices_cache"), database.all_of("reminders")
    assert [row for row in after[0] if uuid.UUID(row["id"]) == first] == before[0]
    assert {row["user_id"] for row in after[0]} == {user}
    assert len(after[1]) == 2
    assert database.rows(_HOSTS_TYPES) == types
