"""An application with an ORM's default types, and booksync, write the same rows during the migration and after it."""

import os
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from db.legacy import adopt
from db.migrations.revisions import Target
from db.migrations.runner import migrate
from tests.integration.migrations.orms.default_tables import TABLES

pytestmark = [pytest.mark.drill, pytest.mark.timeout(2400)]

SECONDS = float(os.environ.get("ORM_BOTH_WRITE_SECONDS", "120"))

_NUMBERS = 300
_WRITERS = 3

_APPLICATION_WRITES = """
    INSERT INTO invoices_cache (
        id, user_id, zoho_invoice_id, zoho_customer_id, customer_name, status, due_date, balance, updated_at
    ) VALUES (%(key)s, 'u1', %(number)s, %(customer)s, 'Ada', %(label)s, now(), %(amount)s, now())
    ON CONFLICT (user_id, zoho_invoice_id) DO UPDATE SET
        status = excluded.status, balance = excluded.balance, updated_at = excluded.updated_at
"""
_APPLICATION_REMINDS = """
    INSERT INTO reminders (user_id, invoice_id, step, scheduled_at)
    SELECT 'u1', id, 3, now() FROM invoices_cache WHERE zoho_invoice_id = %(number)s
    ON CONFLICT (invoice_id, step) DO UPDATE SET status = 'SENT'
"""
_BOOKSYNC_WRITES = """
    INSERT INTO invoices_cache AS cached (user_id, zoho_invoice_id, zoho_customer_id, status, balance, due_date)
    VALUES ('u1', %(number)s, %(customer)s, %(word)s, %(amount)s, current_date)
    ON CONFLICT (user_id, zoho_invoice_id) DO UPDATE SET
        status = excluded.status, balance = excluded.balance, due_date = excluded.due_date, updated_at = now()
"""
#: Rows whose two columns say different things. An ENUM lacks some of booksync's words.
_DIFFERENT = """
    SELECT 'invoice' FROM invoices_cache
    WHERE id IS DISTINCT FROM CASE WHEN length(legacy_id) = 36 THEN legacy_id::uuid ELSE md5(legacy_id)::uuid END
        OR status <> lower(legacy_status::text) AND NOT (status = 'overdue' AND legacy_status = 'SENT')
        OR balance <> legacy_balance::numeric
        OR due_date IS DISTINCT FROM (legacy_due_date AT TIME ZONE 'UTC')::date
        OR abs(extract(epoch FROM updated_at - legacy_updated_at AT TIME ZONE 'UTC')) > 0.001
    UNION ALL
    SELECT 'reminder' FROM reminders JOIN invoices_cache AS invoice ON invoice.legacy_id = reminders.legacy_invoice_id
    WHERE reminders.invoice_id <> invoice.id OR reminders.status <> lower(reminders.legacy_status::text)
"""


def test_both_columns_of_each_row_stay_equal(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as database:
        for statement in TABLES.split(";\n"):
            database.execute(statement.encode())
        database.execute("UPDATE invoices_cache SET zoho_customer_id = 'C1'")
        adopt(postgres_url)
        ended = threading.Event()
        with ThreadPoolExecutor(2 * _WRITERS) as pool:
            writers: list[Future[int]] = [
                pool.submit(writes, postgres_url, work, seed, ended)
                for seed in range(_WRITERS)
                for work in (application_writes, booksync_writes)
            ]
            try:
                for target in (Target.PHASE1, Target.PHASE2):
                    time.sleep(SECONDS / 3)
                    migrate(postgres_url, target)
                time.sleep(SECONDS / 3)
            finally:
                ended.set()
            assert min(writer.result() for writer in writers) > SECONDS
        assert database.execute(_DIFFERENT.encode()).fetchall() == []
        counts = database.execute("SELECT count(*) FROM invoices_cache").fetchone()
        migrate(postgres_url, Target.PHASE3)
        migrate(postgres_url, Target.LEGACY)
        assert database.execute(_DIFFERENT.encode()).fetchall() == []
        assert database.execute("SELECT count(*) FROM invoices_cache").fetchone() == counts


def writes(
    url: str, work: Callable[["psycopg.Connection[Any]", random.Random], None], seed: int, ended: threading.Event
) -> int:
    """Write until the end, in transactions that Postgres may abort, as a deadlock does; return how many succeeded."""
    chance, done = random.Random(seed), 0
    with psycopg.connect(url, autocommit=True, options="-c timezone=Asia/Kolkata") as session:
        while not ended.is_set():
            try:
                work(session, chance)
            except (psycopg.errors.DeadlockDetected, psycopg.errors.UniqueViolation):
                continue
            done += 1
    return done


def application_writes(session: "psycopg.Connection[Any]", chance: random.Random) -> None:
    session.execute("SET search_path = booksync_legacy, public")
    values = {
        "key": f"c{chance.getrandbits(64):x}",
        "number": f"I{chance.randrange(_NUMBERS)}",
        "customer": f"C{chance.randrange(50)}",
        "label": chance.choice(["DRAFT", "SENT", "PAID", "VOID"]),
        "amount": chance.randrange(10_000) / 4,
    }
    session.execute(_APPLICATION_WRITES, values)
    if chance.random() < 0.3:
        session.execute(_APPLICATION_REMINDS, values)


def booksync_writes(session: "psycopg.Connection[Any]", chance: random.Random) -> None:
    values = {
        "number": f"I{chance.randrange(_NUMBERS)}",
        "customer": f"C{chance.randrange(50)}",
        "word": chance.choice(["draft", "sent", "paid", "void", "overdue"]),
        "amount": chance.randrange(10_000) / 4,
    }
    session.execute(_BOOKSYNC_WRITES, values)
