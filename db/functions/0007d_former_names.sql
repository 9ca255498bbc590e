-- The former names of the functions, for one release: applications that call them need no change at once.

CREATE FUNCTION {{host}}.reminder_checks(moment timestamptz DEFAULT clock_timestamp())
RETURNS TABLE (
    reminder_id uuid, user_id {{user_id}}, connection_id uuid, customer_id uuid, invoice_id uuid, contact_id uuid,
    step smallint, phone text, day date, scheduled_at timestamptz, closes_at timestamptz, status text,
    objection text, hold text
) LANGUAGE sql STABLE AS $$
    SELECT
        reminder_id, user_id, connection_id, customer_id, invoice_id, handover_id, step, phone, day, scheduled_at,
        closes_at, status, objection, hold
    FROM booksync.reminder_checks(moment)
$$;

CREATE FUNCTION {{host}}.due_reminders(moment timestamptz DEFAULT clock_timestamp())
RETURNS TABLE (
    reminder_id uuid, user_id {{user_id}}, connection_id uuid, customer_id uuid, invoice_id uuid,
    step smallint, phone text, day date, scheduled_at timestamptz, closes_at timestamptz, held_back text
) LANGUAGE sql STABLE AS $$
    SELECT * FROM booksync.due_reminders(moment)
$$;

CREATE FUNCTION {{host}}.claim_due_reminders(
    at_most integer DEFAULT 100, only_connection uuid DEFAULT NULL, moment timestamptz DEFAULT clock_timestamp()
) RETURNS TABLE (
    contact_id uuid, connection_id uuid, phone text, day date,
    reminder_id uuid, step smallint, invoice_id uuid, customer_id uuid, closes_at timestamptz, handover_id uuid
) LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT
        handover_id, connection_id, phone, day, reminder_id, step, invoice_id, customer_id, closes_at, handover_id
    FROM booksync.claim_due_reminders(at_most, only_connection, moment)
$$;

CREATE FUNCTION {{host}}.report_outcome(
    handover_id uuid, outcome text, reminder_id uuid DEFAULT NULL, until date DEFAULT NULL, note text DEFAULT NULL
) RETURNS integer LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT booksync.report_outcome(handover_id, outcome, reminder_id, until, note)
$$;
