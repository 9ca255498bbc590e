"""The synthetic customers, invoices and reminders of one organisation, written by Postgres itself."""

import time

from sqlalchemy import Engine, text

from benchmarks.installation import a_connection_in
from db.connections import Connection

#: Invoices for each customer.
_INVOICES_A_CUSTOMER = 10 / 3

_SYLLABLES = "ARRAY['ber','gen','hol','ka','lun','mer','nor','ost','pa','ri','sen','tal','ul','ver','wes','zim']"

#: Two made-up words of three syllables, and a kind of company; 4,096 different words, as in a directory of companies.
#: Twelve customers of each thousand share a number.
_CUSTOMERS = """
    INSERT INTO booksync.customers_cache (user_id, connection_id, zoho_customer_id, customer_name, company_name,
        primary_phone, phone_problem, phone_verdict, primary_email, time_zone, time_zones, contact_persons, observed_at)
    SELECT :user_id, :connection_id, (10000000 + n)::text,
           initcap(pg_temp.word(n * 7)) || ' ' || initcap(pg_temp.word(n * 1013))
           || (ARRAY[' GmbH', ' & Co. KG', ' Ltd', ' AG'])[1 + n % 4],
           '', CASE WHEN n % 1000 BETWEEN 1 AND 12 THEN '+4930999' || (10000 + n / 1000)
                    WHEN n % 20 > 0 THEN '+4930' || (10000000 + n) END, CASE WHEN n % 50 = 7 THEN 'too_short' END,
           CASE WHEN n % 50 = 9 THEN '{"assumed_country": "DE"}' ELSE '{}' END::jsonb,
           'office' || n || '@' || pg_temp.word(n * 7) || '.example', 'Europe/Berlin', '{Europe/Berlin}',
           jsonb_build_array(jsonb_build_object('contact_person_id', n::text, 'first_name', 'Ada', 'last_name', 'Byron',
               'email', '', 'phone', CASE WHEN n % 20 > 0 THEN '+4930' || (10000000 + n) ELSE '' END, 'mobile', '',
               'is_primary_contact', true)), now()
      FROM generate_series(1, :customers) AS n
"""
_WORD = f"""
    CREATE FUNCTION pg_temp.word(n integer) RETURNS text IMMUTABLE LANGUAGE sql AS
    $$ SELECT parts[1 + n % 16] || parts[1 + n / 16 % 16] || parts[1 + n / 256 % 16]
         FROM (SELECT {_SYLLABLES}) AS known (parts) $$
"""  # noqa: S608

#: Three of ten invoices are open; a third of these have a reminder, a tenth of which is due.
_INVOICES = """
    INSERT INTO invoices_cache (user_id, connection_id, zoho_invoice_id, zoho_customer_id, customer_id, invoice_number,
        status, date, due_date, total, balance, currency_code, plan_outcome, plan_at, observed_at)
    SELECT :user_id, :connection_id, (50000000 + n)::text, customer.zoho_customer_id, customer.id,
           'INV-' || lpad(n::text, 7, '0'), CASE WHEN n % 10 < 3 THEN 'overdue' ELSE 'paid' END,
           date '2026-01-01' + n % 300, date '2026-02-01' + n % 300, 100,
           CASE WHEN n % 10 < 3 THEN 100 ELSE 0 END, 'EUR',
           (ARRAY['scheduled', 'no_phone', (ARRAY['too_old', 'invalid_phone', 'all_steps_sent', 'promised'])[1 + n % 4],
                  NULL, NULL, NULL, NULL, NULL, NULL, NULL])[1 + n % 10],
           CASE WHEN n % 10 = 0 THEN now() + interval '9 days' END, now()
      FROM generate_series(1, :invoices) AS n
      JOIN booksync.customers_cache AS customer
        ON customer.connection_id = :connection_id AND customer.zoho_customer_id = (10000001 + n % :customers)::text
"""
_REMINDERS = """
    INSERT INTO reminders (user_id, invoice_id, customer_id, step, scheduled_at, day, closes_at, phone, status)
    SELECT user_id, id, customer_id, 3, now() + later, (now() + later)::date, now() + later + interval '6 hours',
           '+4930' || zoho_customer_id, 'scheduled'
      FROM invoices_cache
     CROSS JOIN LATERAL (SELECT CASE WHEN zoho_invoice_id LIKE '%50' THEN interval '-1 hour'
                                     ELSE (1 + zoho_invoice_id::bigint / 10 % 20) * interval '1 day' END)
                AS moment (later)
     WHERE plan_outcome = 'scheduled'
"""
_WAITING = """
    INSERT INTO booksync.waiting_invoices (user_id, connection_id, zoho_invoice_id, zoho_customer_id, reason, is_open,
        invoice, observed_at)
    SELECT :user_id, :connection_id, (90000000 + n)::text, n::text, 'customer_gone', true,
           jsonb_build_object('number', 'WAIT-' || n, 'status', 'sent', 'due_date', '2026-04-01', 'balance', '5',
               'currency_code', 'EUR'), now()
      FROM generate_series(1, :invoices / 100) AS n
"""


def fill(engine: Engine, invoices: int) -> tuple[Connection, dict[str, float]]:
    """Write an organisation with this many invoices, and return the seconds of each table."""
    connection = a_connection_in(engine, country_code="DE", time_zone="Europe/Berlin")
    values = {
        "user_id": connection.user_id,
        "connection_id": connection.connection_id,
        "invoices": invoices,
        "customers": max(1, int(invoices / _INVOICES_A_CUSTOMER)),
    }
    seconds = {}
    for name, statement in (
        ("customers", _CUSTOMERS),
        ("invoices", _INVOICES),
        ("reminders", _REMINDERS),
        ("waiting invoices", _WAITING),
    ):
        with engine.begin() as db:
            db.exec_driver_sql("SET LOCAL synchronous_commit = off")
            if name == "customers":
                db.execute(text(_WORD))
            began = time.monotonic()
            db.execute(text(statement), values)
            seconds[name] = time.monotonic() - began
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(text("VACUUM ANALYZE"))
    return connection, seconds
