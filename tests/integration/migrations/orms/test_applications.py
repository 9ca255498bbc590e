"""Applications over the default schemas of ORMs are adopted by the printed SQL, and migrated to phase 3 and back."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from db.legacy import plan, print_sql
from db.migrations.revisions import Target
from db.migrations.runner import migrate
from tests.drilled import drilled_except
from tests.integration.migrations.applications import Database
from tests.integration.migrations.orms.tools import BRIDGED, Application, Django, Drizzle, Prisma, Rows
from tests.programs import needed_program

pytestmark = pytest.mark.timeout(300)

_STAMP = "note the version 0001_legacy in booksync_alembic_version; no row is changed"


#: booksync's columns are never NULL where the application's must not be.
_UPSERT = """
    INSERT INTO public.invoices_cache AS cached (
        user_id, customer_id, zoho_invoice_id, zoho_customer_id, invoice_number, status, currency_code, date, due_date,
        total, balance, zoho_last_modified_at
    ) VALUES (
        %s, %s, 'B1', 'C2', 'INV-000000000000000000000000000000001', 'partially_paid', 'KWD', '2026-03-01', NULL,
        1.234, 1.234, '2026-03-01T10:00:00.123456Z'
    ) ON CONFLICT (user_id, zoho_invoice_id) DO UPDATE SET balance = excluded.balance, status = excluded.status
    RETURNING id
"""


# Prisma's ids are texts; `test_user_ids` migrates whole numbers, as Django's are.
@pytest.mark.slow
@pytest.mark.parametrize("orm", drilled_except((Prisma,), [Prisma, Drizzle, Django]), ids=lambda orm: orm.__name__)
def test_the_application_is_adopted_and_comes_back_unchanged(
    orm: type[Application], tmp_path: Path, url: str, engine: Engine, database: Database
) -> None:
    application = orm(tmp_path / "application", url)
    application.install()
    before = application.run("A1")

    adopt_by_psql(url, engine)
    application.options = BRIDGED
    assert application.run() == before
    application.run("A2")
    migrate(url, Target.PHASE1)
    application.run("A3")
    migrate(url, Target.PHASE2)
    of_both = both_write(application, database)
    assert application.proposals() == ""
    migrate(url, Target.PHASE3)
    database.rows("UPDATE invoices_cache SET balance = 7 WHERE zoho_invoice_id = 'A3'")
    migrate(url, Target.LEGACY)

    after = application.run()
    assert [float(row["balance"]) for row in after[0] if number_of(row) == "A3"] == [7]
    assert [row for row in after[0] if number_of(row) != "A3"] == [row for row in of_both[0] if number_of(row) != "A3"]
    # Only booksync's own reminder is cancelled.
    assert [row for row in after[1] if row["step"] == 3] == [row for row in of_both[1] if row["step"] == 3]
    assert after[2] == of_both[2]
    assert application.proposals() == ""
    assert len(application.run("A5")[0]) == len(after[0]) + 1


def adopt_by_psql(url: str, engine: Engine) -> None:
    with engine.connect() as db:
        script = print_sql(db)
    psql = [needed_program("psql"), "--no-psqlrc", "--quiet", url]
    done = subprocess.run(psql, input=script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")
    with engine.connect() as db:
        assert (plan(db).steps, plan(db).problems) == ((_STAMP,), ())


def both_write(application: Application, database: Database) -> Rows:
    """booksync changes an invoice of the application and adds rows. The application reads all rows."""
    rows = application.run("A4")
    database.rows("UPDATE public.invoices_cache SET status = 'deleted', due_date = NULL WHERE zoho_invoice_id = 'A4'")
    user = database.row("SELECT id FROM users")["id"]
    customer = database.booksync_writes_customer(user, "C2", name="Grace Hopper", phone="+33123456789")
    written = [database.row(_UPSERT, user, customer)["id"] for _ in range(2)]
    assert written[0] == written[1]
    invoice = written[0]
    database.booksync_writes_reminder(user, invoice, 7)
    database.rows("INSERT INTO public.sync_metadata (user_id) VALUES (%s)", user)
    seen = application.run()
    assert [len(table) for table in seen] == [len(rows[0]) + 1, len(rows[1]) + 1, len(rows[2])]
    changed = next(row for row in seen[0] if number_of(row) == "A4")
    # The ENUM of an ORM lacks this word of booksync.
    assert changed["status"] in ("void", "deleted")
    assert (changed.get("dueDate"), changed.get("due_date")) == (None, None)
    return seen


def number_of(row: dict[str, Any]) -> str:
    """Zoho's number of an invoice, whatever the ORM calls the column."""
    return str(row.get("zohoInvoiceId") or row.get("zoho_invoice_id"))
