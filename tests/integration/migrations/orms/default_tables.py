"""Tables that have each type of column that ORMs make by default and booksync cannot use, with a row each."""

TABLES = """
    CREATE TYPE "State" AS ENUM ('DRAFT', 'SENT', 'PAID', 'VOID');
    CREATE TYPE "Pending" AS ENUM ('SCHEDULED', 'CANCELLED', 'SENT');
    CREATE TABLE users (id text PRIMARY KEY);
    CREATE TABLE invoices_cache (
        id text PRIMARY KEY, user_id text NOT NULL REFERENCES users (id), zoho_invoice_id text NOT NULL,
        zoho_customer_id text, customer_name text, customer_phone text, customer_country_code text,
        customer_timezone text, status "State" NOT NULL, date timestamp(3), due_date timestamptz, total real,
        balance double precision NOT NULL, created_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
        updated_at timestamp(3) NOT NULL, UNIQUE (user_id, zoho_invoice_id)
    );
    CREATE TABLE reminders (
        id bigserial PRIMARY KEY, user_id text NOT NULL REFERENCES users (id),
        invoice_id text NOT NULL REFERENCES invoices_cache (id), step integer NOT NULL,
        scheduled_at timestamp NOT NULL, phone text, status "Pending" NOT NULL DEFAULT 'SCHEDULED',
        UNIQUE (invoice_id, step)
    );
    CREATE TABLE sync_metadata (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id text NOT NULL UNIQUE REFERENCES users (id)
    );
    INSERT INTO users VALUES ('u1');
    INSERT INTO sync_metadata (user_id) VALUES ('u1');
    INSERT INTO invoices_cache (id, user_id, zoho_invoice_id, status, date, due_date, balance, updated_at)
    VALUES ('c1', 'u1', 'I1', 'SENT', '2026-03-01 23:30', '2026-03-05 23:30Z', 0.1, '2026-03-01 10:00');
    INSERT INTO reminders (user_id, invoice_id, step, scheduled_at) VALUES ('u1', 'c1', 3, '2026-03-04 10:00')
"""
