"""Phase 3: the old columns go, their values do not."""

import pytest

from db.migrations import MigrationRefusedError, Target, migrate
from tests.integration.migrations.applications import Database, a_legacy_database


def test_phase3_refuses_while_an_invoice_has_no_customer(url: str, database: Database) -> None:
    user = a_legacy_database(url, database)
    database.legacy_writes_invoice(user, "4", customer=None)
    blank = database.legacy_writes_invoice(user, "5", customer=" ")

    with pytest.raises(MigrationRefusedError, match="2 invoices have no customer"):
        migrate(url)
    assert database.copy(blank)[0] == "Ada Byron"

    database.rows("DELETE FROM invoices_cache WHERE zoho_invoice_id = '4'")
    with pytest.raises(MigrationRefusedError, match="1 invoice has no customer"):
        migrate(url)

    database.rows("UPDATE invoices_cache SET zoho_customer_id = 'C1' WHERE zoho_invoice_id = '5'")
    assert [done.revision for done in migrate(url).applied] == ["0008_customer_required", "0009_phase3"]


def test_values_that_customers_do_not_hold_are_kept_in_receipts(url: str, database: Database) -> None:
    a_legacy_database(url, database)

    migrate(url)

    receipts = database.rows(
        """
        SELECT zoho_invoice_id, column_name, value, outcome FROM migration_receipt
        JOIN invoices_cache ON invoices_cache.id = row_id ORDER BY 1, 2
        """
    )
    assert [tuple(receipt.values()) for receipt in receipts] == [
        ("1", "customer_country_code", "GB", "differs from the customer"),
        ("1", "customer_name", "Ada", "differs from the customer"),
        ("1", "customer_phone", "+442070313000", "differs from the customer"),
        ("3", "customer_country_code", "gb", "differs from the customer"),
        ("3", "customer_name", None, "was blank"),
        ("3", "customer_phone", "", "was blank"),
    ]


def test_the_old_values_come_back_and_their_receipts_are_used_up(url: str, database: Database) -> None:
    a_legacy_database(url, database)
    migrate(url, Target.PHASE2)
    before = database.all_of("invoices_cache"), database.all_of("reminders")
    migrate(url)

    migrate(url, Target.PHASE2)

    assert (database.all_of("invoices_cache"), database.all_of("reminders")) == before
    assert database.row("SELECT to_regclass('migration_receipt') AS receipts") == {"receipts": None}


def test_invoices_that_never_had_the_old_columns_get_them_from_their_customers(url: str, database: Database) -> None:
    migrate(url)
    user = database.a_user()
    customer = database.booksync_writes_customer(user, "C9", name="Marie", phone="+33144556677")
    invoice = database.booksync_writes_invoice(user, "1", "C9", customer)

    migrate(url, Target.LEGACY)

    assert database.copy(invoice) == ("Marie", "+33144556677", "FR", "Europe/Paris")


def test_a_reminder_follows_its_invoice_to_another_customer_before_phase3(url: str, database: Database) -> None:
    user = a_legacy_database(url, database)
    migrate(url, Target.PHASE2)
    invoice = database.legacy_writes_invoice(user, "1", customer="C2")

    migrate(url)

    reminder = database.row("SELECT customer_id FROM reminders WHERE invoice_id = %s", invoice)
    assert reminder["customer_id"] == database.customer_of(invoice)["id"]


def test_a_reminder_without_a_phone_has_an_empty_one_until_the_downgrade(url: str, database: Database) -> None:
    a_legacy_database(url, database)
    migrate(url)
    assert sorted(row["phone"] for row in database.rows("SELECT phone FROM reminders")) == ["", "+442070313000"]

    migrate(url, Target.PHASE2)

    assert {row["phone"] for row in database.rows("SELECT phone FROM reminders")} == {None, "+442070313000"}
