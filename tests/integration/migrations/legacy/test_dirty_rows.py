"""Rows with errors from spreadsheets, imports and scripts: no row is lost, and no two customers are merged."""

import datetime as dt
import uuid

import pytest
from alembic import command

from db.migrations.revisions import Target
from db.migrations.runner import alembic_config, migrate
from tests.integration.migrations.applications import Database, legacy_rows
from tests.integration.migrations.states import LEGACY, PHASE1, PHASE2

SPREADSHEET = "the customer id went through a spreadsheet"

IDS: list[tuple[str, str]] = [
    ("7018", "7018"),
    (" 7018\t", "7018"),
    ("\u00a07018", "7018"),  # the non-breaking space of web pages
    ("7018.0", "7018"),  # the id as a float
    (" 7018.0 ", "7018"),
    ("460000000026049.0", "460000000026049"),  # fifteen digits, which a float represents exactly
    ("1234567000000123456", "1234567000000123456"),  # Zoho's usual length
    ("0070", "0070"),  # a text; it is not necessarily 70
    ("C1", "C1"),
    ("null and void", "null and void"),  # more than the word
    ("NA-7", "NA-7"),
]

NO_IDS: list[tuple[str | None, str]] = [
    (None, "missing zoho_customer_id"),
    ("", "blank zoho_customer_id"),
    (" \u2003", "blank zoho_customer_id"),
    # Values of programs without a value.
    ("null", "no customer id: the word null"),
    (" NULL ", "no customer id: the word null"),
    ("<null>", "no customer id: the word null"),
    ('"null"', "no customer id: the word null"),
    ("None", "no customer id: the word none"),
    ("undefined", "no customer id: the word undefined"),
    ("NaN", "no customer id: the word nan"),
    ("nil", "no customer id: the word nil"),
    ("[object Object]", "no customer id: the word object object"),
    # Values that people type.
    ("n/a", "no customer id: the word n/a"),
    ("#N/A", "no customer id: the word n/a"),
    ("Unknown", "no customer id: the word unknown"),
    ("-", "no customer id: only punctuation"),
    ("- -", "no customer id: only punctuation"),
    ("\u2014", "no customer id: only punctuation"),  # a word processor's dash
    ("???", "no customer id: only punctuation"),
    ("0", "no customer id: zero"),
    ("0.0", "no customer id: zero"),
    ("000", "no customer id: zero"),
    ("-1", "no customer id: a negative number"),
    # A number in a spreadsheet's notation.
    ("7.018E+03", SPREADSHEET),
    ("4,6E+17", SPREADSHEET),
    ("1.23457e18", SPREADSHEET),
    ("7018.5", SPREADSHEET),
    ("7,018", SPREADSHEET),  # grouped, or with a decimal comma
    ("7.018", SPREADSHEET),
    ("7018.00", SPREADSHEET),
    ("460\u202f000\u202f000\u202f026\u202f049", SPREADSHEET),  # as French spreadsheets group
    ("1234567000000123456.0", SPREADSHEET),  # more digits than a float represents: it may be another customer's id
    ('="7018"', SPREADSHEET),
    ("#REF!", SPREADSHEET),
]


@pytest.mark.starts_as(PHASE1)
def test_a_customer_id_is_read_in_zohos_form(url: str, database: Database) -> None:
    user = database.a_user()
    invoices = [database.legacy_writes_invoice(user, given, customer=given) for given, _ in IDS]

    migrate(url, Target.PHASE2)

    found = [database.customer_of(invoice)["zoho_customer_id"] for invoice in invoices]
    assert found == [zoho_id for _, zoho_id in IDS]


@pytest.mark.starts_as(PHASE1)
def test_a_text_that_is_not_a_customer_id_is_quarantined_with_its_reason(url: str, database: Database) -> None:
    user = database.a_user()
    invoices = [
        database.legacy_writes_invoice(user, str(number), customer=given) for number, (given, _) in enumerate(NO_IDS)
    ]

    migrate(url, Target.PHASE2)

    assert database.rows("SELECT * FROM customers_cache") == []
    told = database.rows("SELECT row_id, reason, outcome FROM migration_receipt")
    assert {row["outcome"] for row in told} == {"quarantined"}
    reasons = {row["row_id"]: row["reason"] for row in told}
    assert [reasons[invoice] for invoice in invoices] == [reason for _, reason in NO_IDS]


@pytest.mark.parametrize("given", ["null", "0", "7.018E+03"])
@pytest.mark.starts_as(PHASE2)
def test_invoices_without_an_id_are_not_merged_into_one_customer_in_phase2(
    given: str, url: str, database: Database
) -> None:
    user = database.a_user()

    one = database.legacy_writes_invoice(user, "1", customer=given, name="Ada")
    database.legacy_writes_invoice(user, "2", customer=given, name="Grace")

    assert database.rows("SELECT * FROM customers_cache") == []
    assert database.copy(one)[0] == "Ada"


@pytest.mark.starts_as(PHASE2)
def test_an_invoice_whose_id_became_a_float_in_phase2_is_linked_to_its_customer(database: Database) -> None:
    user = database.a_user()
    one = database.legacy_writes_invoice(user, "1", customer="7018")

    other = database.legacy_writes_invoice(user, "2", customer="7018.0", name="Another spelling")

    assert database.customer_of(one) == database.customer_of(other)
    assert database.row("SELECT zoho_customer_id FROM invoices_cache WHERE id = %s", other) == {
        "zoho_customer_id": "7018.0"
    }


#: The text of an invoice → the value of its customer (None without a value); the receipt keeps the text in any case.
ZONES: list[tuple[str, str | None]] = [
    ("Asia/Kolkata", "Asia/Kolkata"),
    ("Asia/Calcutta", "Asia/Kolkata"),  # its former name
    (" Asia/Kolkata ", "Asia/Kolkata"),
    ("asia/kolkata", "Asia/Kolkata"),
    ("US/Pacific", "America/Los_Angeles"),
    ("Singapore", "Asia/Singapore"),  # Postgres interprets a name without a slash differently
    ("Europe/Oslo", "Europe/Oslo"),  # a link to Berlin's clock, but in use
    ("UTC", "UTC"),
    ("US/Pacific-New", None),  # withdrawn
    ("IST", None),  # India, Ireland or Israel
    ("EST", None),  # North America or Australia
    ("India Standard Time", None),  # Windows
    ("GMT+05:30", None),
    ("null", None),
]


@pytest.mark.starts_as(PHASE1)
def test_a_time_zone_gets_its_present_name_or_none(url: str, database: Database) -> None:
    user = database.a_user()
    invoices = [database.legacy_writes_invoice(user, given, customer=f"C{given}", zone=given) for given, _ in ZONES]

    migrate(url, Target.PHASE2)

    assert [database.customer_of(invoice)["time_zone"] for invoice in invoices] == [zone for _, zone in ZONES]
    kept = database.rows("SELECT row_id FROM migration_receipt WHERE 'customer_timezone' = ANY(unfit)")
    assert {row["row_id"] for row in kept} == {
        invoice for invoice, (_, zone) in zip(invoices, ZONES, strict=True) if zone is None
    }


Copy = tuple[str | None, str | None]

#: Copies of one customer, the oldest first: (phone, country) → its phone, the problem, the index of the winner.
PHONES: list[tuple[list[Copy], str | None, str | None, int | None]] = [
    # The newest valid one counts, not the newest one.
    ([("0171 1234567", "DE"), ("+49 171 1234567", "de"), ("491711234567", "Germany")], "+491711234567", None, 1),
    ([("+442070313000", "GB"), ("+442070313001", "GB"), ("n/a", "GB")], "+442070313001", None, 1),
    ([("+442070313000", "GB"), ("null", "NULL")], "+442070313000", None, 0),
    ([("+442070313000", "GB"), ("+999 1234567", "GB")], "+442070313000", None, 0),  # no country has that prefix
    ([("+442070313000", "GB"), ("+442070313001", "GB")], "+442070313001", None, 1),
    # Without a valid one, the newest that is not blank counts.
    ([("n/a", "GB"), ("ask Bob", "GB"), (" ", "GB")], "ask Bob", "not_a_number", 1),
    # A number is read with the country of its own copy.
    ([("0171 1234567", "DE"), (None, "GB")], "+491711234567", None, 0),
    ([("020 7031 3000", None), (None, "GB")], "+442070313000", None, 0),
    ([("n/a", "IN"), ("0912 345 6789", "Iran, Islamic Republic of")], "+989123456789", None, 1),
    # A spreadsheet has lost digits, or has made it a decimal number.
    ([("4.91512E+12", "DE")], "4.91512E+12", "not_alone", 0),
    ([("1701234567.0", "DE")], "+491701234567", None, 0),
    ([("491701234567", "DE")], "491701234567", "ambiguous", 0),
    # Two countries, two numbers: neither counts.
    ([("06 12 34 56 78", "FR"), (None, "MA")], "06 12 34 56 78", "unknown_region", 0),
    ([("06 12 34 56 78", "FR"), ("n/a", "FR")], "+33612345678", None, 0),
    # A country that is not understood is not replaced by the country of another copy.
    ([("n/a", "IN"), ("0912 345 6789", "Ruritania")], "0912 345 6789", "unknown_region", 1),
    ([], None, None, None),
]


@pytest.mark.starts_as(PHASE1)
def test_a_customer_gets_the_newest_valid_phone(url: str, database: Database, subtests: pytest.Subtests) -> None:
    written = [write_copies(database, copies) for copies, *_ in PHONES]

    migrate(url, Target.PHASE2)

    for (user, invoices), (copies, phone, problem, winner) in zip(written, PHONES, strict=True):
        with subtests.test(copies=copies):
            customer = database.row("SELECT primary_phone, phone_problem FROM customers_cache WHERE user_id = %s", user)
            assert customer == {"primary_phone": phone, "phone_problem": problem}
            won = database.rows(
                """
                SELECT DISTINCT coalesce((winners ->> 'customer_phone')::uuid, won_by) AS by
                FROM migration_receipt JOIN invoices_cache AS invoice ON invoice.id = row_id WHERE invoice.user_id = %s
                """,
                user,
            )
            if winner is not None:
                assert won == [{"by": invoices[winner]}]


def write_copies(database: Database, copies: list[Copy]) -> tuple[uuid.UUID, list[uuid.UUID]]:
    """A new user, and the invoices with these copies of one customer; an older invoice has an empty copy."""
    user = database.a_user()
    database.legacy_writes_invoice(user, "first", phone=None, country=None, updated_at="2026-01-01T00:00Z")
    return user, [
        database.legacy_writes_invoice(
            user,
            str(day),
            phone=text,
            country=country,
            updated_at=dt.datetime(2026, 2, 1 + day, tzinfo=dt.UTC).isoformat(),
        )
        for day, (text, country) in enumerate(copies)
    ]


@pytest.mark.starts_as(PHASE1)
def test_the_receipt_names_the_copy_whose_phone_counts(url: str, database: Database) -> None:
    user = database.a_user()
    older = database.legacy_writes_invoice(user, "1", phone="020 7031 3000", updated_at="2026-01-01T00:00Z")
    newest = database.legacy_writes_invoice(user, "2", phone="n/a", updated_at="2026-02-01T00:00Z")

    migrate(url, Target.PHASE2)

    told = database.rows(
        "SELECT row_id, won_by, winners, merged FROM migration_receipt ORDER BY legacy ->> 'customer_phone'"
    )
    winners = {"customer_phone": str(older)}
    assert told == [
        {"row_id": older, "won_by": newest, "winners": winners, "merged": []},
        {"row_id": newest, "won_by": newest, "winners": winners, "merged": ["customer_phone"]},
    ]


@pytest.mark.starts_as(PHASE2)
def test_a_number_that_an_application_inserts_waits_for_its_verdict(database: Database) -> None:
    # The number without its dot belongs to another person.
    invoice = database.legacy_writes_invoice(database.a_user(), "1", phone="+4930123456.0", country="DE")

    customer = database.customer_of(invoice)

    assert (customer["primary_phone"], customer["phone_problem"]) == ("+4930123456.0", "unknown_region")


@pytest.mark.starts_as(PHASE2)
def test_a_database_in_phase2_gets_the_rules_of_this_release(
    url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    present = database.schema()["functions"]
    monkeypatch.setenv("DATABASE_URL", url)
    command.downgrade(alembic_config(), "0007a_handover_phase2")
    database.rows("""
        CREATE OR REPLACE FUNCTION booksync_quarantine_reason(owner uuid, zoho_id text) RETURNS text
        LANGUAGE sql STABLE AS 'SELECT CASE WHEN owner IS NULL THEN ''missing user_id'' END'
    """)

    migrate(url, Target.PHASE2)

    assert database.schema()["functions"] == present


@pytest.mark.slow
@pytest.mark.starts_as(LEGACY)
def test_a_downgrade_restores_dirty_rows(url: str, database: Database) -> None:
    user = database.a_user()
    for number, (given, _) in enumerate(IDS + NO_IDS):
        database.legacy_writes_invoice(user, str(number), customer=given, phone=f"0{number}", zone="Asia/Calcutta")
    before = legacy_rows(database)

    migrate(url)
    moved_out = database.row("SELECT count(*) AS rows FROM migration_receipt WHERE is_moved_out")
    migrate(url, Target.LEGACY)

    assert moved_out == {"rows": len(NO_IDS)}
    assert legacy_rows(database) == before
