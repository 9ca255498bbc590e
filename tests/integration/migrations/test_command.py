"""`booksync migrate` as an operator uses it: the report, its export, progress, and adoption."""

import csv
import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from db.legacy import print_sql
from db.migrations.batches import Progress
from db.migrations.errors import MigrationRefusedError
from db.migrations.revisions import Target
from db.migrations.runner import migrate
from tests.integration.migrations.applications import Database
from tests.integration.migrations.states import HEAD_ROWS, LEGACY, LEGACY_ROWS, PHASE1_ROWS
from workers.cli.app import app
from workers.cli.migrate import Teller


class Command:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
        monkeypatch.setenv("DATABASE_URL", url)

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, ["migrate", *arguments])

    def json(self, *arguments: str) -> dict[str, Any]:
        result = self(*arguments, "--json")
        assert result.exit_code == 0, result.output
        told: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
        return told


@pytest.fixture
def booksync_migrate(monkeypatch: pytest.MonkeyPatch, url: str) -> Command:
    return Command(monkeypatch, url)


@pytest.mark.slow
def test_the_requested_output_goes_to_stdout(booksync_migrate: Command) -> None:
    assert booksync_migrate().stdout == "The schema is at 0015_connecting_phase3 now.\n"
    assert booksync_migrate().stdout == "The schema is at 0015_connecting_phase3 already.\n"
    assert "Unaccounted for: 0 invoices." in booksync_migrate("--report").stdout
    assert len(booksync_migrate("--report", "--json").stdout.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.starts_as(LEGACY_ROWS)
def test_the_report_contains_the_totals(booksync_migrate: Command, url: str, database: Database) -> None:
    user = database.the_user()
    database.legacy_writes_invoice(user, "4", customer=" ", zone="Mars/Phobos")
    migrate(url, Target.PHASE2)
    database.legacy_writes_invoice(user, "2", name="Renamed")

    told = booksync_migrate.json("--report")

    assert told == {
        "revision": "0007e_connecting_phase2",
        "unaccounted": 0,
        "rows": {"invoices_cache": {"merged": 2, "moved": 1, "quarantined": 1}},
        "values": {
            "customer_country_code": {"moved": 3, "quarantined": 1},
            "customer_name": {"merged": 2, "quarantined": 1},
            "customer_phone": {"moved": 3, "quarantined": 1},
            "customer_timezone": {"moved": 2, "quarantined": 1},
        },
        "quarantined": {"blank zoho_customer_id": 1},
        "late": 1,
    }


@pytest.mark.starts_as(HEAD_ROWS)
def test_the_export_contains_every_value_and_the_winning_row(
    booksync_migrate: Command, url: str, database: Database, tmp_path: Path
) -> None:
    ids = {row["id"]: row["zoho_invoice_id"] for row in database.all_of("invoices_cache")}

    database.rows('UPDATE migration_receipt SET legacy = legacy || \'{"customer_phone": "=1+1"}\' RETURNING id')
    told = booksync_migrate.json("--report", "--csv", str(tmp_path / "receipt.csv"))

    with (tmp_path / "receipt.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert told["csv_values"] == len(rows)
    assert (tmp_path / "receipt.csv").stat().st_mode & 0o777 == 0o600
    (lost,) = [row for row in rows if row["value"] == "Ada"]
    assert (lost["column_name"], lost["outcome"], lost["is_current"]) == ("customer_name", "merged", "True")
    assert (ids[lost["row_id"]], ids[lost["won_by"]]) == ("1", "2")
    assert {row["value"] for row in rows if row["column_name"] == "customer_phone"} == {"'=1+1"}


@pytest.mark.starts_as(PHASE1_ROWS)
def test_nothing_is_accounted_for_before_phase2(booksync_migrate: Command, url: str, database: Database) -> None:
    assert booksync_migrate.json("--report")["unaccounted"] == 3


@pytest.mark.starts_as(LEGACY)
def test_no_report_without_receipts(booksync_migrate: Command, url: str) -> None:
    assert "The receipt does not exist yet" in str(booksync_migrate("--report").exception)


@pytest.mark.parametrize("arguments", [("--to", "head", "--report"), ("--adopt", "--csv", "x"), ("--yes",)])
def test_options_that_exclude_each_other_are_refused(arguments: tuple[str, ...], booksync_migrate: Command) -> None:
    assert booksync_migrate(*arguments).exit_code == 2


@pytest.mark.starts_as(HEAD_ROWS)
def test_the_command_goes_back_to_the_revision_of_an_earlier_release(booksync_migrate: Command) -> None:
    told = booksync_migrate.json("--to", "0007d_schema_phase2")
    assert (told["from"], told["to"]) == ("0015_connecting_phase3", "0007d_schema_phase2")
    assert booksync_migrate.json()["to"] == "0015_connecting_phase3"


def test_an_unknown_revision_is_wrong_usage(booksync_migrate: Command) -> None:
    assert booksync_migrate("--to", "0016_unknown").exit_code == 2


def test_only_long_operations_show_their_progress() -> None:
    seconds = iter([0.0, 1.0, 3.0, 4.0, 9.0, 10.0, 11.0, 12.5])
    log = io.StringIO()
    with Teller(Console(file=log, width=80), clock=lambda: next(seconds)) as teller:
        for done in (500, 1000, 1500, 2000, 2500):
            teller(Progress("invoices", done, 1_000_000))
        for done in (100, 200, 300):
            teller(Progress("customers", done, None))

    assert log.getvalue().splitlines() == [
        "  invoices: 1,500 of about 1,000,000 rows",
        "  invoices: 2,500 of about 1,000,000 rows",
        "  customers: 300 rows",
    ]


def an_application_in_camel_case(url: str, database: Database) -> None:
    """Tables as an ORM creates them: quoted names, no defaults in the database, the key in an index."""
    database.rows("CREATE TABLE users (id uuid PRIMARY KEY, email text)")
    database.rows("""
        CREATE TABLE invoices_cache (
            "id" uuid PRIMARY KEY, "userId" uuid NOT NULL REFERENCES users (id), "zohoInvoiceId" text NOT NULL,
            "zohoCustomerId" text, "customerName" text, "customerPhone" text, "customerCountryCode" text,
            "customerTimeZone" text, "invoiceNumber" text, "status" text, "date" date, "dueDate" date,
            "total" numeric(12, 2), "balance" numeric(12, 2), "currencyCode" text, "zohoLastModifiedAt" timestamptz,
            "localLastSyncedAt" timestamptz NOT NULL, "createdAt" timestamptz NOT NULL,
            "updatedAt" timestamptz NOT NULL, "internalNote" text
        )
    """)
    database.rows("""
        CREATE TABLE reminders (
            "id" uuid PRIMARY KEY, "userId" uuid NOT NULL, "invoiceId" uuid NOT NULL REFERENCES invoices_cache (id),
            "step" integer NOT NULL, "scheduledAt" timestamptz NOT NULL, "phone" text, "status" text NOT NULL,
            "createdAt" timestamptz NOT NULL, "updatedAt" timestamptz NOT NULL, UNIQUE ("invoiceId", "step")
        )
    """)
    database.let_the_legacy_application_in()


def camel_writes(database: Database, user: str, number: str, name: str) -> None:
    database.legacy_rows(
        """
        INSERT INTO invoices_cache (
            "id", "userId", "zohoInvoiceId", "zohoCustomerId", "customerName", "localLastSyncedAt", "createdAt",
            "updatedAt", "internalNote"
        ) VALUES (gen_random_uuid(), %s, %s, 'C1', %s, now(), now(), now(), 'note')
        ON CONFLICT ("userId", "zohoInvoiceId") DO UPDATE SET "customerName" = excluded."customerName"
        """,
        *(user, number, name),
    )


def test_adopting_explains_itself_first_and_asks_only_in_a_terminal(
    booksync_migrate: Command, url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    an_application_in_camel_case(url, database)
    monkeypatch.setattr("workers.cli.legacy_migration.sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    monkeypatch.setattr("typer.confirm", lambda *_, **__: False)

    told = booksync_migrate.json("--adopt")

    assert (told["adopted"], told["revision"]) == (False, None)
    assert {table["name"]: table["style"] for table in told["tables"]} == {
        "users": "snake_case",
        "invoices_cache": "camelCase",
        "reminders": "camelCase",
        "sync_metadata": "snake_case",
    }
    steps = "\n".join(told["steps"])
    assert "customerTimeZone to customer_timezone" in steps
    assert "make the table sync_metadata, which is missing" in steps
    assert "build a unique index on invoices_cache (user_id, zoho_invoice_id)" in steps
    assert database.row("SELECT to_regclass('booksync_alembic_version') AS stamp") == {"stamp": None}
    assert database.rows('SELECT "customerName" FROM invoices_cache') == []
    with pytest.raises(MigrationRefusedError, match="run `booksync migrate --adopt`"):
        migrate(url)


@pytest.mark.slow
def test_an_application_in_camel_case_continues_through_the_views(
    booksync_migrate: Command, url: str, database: Database
) -> None:
    an_application_in_camel_case(url, database)
    user = str(database.row("INSERT INTO users (id) VALUES (gen_random_uuid()) RETURNING id")["id"])
    # The index that the adoption will build is still missing.
    database.rows(
        """
        INSERT INTO invoices_cache ("id", "userId", "zohoInvoiceId", "zohoCustomerId", "customerName",
            "localLastSyncedAt", "createdAt", "updatedAt")
        VALUES (gen_random_uuid(), %s, '1', 'C1', 'Before', now(), now(), now())
        """,
        user,
    )

    assert booksync_migrate.json("--adopt")["adopted"], "no question without a terminal"
    assert booksync_migrate.json("--adopt")["revision"] == "0001_legacy"

    database.rows("SET search_path = booksync_legacy, public")
    for phase in (Target.LEGACY, Target.PHASE1, Target.PHASE2):
        migrate(url, phase)
        camel_writes(database, user, str(phase), f"In {phase}")
        camel_writes(database, user, "1", f"Changed in {phase}")
        database.legacy_rows(
            """
            INSERT INTO reminders (
                "id", "userId", "invoiceId", "step", "scheduledAt", "status", "createdAt", "updatedAt"
            )
            SELECT gen_random_uuid(), "userId", "id", 3, now(), 'scheduled', now(), now()
            FROM invoices_cache WHERE "zohoInvoiceId" = %s
            """,
            str(phase),
        )
    migrate(url, Target.PHASE3)
    assert database.row("SELECT to_regclass('booksync_legacy.invoices_cache') AS view") == {"view": None}
    assert len(database.rows("SELECT id FROM public.reminders WHERE customer_id IS NULL")) == 0
    migrate(url, Target.LEGACY)
    assert len(database.legacy_rows('SELECT "invoiceId" FROM reminders')) == 3
    found = database.legacy_rows('SELECT "zohoInvoiceId", "customerName" FROM invoices_cache ORDER BY 1')
    assert [tuple(row.values()) for row in found] == [
        ("1", "Changed in phase2"),
        ("legacy", "In legacy"),
        ("phase1", "In phase1"),
        ("phase2", "In phase2"),
    ]


@pytest.mark.starts_as(LEGACY_ROWS)
def test_an_application_in_snake_case_is_stamped_and_otherwise_unchanged(
    booksync_migrate: Command, url: str, database: Database
) -> None:
    database.rows("DROP TABLE booksync_alembic_version")
    before = database.schema()

    told = booksync_migrate.json("--adopt", "--yes")

    assert told["steps"] == ["note the version 0001_legacy in booksync_alembic_version; no row is changed"]
    database.rows("DROP TABLE booksync_alembic_version")
    before_again = database.schema()
    assert [row for row in before["columns"] if "booksync" not in row["table_name"]] == before_again["columns"]


def test_the_sql_is_printed_and_nothing_is_changed(
    booksync_migrate: Command, url: str, engine: Engine, database: Database
) -> None:
    an_application_in_camel_case(url, database)
    before = database.schema()

    printed = booksync_migrate("--adopt", "--print-sql")

    assert printed.exit_code == 0
    with engine.connect() as db:
        assert printed.stdout == print_sql(db)
    assert "\nCREATE UNIQUE INDEX CONCURRENTLY" in printed.stdout
    assert printed.stdout.count("Lock: ") == printed.stdout.count("Cost: ") > 5
    assert database.schema() == before
    for wrong in (("--print-sql",), ("--adopt", "--print-sql", "--yes"), ("--adopt", "--print-sql", "--json")):
        assert booksync_migrate(*wrong).exit_code == 2


def test_the_reason_is_given_for_a_database_that_cannot_be_adopted(
    booksync_migrate: Command, url: str, database: Database
) -> None:
    database.rows("CREATE TABLE users (id numeric PRIMARY KEY)")
    database.rows("CREATE TABLE sync_metadata (id uuid, owner uuid)")

    result = booksync_migrate("--adopt", "--yes")

    assert result.exit_code == 1
    assert "users.id is of type NUMERIC, but booksync needs UUID, TEXT or BIGINT" in str(result.exception)
    assert "sync_metadata is there, but without user_id: add what is missing" in str(result.exception)
