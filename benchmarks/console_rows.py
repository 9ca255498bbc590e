"""The synthetic rows of everything but customers and invoices that the console lists, written by Postgres itself."""

from typing import Final

from sqlalchemy import Engine, text

from db.connections import Connection

#: The connections besides the large one, each of a user of its own, with 20 runs.
CONNECTIONS: Final = 4_999

DEAD_LETTERS: Final = 10_000
ACTIONS: Final = 100_000
HANDOVERS: Final = 200_000
HELD_DELETIONS: Final = 10_000

_USERS = f"INSERT INTO users (id) SELECT md5('user ' || n)::uuid FROM generate_series(1, {CONNECTIONS}) AS n"  # noqa: S608
_CONNECTIONS = f"""
    INSERT INTO booksync.zoho_connections (id, user_id, organization_id, organization_name, data_center, time_zone,
        country_code, handover, handover_opened_at, status, parked_reason, created_at)
    SELECT md5('connection ' || n)::uuid, md5('user ' || n)::uuid, (70000000 + n)::text, 'Organisation ' || n, 'eu',
           'Europe/Berlin', 'DE', CASE WHEN n % 2 = 0 THEN 'open' ELSE 'closed' END,
           CASE WHEN n % 2 = 0 THEN now() END, CASE WHEN n % 50 = 3 THEN 'parked' ELSE 'active' END,
           CASE WHEN n % 50 = 3 THEN 'the refresh token is not valid' END, now() - n * interval '1 minute'
      FROM generate_series(1, {CONNECTIONS}) AS n
"""  # noqa: S608
_SYNCED = """
    INSERT INTO sync_metadata (user_id, connection_id, last_customer_sync_at, last_invoice_sync_at)
    SELECT user_id, id, now(), now() FROM booksync.zoho_connections WHERE organization_id LIKE '7000%'
"""
_RUNS = """
    INSERT INTO booksync.sync_runs (user_id, connection_id, mode, phase, status, sweep_at, started_at, finished_at,
        error)
    SELECT user_id, id, 'incremental', 'done', run.status, now(), began, began + interval '40 seconds',
           CASE WHEN run.status = 'failed' THEN 'Zoho did not respond' END
      FROM booksync.zoho_connections
     CROSS JOIN LATERAL (
           SELECT now() - n * interval '5 minutes' AS began,
                  CASE WHEN n = 1 AND organization_id LIKE '%9' THEN 'failed' ELSE 'succeeded' END AS status
             FROM generate_series(1, 20) AS n) AS run
"""
_DEAD_LETTERS = f"""
    INSERT INTO booksync.dead_letters (subject, cause, queue_name, actor_name, arguments, connection_id, error_type,
        error, traceback, fingerprint, attempts, first_died_at, last_died_at, history)
    SELECT 'run ' || n, 'gave_up', 'sync', 'sync_invoices_page', '{{}}', md5('connection ' || 1 + n % 1000)::uuid,
           'ZohoUnavailableError', 'Zoho did not respond ' || n % 40, repeat('File "pages.py", line 7' || chr(10), 30),
           md5('group ' || n % 40), 5, now() - n * interval '1 minute', now() - n * interval '1 minute', '[]'
      FROM generate_series(1, {DEAD_LETTERS}) AS n
"""  # noqa: S608
_ACTIONS = f"""
    INSERT INTO booksync.operator_actions (operator, action, state, connection_id, subject, began_at, ended_at)
    SELECT 'operator ' || n % 5, 'sync', 'done', md5('connection ' || 1 + n % {CONNECTIONS})::uuid, '1 connection',
           now() - n * interval '1 minute', now() - n * interval '1 minute'
      FROM generate_series(1, {ACTIONS}) AS n
"""  # noqa: S608

#: Ten customers and twenty open invoices of each small connection. They also let Postgres know that most connections
#: are small.
_CUSTOMERS = """
    INSERT INTO booksync.customers_cache (user_id, connection_id, zoho_customer_id, customer_name, company_name,
        primary_phone, time_zone, time_zones, contact_persons, observed_at)
    SELECT user_id, id, n::text, 'Customer ' || n, '', '+4940' || (10000000 + n), 'Europe/Berlin', '{Europe/Berlin}',
           '[]', now()
      FROM booksync.zoho_connections CROSS JOIN generate_series(1, 10) AS n
     WHERE id <> :connection_id
"""
_INVOICES = """
    INSERT INTO invoices_cache (user_id, connection_id, zoho_invoice_id, zoho_customer_id, customer_id, invoice_number,
        status, date, due_date, total, balance, currency_code, plan_outcome, observed_at)
    SELECT user_id, connection_id, zoho_customer_id || '-' || n, zoho_customer_id, id, 'S-' || n, 'overdue',
           date '2026-01-01' + n, date '2026-02-01' + n, 100, 100, 'EUR', 'no_phone', now()
      FROM booksync.customers_cache CROSS JOIN generate_series(1, 2) AS n
     WHERE connection_id <> :connection_id
"""

#: The outcomes of the large connection; of a small connection only the oldest five.
_HANDOVERS = f"""
    INSERT INTO booksync.handovers (id, user_id, connection_id, phone, day, handed_over_at)
    SELECT md5('handover ' || n)::uuid,
           CASE WHEN n > 5 THEN CAST(:user_id AS uuid) ELSE md5('user 1')::uuid END,
           CASE WHEN n > 5 THEN CAST(:connection_id AS uuid) ELSE md5('connection 1')::uuid END,
           '+4930' || (10000000 + n), current_date - 200 + n / 1000,
           now() - interval '200 days' + n * interval '1 minute'
      FROM generate_series(1, {HANDOVERS}) AS n
"""  # noqa: S608
_OUTCOMES = f"""
    INSERT INTO booksync.handover_outcomes (handover_id, reminder_id, invoice_id, customer_id, phone_text, outcome,
        until, reported_at)
    SELECT md5('handover ' || n)::uuid, md5('reminder ' || n)::uuid, invoice.id, invoice.customer_id,
           '+4930' || (10000000 + n), (ARRAY['reached', 'promised', 'not_reached', 'disputed'])[1 + n % 4],
           CASE WHEN n % 4 = 1 THEN current_date END, now() - interval '199 days' + n * interval '1 minute'
      FROM generate_series(1, {HANDOVERS}) AS n
      JOIN invoices_cache AS invoice ON invoice.zoho_invoice_id = (50000000 + 1 + n % :invoices)::text
"""  # noqa: S608
_HELD = f"""
    WITH gone AS (
        UPDATE booksync.customers_cache SET gone_at = now()
         WHERE connection_id = :connection_id
           AND zoho_customer_id IN (SELECT (10000000 + n)::text FROM generate_series(1, {HELD_DELETIONS}) AS n)
        RETURNING connection_id, zoho_customer_id, gone_at)
    INSERT INTO booksync.held_deletions (connection_id, kind, record_id, evidence, found_at)
    SELECT connection_id, 'customer', zoho_customer_id, 'not_listed', gone_at FROM gone
"""  # noqa: S608
_NOT_CALLED = """
    INSERT INTO booksync.do_not_call (user_id, phone)
    SELECT :user_id, '+4930' || (10000000 + n * 17) FROM generate_series(1, 10000) AS n
"""


def fill_lists(engine: Engine, connection: Connection, invoices: int) -> None:
    """Write all rows except the customers and invoices of the large connection. `invoices` is their number there."""
    values = {"user_id": connection.user_id, "connection_id": connection.connection_id, "invoices": invoices}
    with engine.begin() as db:
        db.exec_driver_sql("SET LOCAL synchronous_commit = off")
        for statement in (
            _USERS,
            _CONNECTIONS,
            _SYNCED,
            _RUNS,
            _CUSTOMERS,
            _INVOICES,
            _DEAD_LETTERS,
            _ACTIONS,
            _HANDOVERS,
            _OUTCOMES,
            _HELD,
            _NOT_CALLED,
        ):
            db.execute(text(statement), values)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(text("VACUUM ANALYZE"))
