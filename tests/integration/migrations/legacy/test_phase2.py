"""Phase 2: customers are created from the invoices' copies, and both applications write side by side."""

import random
import string

import pytest
from sqlalchemy import Engine

from db.legacy import values
from db.migrations.revisions import Target
from db.migrations.runner import migrate
from tests.integration.migrations.applications import Database, legacy_rows
from tests.integration.migrations.states import LEGACY_ROWS, PHASE1, PHASE2_ROWS


@pytest.mark.starts_as(PHASE1)
def test_the_copy_written_last_makes_the_customer(url: str, database: Database) -> None:
    user = database.a_user()
    older = database.legacy_writes_invoice(user, "1", name="Older", updated_at="2026-03-01T00:00Z")
    newest = database.legacy_writes_invoice(user, "2", name="Newest", updated_at="2026-03-03T00:00Z")
    database.legacy_writes_invoice(user, "3", name="Newer", updated_at="2026-03-02T00:00Z")

    migrate(url, Target.PHASE2)

    customer = database.row("SELECT * FROM customers_cache")
    assert customer["customer_name"] == "Newest"
    assert (customer["zoho_customer_id"], customer["country_code"]) == ("C1", "GB")
    assert customer["time_zone"] == "Europe/London"
    assert database.customer_of(older) == database.customer_of(newest) == customer
    assert database.copy(older)[0] == "Older"


@pytest.mark.starts_as(PHASE1)
def test_the_invoice_that_zoho_changed_last_counts_for_copies_written_at_once(url: str, database: Database) -> None:
    user = database.a_user()
    for number, name, modified_at in (
        ("1", "Undated", None),
        ("2", "Newest", "2026-03-02"),
        ("3", "Older", "2026-03-01"),
    ):
        database.legacy_writes_invoice(user, number, name=name, modified_at=modified_at, updated_at="2026-03-05T00:00Z")

    migrate(url, Target.PHASE2)

    assert database.row("SELECT customer_name FROM customers_cache") == {"customer_name": "Newest"}


@pytest.mark.starts_as(PHASE1)
def test_each_value_comes_from_the_newest_copy_that_has_one(url: str, database: Database, engine: Engine) -> None:
    user = database.a_user()
    copies: list[dict[str, str | None]] = [
        {"name": None, "phone": None, "country": None, "zone": None},
        {"name": " \u00a0", "phone": "", "country": "ZZ", "zone": "Europe/Paris"},
        {"name": "Ada Byron", "phone": None, "country": "GB", "zone": None},
        {"name": "Ada", "phone": "+442070313000", "country": "FR", "zone": "Europe/London"},
    ]
    newest, second, third, oldest = [
        database.legacy_writes_invoice(user, str(day), updated_at=f"2026-03-0{9 - day}T00:00Z", **copy)
        for day, copy in enumerate(copies, start=1)
    ]

    migrate(url, Target.PHASE2)

    customer = database.customer_of(newest)
    found = {name: customer[name] for name in ("customer_name", "primary_phone", "country_code", "time_zone")}
    assert found == {
        "customer_name": "Ada Byron",
        "primary_phone": "+442070313000",
        "country_code": "GB",
        "time_zone": "Europe/Paris",
    }
    with engine.connect() as db:
        told = {(row[1], row[3]): (row[5], row[8]) for row in values(db)}
    assert told == {
        (second, "customer_name"): ("merged", third),
        (second, "customer_phone"): ("merged", oldest),
        (second, "customer_country_code"): ("kept", third),
        (second, "customer_timezone"): ("moved", second),
        (third, "customer_name"): ("moved", third),
        (third, "customer_country_code"): ("moved", third),
        (oldest, "customer_name"): ("merged", third),
        (oldest, "customer_phone"): ("moved", oldest),
        (oldest, "customer_country_code"): ("merged", third),
        (oldest, "customer_timezone"): ("merged", second),
    }


@pytest.mark.slow
@pytest.mark.starts_as(LEGACY_ROWS)
def test_a_customer_id_that_is_too_long_is_quarantined(url: str, database: Database) -> None:
    user = database.the_user()
    # Random, because repeated text is compressed and would fit.
    endless = "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=8_000))
    invoices = [
        database.legacy_writes_invoice(user, "4", customer=endless),
        database.legacy_writes_invoice(user, "5", customer="9" * 201),
    ]
    longest = database.legacy_writes_invoice(user, "6", customer=" " + "9" * 200)
    before = legacy_rows(database)

    migrate(url, Target.PHASE2)
    invoices.append(database.legacy_writes_invoice(user, "7", customer=endless))

    told = database.rows("SELECT row_id, reason FROM migration_receipt WHERE outcome = 'quarantined' ORDER BY id")
    assert {row["row_id"]: row["reason"] for row in told} == dict.fromkeys(invoices, "overlong zoho_customer_id")
    assert database.customer_of(longest)["zoho_customer_id"] == "9" * 200
    database.legacy_rows("DELETE FROM invoices_cache WHERE id = %s", invoices.pop())
    migrate(url)
    migrate(url, Target.LEGACY)
    assert legacy_rows(database) == before


@pytest.mark.starts_as(PHASE1)
def test_one_customer_id_of_two_users_makes_two_customers(url: str, database: Database) -> None:
    one, other = database.a_user(), database.a_user()
    of_one = database.legacy_writes_invoice(one, "1", name="Ada")
    of_other = database.legacy_writes_invoice(other, "1", name="Grace")

    migrate(url, Target.PHASE2)

    assert database.customer_of(of_one)["customer_name"] == "Ada"
    assert database.customer_of(of_other)["customer_name"] == "Grace"


@pytest.mark.starts_as(PHASE1)
def test_a_customer_from_zoho_stays_unchanged(url: str, database: Database) -> None:
    user = database.a_user()
    invoice = database.legacy_writes_invoice(user, "1", name="A copy")
    customer = database.booksync_writes_customer(user, "C1", name="From Zoho", phone="+33144556677")

    migrate(url, Target.PHASE2)

    assert database.customer_of(invoice)["id"] == customer
    assert database.customer_of(invoice)["customer_name"] == "From Zoho"
    assert database.copy(invoice)[0] == "A copy"


#: The text and the country of an invoice → the phone of its customer, and the problem.
NUMBERS: list[tuple[str | None, str | None, str | None, str | None]] = [
    ("+442070313000", "GB", "+442070313000", None),
    ("+44 20 7031-3000", None, "+442070313000", None),  # the same number, as people write it
    ("+44 (0)20 7031 3000", None, "+442070313000", None),  # the zero must not be dialled
    ("020 7031 3000", "GB", "+442070313000", None),
    ("020 7031 3000", " gb", "+442070313000", None),
    ("020 7031 3000", "UK", "+442070313000", None),
    ("020 7031 3000", None, "020 7031 3000", "unknown_region"),
    ("020 7031 3000", "Great Britain", "+442070313000", None),
    ("020 7031 3000", "U.K.", "+442070313000", None),
    ("020 7031 3000", "+44", "+442070313000", None),
    ("020 7031 3000", "GB-ENG", "+442070313000", None),
    ("020 7031 3000", "NULL", "020 7031 3000", "unknown_region"),
    ("020 7031 3000", "Ruritania", "020 7031 3000", "unknown_region"),
    ("020 7031 3000 1234", "GB", "020 7031 3000 1234", "too_long"),
    ("n/a", "GB", "n/a", "not_a_number"),
    (" ", "GB", None, None),
    (None, "GB", None, None),
]


@pytest.mark.starts_as(PHASE1)
def test_a_number_is_judged_with_the_country_of_its_row(url: str, database: Database) -> None:
    invoices = [
        database.legacy_writes_invoice(database.a_user(), "1", phone=given, country=country)
        for given, country, *_ in NUMBERS
    ]

    migrate(url, Target.PHASE2)

    customers = [database.customer_of(invoice) for invoice in invoices]
    found = [(customer["primary_phone"], customer["phone_problem"]) for customer in customers]
    expected = [(phone, problem) for *_, phone, problem in NUMBERS]
    assert dict(zip(NUMBERS, found, strict=True)) == dict(zip(NUMBERS, expected, strict=True))
    assert [database.copy(invoice)[1] for invoice in invoices] == [given for given, *_ in NUMBERS]


@pytest.mark.starts_as(PHASE1)
def test_a_valid_number_is_not_lost_because_of_other_copies(url: str, database: Database) -> None:
    user = database.a_user()
    for number in ("1", "2"):
        database.legacy_writes_invoice(user, number, phone="020 7031 3000")

    migrate(url, Target.PHASE2)

    assert database.row("SELECT primary_phone FROM customers_cache") == {"primary_phone": "+442070313000"}
    receipts = database.rows("SELECT outcome, legacy ->> 'customer_phone' AS phone FROM migration_receipt")
    assert receipts == [{"outcome": "moved", "phone": "020 7031 3000"}] * 2


@pytest.mark.starts_as(PHASE1)
def test_a_number_from_zoho_is_not_judged_again(url: str, database: Database) -> None:
    user = database.a_user()
    customer = database.booksync_writes_customer(user, "C1", name="From Zoho", phone="020 7031 3000")
    database.rows("UPDATE customers_cache SET phone_problem = 'unknown_region', country_code = 'GB' RETURNING id")
    database.legacy_writes_invoice(user, "1")

    migrate(url, Target.PHASE2)

    assert database.row("SELECT primary_phone FROM customers_cache WHERE id = %s", customer) == {
        "primary_phone": "020 7031 3000"
    }


@pytest.mark.starts_as(PHASE2_ROWS)
def test_reminders_are_linked_to_the_customers_of_their_invoices(database: Database) -> None:
    linked = database.rows(
        """
        SELECT reminder.id FROM reminders AS reminder
        JOIN invoices_cache AS invoice ON invoice.id = reminder.invoice_id
        WHERE reminder.customer_id = invoice.customer_id
        """
    )
    assert len(linked) == 2


@pytest.mark.starts_as(PHASE2_ROWS)
def test_an_invoice_inserted_by_the_legacy_application_gets_its_customer(database: Database) -> None:
    user = database.the_user()
    known = database.legacy_writes_invoice(user, "4", customer="C1", name="Another spelling")
    new = database.legacy_writes_invoice(user, "5", customer="C9", name="Grace", phone="+1 212 555 2368")
    database.legacy_writes_reminder(user, new)

    assert database.customer_of(known)["customer_name"] == "Ada Byron"
    assert database.copy(known)[0] == "Another spelling"
    customer = database.customer_of(new)
    assert (customer["customer_name"], customer["primary_phone"]) == ("Grace", "+12125552368")
    reminder = database.row("SELECT customer_id FROM reminders WHERE invoice_id = %s", new)
    assert reminder["customer_id"] == customer["id"]


@pytest.mark.starts_as(PHASE2_ROWS)
def test_an_invoice_that_the_legacy_application_moves_to_another_customer_is_linked_again(database: Database) -> None:
    user = database.the_user()
    invoice = database.legacy_writes_invoice(user, "1", customer="C2", name="Somebody else")

    assert database.customer_of(invoice)["zoho_customer_id"] == "C2"


@pytest.mark.starts_as(PHASE2_ROWS)
def test_an_invoice_inserted_by_booksync_gets_the_old_columns(database: Database) -> None:
    user = database.the_user()
    customer = database.booksync_writes_customer(user, "C9", name="Marie", phone="+33144556677")

    invoice = database.booksync_writes_invoice(user, "4", "C9", customer)

    assert database.copy(invoice) == ("Marie", "+33144556677", "FR", "Europe/Paris")


@pytest.mark.starts_as(PHASE2_ROWS)
def test_an_invoice_that_booksync_moves_to_another_customer_gets_the_copy_of_that_customer(database: Database) -> None:
    user = database.the_user()
    customer = database.booksync_writes_customer(user, "C9", name="Marie", phone="+33144556677")

    invoice = database.booksync_writes_invoice(user, "1", "C9", customer)

    assert database.copy(invoice) == ("Marie", "+33144556677", "FR", "Europe/Paris")


@pytest.mark.starts_as(PHASE2_ROWS)
def test_leaving_phase2_deletes_customers_made_from_copies_and_keeps_those_of_zoho(
    url: str, database: Database
) -> None:
    user = database.the_user()
    database.booksync_writes_customer(user, "C9", name="Marie", phone="+33144556677")

    migrate(url, Target.PHASE1)

    assert [row["zoho_customer_id"] for row in database.rows("SELECT * FROM customers_cache")] == ["C9"]
