"""The migration of a legacy application that numbers its users by text or whole numbers."""

import uuid
from typing import Any

import pytest

from db.migrations.revisions import Target
from db.migrations.runner import migrate
from tests.integration.migrations.applications import Database

USERS: dict[str, Any] = {"text": "clx2k9q0a0000", "varchar(30)": "clx2k9q0a0000", "bigint": 7, "integer": 7}


@pytest.mark.parametrize("kind", USERS)
def test_both_applications_write_and_the_migration_comes_back(url: str, database: Database, kind: str) -> None:
    user: Any = USERS[kind]
    database.rows(f"CREATE TABLE users (id {kind} PRIMARY KEY)")
    database.rows("INSERT INTO users VALUES (%s)", user)
    migrate(url, Target.LEGACY)
    first = database.legacy_writes_invoice(user, "I1")
    database.legacy_writes_reminder(user, first)
    before = database.all_of("invoices_cache"), database.all_of("reminders")

    migrate(url, Target.PHASE1)
    second = database.legacy_writes_invoice(user, "I2", customer="C2", name="Grace Hopper")
    migrate(url, Target.PHASE2)
    third = database.legacy_writes_invoice(user, "I3", customer="C1", phone="+442070313001")
    database.legacy_writes_reminder(user, third)
    customers = database.rows("SELECT user_id, zoho_customer_id FROM customers_cache ORDER BY 2")
    assert customers == [{"user_id": user, "zoho_customer_id": each} for each in ("C1", "C2")]
    migrate(url, Target.PHASE3)
    linked = database.rows("SELECT id FROM invoices_cache WHERE customer_id IS NOT NULL")
    assert {row["id"] for row in linked} == {first, second, third}

    migrate(url, Target.LEGACY)
    after = database.all_of("invoices_cache"), database.all_of("reminders")
    assert [row for row in after[0] if uuid.UUID(row["id"]) == first] == before[0]
    assert {row["user_id"] for row in after[0]} == {user}
    assert len(after[1]) == 2
