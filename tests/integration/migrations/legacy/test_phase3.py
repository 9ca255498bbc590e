"""Phase 3: the old columns are dropped, their values are kept."""

import uuid

import pytest

from db.migrations.errors import MigrationRefusedError
from db.migrations.revisions import Target
from db.migrations.runner import migrate
from tests.integration.migrations.applications import Database, legacy_rows, receipts
from tests.integration.migrations.states import HEAD, HEAD_ROWS, LEGACY_ROWS, PHASE1, PHASE2_ROWS


@pytest.mark.slow
@pytest.mark.starts_as(PHASE2_ROWS)
def test_phase3_refuses_while_an_invoice_is_unaccounted_for(url: str, database: Database) -> None:
    with database.connection.transaction():
        database.rows("SET LOCAL session_replication_role = replica")
        database.rows("UPDATE invoices_cache SET customer_name = 'Past the triggers' WHERE zoho_invoice_id = '1'")
    database.rows(
        "DELETE FROM migration_receipt USING invoices_cache AS i WHERE row_id = i.id AND i.zoho_invoice_id = '2'"
    )

    with pytest.raises(MigrationRefusedError, match="Phase 3 has to wait: 2 invoices are unaccounted for"):
        migrate(url)

    assert len(database.rows("SELECT customer_name FROM invoices_cache")) == 3
    migrate(url, Target.PHASE1)
    migrate(url)
    assert ("customer_name", "Past the triggers") in {(row["column"], row["value"]) for row in receipts(database)}


@pytest.mark.slow
@pytest.mark.starts_as(PHASE2_ROWS)
def test_phase3_first_refuses_a_row_that_bypassed_the_triggers(url: str, database: Database) -> None:
    user = database.the_user()
    with database.connection.transaction():
        database.rows("SET LOCAL session_replication_role = replica")
        database.legacy_writes_invoice(user, "4")
        database.legacy_writes_invoice(user, "5", customer=None)

    with pytest.raises(MigrationRefusedError, match="2 invoices are unaccounted for"):
        migrate(url)

    migrate(url, Target.PHASE1)
    migrate(url)
    assert len(database.all_of("invoices_cache")) == 4


@pytest.mark.slow
@pytest.mark.starts_as(LEGACY_ROWS)
def test_rows_without_a_customer_are_moved_out_completely_and_restored(url: str, database: Database) -> None:
    user = database.the_user()
    missing = database.legacy_writes_invoice(user, "4", customer=None, name="Nobody's")
    blank = database.legacy_writes_invoice(user, "5", customer=" \u00a0\t")
    database.legacy_writes_reminder(user, missing)
    before = legacy_rows(database)

    migrate(url)

    assert len(database.all_of("invoices_cache")) == 3
    moved = {
        row["row_id"]: (row["outcome"], row["reason"], row["legacy"]["customer_name"])
        for row in database.rows("SELECT * FROM migration_receipt WHERE is_moved_out AND table_name = 'invoices_cache'")
    }
    assert moved == {
        missing: ("quarantined", "missing zoho_customer_id", "Nobody's"),
        blank: ("quarantined", "blank zoho_customer_id", "Ada Byron"),
    }
    assert database.row("SELECT reason FROM migration_receipt WHERE is_moved_out AND table_name = 'reminders'") == {
        "reason": "quarantined invoice"
    }

    migrate(url, Target.LEGACY)

    assert legacy_rows(database) == before


@pytest.mark.slow
@pytest.mark.starts_as(LEGACY_ROWS)
def test_rows_of_unknown_users_are_moved_out_and_restored(url: str, database: Database) -> None:
    with database.connection.transaction():
        database.rows("SET LOCAL session_replication_role = replica")
        stranger = database.legacy_writes_invoice(uuid.uuid4(), "4")
        database.rows(
            "INSERT INTO reminders (user_id, invoice_id, step, scheduled_at) SELECT id, %s, 1, now() FROM users",
            uuid.uuid4(),
        )
    before = legacy_rows(database)

    migrate(url)

    reasons = database.rows("SELECT DISTINCT reason, table_name FROM migration_receipt WHERE is_moved_out ORDER BY 1")
    assert [row["reason"] for row in reasons] == ["unknown invoice", "unknown user"]
    migrate(url, Target.LEGACY)
    assert legacy_rows(database) == before
    assert database.copy(stranger)[0] == "Ada Byron"


@pytest.mark.slow
@pytest.mark.starts_as(LEGACY_ROWS)
def test_phase3_links_an_invoice_of_a_user_who_was_added_since(url: str, database: Database) -> None:
    user = uuid.uuid4()
    with database.connection.transaction():
        database.rows("SET LOCAL session_replication_role = replica")
        invoice = database.legacy_writes_invoice(user, "4", name="Late")
    migrate(url, Target.PHASE2)
    database.rows("INSERT INTO users (id) VALUES (%s)", user)

    migrate(url)

    assert database.customer_of(invoice)["customer_name"] == "Late"


@pytest.mark.slow
@pytest.mark.starts_as(LEGACY_ROWS)
def test_phase3_refuses_to_move_a_row_that_another_table_references(url: str, database: Database) -> None:
    user = database.the_user()
    invoice = database.legacy_writes_invoice(user, "4", customer=None)
    database.rows("CREATE TABLE payments (invoice uuid REFERENCES invoices_cache (id) ON DELETE CASCADE)")
    database.rows("INSERT INTO payments VALUES (%s)", invoice)

    with pytest.raises(MigrationRefusedError, match="1 rows of payments refer to rows of invoices_cache"):
        migrate(url)

    assert len(database.rows("SELECT * FROM payments")) == 1


@pytest.mark.slow
@pytest.mark.starts_as(LEGACY_ROWS)
def test_phase3_refuses_to_lose_sent_reminders(url: str, database: Database) -> None:
    user = database.the_user()
    blank = database.legacy_writes_invoice(user, "4", customer=" ")
    for step, status in enumerate(("delivered", "cancelled", "scheduled")):
        database.legacy_writes_reminder(user, blank, step=step, status=status)

    with pytest.raises(
        MigrationRefusedError, match=r"reminders of 1 invoice without a customer were sent.* sync CONNE"
    ):
        migrate(url)

    assert len(database.all_of("invoices_cache")) == 4
    database.legacy_writes_invoice(user, "4", customer="C9")
    migrate(url)
    kept = database.rows("SELECT status FROM reminders WHERE invoice_id = %s ORDER BY step", blank)
    assert [row["status"] for row in kept] == ["delivered", "cancelled", "scheduled"]


@pytest.mark.slow
@pytest.mark.starts_as(LEGACY_ROWS)
def test_a_row_whose_place_is_taken_stays_in_the_receipt(url: str, database: Database) -> None:
    user = database.the_user()
    old = database.legacy_writes_invoice(user, "4", customer=None, name="Nobody's")
    migrate(url)
    customer = database.booksync_writes_customer(user, "C9", name="Marie", phone="+33144556677")
    new = database.booksync_writes_invoice(user, "4", "C9", customer)

    migrate(url, Target.LEGACY)

    assert database.copy(new)[0] == "Marie"
    kept = database.row("SELECT row_id, legacy ->> 'customer_name' AS name FROM migration_receipt")
    assert kept == {"row_id": old, "name": "Nobody's"}
    migrate(url)
    migrate(url, Target.LEGACY)
    assert len(database.rows("SELECT id FROM migration_receipt")) == 1


@pytest.mark.starts_as(HEAD_ROWS)
def test_the_receipt_contains_the_result_for_every_value(database: Database) -> None:

    told = sorted((row["invoice"], row["column"], row["value"], row["outcome"]) for row in receipts(database))
    assert told == [
        ("1", "customer_country_code", "GB", "moved"),
        ("1", "customer_name", "Ada", "merged"),
        ("1", "customer_phone", "+442070313000", "moved"),  # the number in the verdict of 2
        ("1", "customer_timezone", "Europe/London", "moved"),
        ("2", "customer_name", "Ada Byron", "moved"),
        ("2", "customer_phone", "020 7031 3000", "moved"),
        ("2", "customer_timezone", "Europe/London", "moved"),
        ("3", "customer_country_code", "gb", "moved"),
        ("3", "customer_phone", "", "moved"),
    ]


@pytest.mark.starts_as(PHASE1)
def test_values_that_no_customer_can_hold_stay_in_the_receipt(url: str, database: Database) -> None:
    database.legacy_writes_invoice(database.a_user(), "1", country="Ruritania", zone="Mars/Phobos")

    migrate(url)

    customer = database.row("SELECT country_code, time_zone FROM customers_cache")
    assert customer == {"country_code": None, "time_zone": None}
    kept = {row["column"]: row["value"] for row in receipts(database) if row["outcome"] == "kept"}
    assert kept == {"customer_country_code": "Ruritania", "customer_timezone": "Mars/Phobos"}


@pytest.mark.starts_as(PHASE2_ROWS)
def test_the_downgrade_restores_the_old_values(url: str, database: Database) -> None:
    before = database.all_of("invoices_cache"), database.all_of("reminders")
    migrate(url)

    migrate(url, Target.PHASE2)

    database.rows("UPDATE invoices_cache SET plan_at = NULL")  # Phase 3 had made them due.
    assert (database.all_of("invoices_cache"), database.all_of("reminders")) == before


@pytest.mark.starts_as(HEAD)
def test_invoices_that_never_had_the_old_columns_get_them_from_their_customers(url: str, database: Database) -> None:
    user = database.a_user()
    customer = database.booksync_writes_customer(user, "C9", name="Marie", phone="+33144556677")
    invoice = database.booksync_writes_invoice(user, "1", "C9", customer)

    migrate(url, Target.LEGACY)

    assert database.copy(invoice) == ("Marie", "+33144556677", "FR", "Europe/Paris")


@pytest.mark.starts_as(PHASE2_ROWS)
def test_a_reminder_follows_its_invoice_to_another_customer_before_phase3(url: str, database: Database) -> None:
    user = database.the_user()
    invoice = database.legacy_writes_invoice(user, "1", customer="C2")

    migrate(url)

    reminder = database.row("SELECT customer_id FROM reminders WHERE invoice_id = %s", invoice)
    assert reminder["customer_id"] == database.customer_of(invoice)["id"]


@pytest.mark.starts_as(HEAD_ROWS)
def test_a_reminder_without_a_phone_has_an_empty_one_until_the_downgrade(url: str, database: Database) -> None:
    assert sorted(row["phone"] for row in database.rows("SELECT phone FROM reminders")) == ["", "+442070313000"]

    migrate(url, Target.PHASE2)

    assert {row["phone"] for row in database.rows("SELECT phone FROM reminders")} == {None, "+442070313000"}


@pytest.mark.starts_as(PHASE2_ROWS)
def test_phase3_judges_a_number_that_the_legacy_application_wrote_in_phase2(url: str, database: Database) -> None:
    user = database.the_user()
    new = database.legacy_writes_invoice(user, "4", customer="C9", phone="020 7031 3000", country="GB")
    assert database.customer_of(new)["phone_problem"] == "unknown_region"

    migrate(url)

    customer = database.customer_of(new)
    assert (customer["primary_phone"], customer["phone_problem"]) == ("+442070313000", None)
