"""Legacy tables that would make booksync fail later are reported at once, on every adoption path."""

import pytest
from sqlalchemy import Engine

from db.legacy import adopt, plan
from db.migrations.errors import MigrationRefusedError
from db.migrations.revisions import Target
from db.migrations.runner import migrate
from tests.integration.migrations.applications import Database
from tests.integration.migrations.states import UNSTAMPED

pytestmark = pytest.mark.starts_as(UNSTAMPED)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            (
                "CREATE TYPE word AS ENUM ('sent'); ALTER TABLE invoices_cache ALTER invoice_number TYPE word"
                " USING 'sent'::word"
            ),
            "invoices_cache.invoice_number is of type ENUM word, but booksync needs TEXT",
        ),
        (
            (
                "CREATE TYPE s AS ENUM ('PENDING', 'SENT'); ALTER TABLE reminders ALTER status DROP DEFAULT;"
                " ALTER TABLE reminders ALTER status TYPE s USING 'PENDING'::s"
            ),
            "reminders.status is of type ENUM s without the label 'scheduled'",
        ),
        (
            "ALTER TABLE invoices_cache ADD sync_hash text, ADD expected_payment_date timestamp",
            "invoices_cache.expected_payment_date is of type TIMESTAMP, but booksync keeps DATE",
        ),
        (
            "ALTER TABLE invoices_cache ALTER zoho_customer_id TYPE char(50)",
            r"invoices_cache.zoho_customer_id is of type CHAR\(50\), but booksync needs TEXT",
        ),
        (
            "ALTER TABLE invoices_cache ALTER total TYPE integer",
            "invoices_cache.total is of type INTEGER, but booksync needs NUMERIC",
        ),
        (
            (
                "DELETE FROM reminders; ALTER TABLE reminders DROP CONSTRAINT pk_reminders, ADD code text PRIMARY KEY,"
                " ADD UNIQUE (id)"
            ),
            "reminders.code is NOT NULL and has no default",
        ),
        (
            "ALTER TABLE reminders ALTER status SET DEFAULT 'pending'",
            "reminders.status has the default 'pending'::text, but booksync needs 'scheduled'",
        ),
        ("ALTER TABLE users DROP CONSTRAINT pk_users CASCADE", "users.id is neither the primary key nor unique"),
        (
            "ALTER TABLE sync_metadata DROP CONSTRAINT pk_sync_metadata, ADD PRIMARY KEY (user_id)",
            "sync_metadata.user_id is the primary key",
        ),
    ],
)
def test_a_table_that_would_make_booksync_fail_is_reported(
    change: str, sentence: str, url: str, database: Database
) -> None:
    for statement in change.split("; "):
        database.rows(statement)
    before = database.schema()

    for take in (adopt, migrate):
        with pytest.raises(MigrationRefusedError, match=sentence):
            take(url)
        database.rows("DROP TABLE IF EXISTS booksync_alembic_version")

    assert database.schema() == before


@pytest.mark.slow
def test_tables_with_harmless_differences_are_accepted(url: str, database: Database) -> None:
    for harmless in (
        "ALTER TABLE invoices_cache ALTER status TYPE varchar(40), ALTER status SET NOT NULL",
        "ALTER TABLE invoices_cache ALTER zoho_invoice_id TYPE varchar(64), ALTER currency_code TYPE varchar(3)",
        "ALTER TABLE invoices_cache ADD note text NOT NULL DEFAULT '', ADD serial bigint GENERATED ALWAYS AS IDENTITY",
        "ALTER TABLE reminders ALTER status TYPE varchar",
        "ALTER TABLE users ADD email text, ADD UNIQUE (email)",
    ):
        database.rows(harmless)

    assert adopt(url).to_revision == "0001_legacy"
    migrate(url)
    migrate(url, Target.LEGACY)


LIMITS = {
    "ALTER TABLE invoices_cache ALTER status TYPE varchar(10)": "let invoices_cache.status hold more than 10",
    "ALTER TABLE invoices_cache ALTER customer_phone TYPE varchar(40)": (
        "let invoices_cache.customer_phone hold more than 40"
    ),
    "UPDATE reminders SET phone = ''; ALTER TABLE reminders ALTER phone TYPE varchar(15)": (
        "let reminders.phone hold more than 15"
    ),
    "UPDATE invoices_cache SET customer_name = ''; ALTER TABLE invoices_cache ALTER customer_name SET NOT NULL": (
        "let invoices_cache.customer_name be empty"
    ),
    "ALTER TABLE invoices_cache ALTER balance TYPE numeric(12, 2)": (
        "let invoices_cache.balance hold amounts as exact as Zoho's"
    ),
}


@pytest.mark.slow
def test_adoption_removes_limits_and_reports_each(url: str, engine: Engine, database: Database) -> None:
    for limit in LIMITS:
        for statement in limit.split("; "):
            database.rows(statement)
    with engine.connect() as db:
        steps = plan(db).steps
    with pytest.raises(MigrationRefusedError, match="--adopt`: ") as refused:
        migrate(url, Target.PHASE1)
    for sentence in LIMITS.values():
        assert any(step.startswith(sentence) for step in steps), sentence
        assert sentence in str(refused.value)
    database.rows("DROP TABLE IF EXISTS booksync_alembic_version")

    adopt(url)
    with engine.connect() as db:
        assert plan(db).revision == "0001_legacy"
    migrate(url)
    migrate(url, Target.LEGACY)


@pytest.mark.slow
def test_a_plain_migration_is_refused_without_a_key_that_adoption_would_add(url: str, database: Database) -> None:
    database.rows("ALTER TABLE invoices_cache DROP CONSTRAINT uq_invoices_cache_user_id_zoho_invoice_id")

    with pytest.raises(
        MigrationRefusedError,
        match=r"run `booksync migrate --adopt`: build a unique index on invoices_cache \(user_id, z",
    ):
        migrate(url, Target.PHASE1)

    adopt(url)
    assert migrate(url, Target.PHASE1).to_revision == "0004_phase1"
