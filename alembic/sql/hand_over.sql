-- Handing over: whoever sends reminders takes them here. docs/reminders.md tells how.

CREATE FUNCTION due_reminders(moment timestamptz DEFAULT clock_timestamp())
RETURNS TABLE (
    reminder_id uuid, user_id uuid, connection_id uuid, customer_id uuid, invoice_id uuid,
    step smallint, phone text, day date, scheduled_at timestamptz, closes_at timestamptz, held_back text
) LANGUAGE sql STABLE AS $$
    SELECT
        reminder.id, invoice.user_id, invoice.connection_id, reminder.customer_id, reminder.invoice_id,
        reminder.step, reminder.phone, reminder.day, reminder.scheduled_at, reminder.closes_at,
        CASE
            WHEN invoice.status NOT IN ('sent', 'overdue', 'partially_paid', 'unpaid', 'viewed')
                OR coalesce(invoice.balance, 0) <= 0 THEN 'invoice_closed'
            WHEN customer.status <> 'active' THEN 'customer_inactive'
            WHEN invoice.customer_id <> reminder.customer_id OR customer.phone_problem IS NOT NULL
                OR customer.primary_phone IS DISTINCT FROM reminder.phone THEN 'phone_changed'
            WHEN invoice.expected_payment_date >= reminder.day THEN 'payment_expected'
            WHEN NOT customer.payment_reminder_enabled THEN 'zoho_reminders_off'
            WHEN reminder.closes_at <= moment THEN 'window_closed'
            WHEN invoice.plan_at IS NULL OR invoice.plan_at <= moment THEN 'plan_outdated'
            WHEN customer.payment_reminder_enabled IS NULL THEN 'switch_unknown'
            WHEN synced.last_invoice_sync_at IS NULL OR synced.last_invoice_sync_at < moment
                - make_interval(mins => coalesce((policy.rules ->> 'stale_after_minutes')::integer, 240))
                THEN 'cache_stale'
            WHEN (
                SELECT count(*) FROM reminder_contacts AS contact
                WHERE contact.user_id = invoice.user_id
                    AND contact.phone = reminder.phone AND contact.day = reminder.day
            ) >= coalesce((policy.rules ->> 'contacts_a_day')::integer, 1) THEN 'contacted_today'
        END
    FROM reminders AS reminder
    JOIN invoices_cache AS invoice ON invoice.id = reminder.invoice_id
    JOIN customers_cache AS customer ON customer.id = reminder.customer_id
    LEFT JOIN sync_metadata AS synced ON synced.connection_id = invoice.connection_id
    LEFT JOIN reminder_policies AS policy ON policy.connection_id = invoice.connection_id
    -- What the legacy application planned beside booksync has no closing time: it sends that itself.
    WHERE reminder.status = 'scheduled' AND reminder.scheduled_at <= moment AND reminder.closes_at IS NOT NULL
$$;

CREATE FUNCTION claim_due_reminders(
    at_most integer DEFAULT 100, only_connection uuid DEFAULT NULL, moment timestamptz DEFAULT clock_timestamp()
) RETURNS TABLE (
    contact_id uuid, connection_id uuid, phone text, day date,
    reminder_id uuid, step smallint, invoice_id uuid, customer_id uuid, closes_at timestamptz
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    number record;
    locked uuid[];
    ready uuid[];
    contact uuid;
    contacts integer := 0;
BEGIN
    FOR number IN
        SELECT due.user_id, due.connection_id, due.phone, due.day, array_agg(due.reminder_id) AS reminders
        FROM due_reminders(moment) AS due
        WHERE due.held_back IS NULL AND (only_connection IS NULL OR due.connection_id = only_connection)
        GROUP BY due.user_id, due.connection_id, due.phone, due.day
        ORDER BY min(due.scheduled_at), due.phone
    LOOP
        EXIT WHEN contacts >= at_most;
        -- Nobody else counts or adds contacts of this number until the transaction ends; who comes second passes on.
        CONTINUE WHEN NOT pg_try_advisory_xact_lock(hashtextextended(number.user_id || ' ' || number.phone, 0));
        -- A row that is just being written is passed over: a payment may be on its way. Nothing here ever waits.
        SELECT array_agg(held.id) INTO locked FROM (
            SELECT reminder.id
            FROM reminders AS reminder
            JOIN invoices_cache AS invoice ON invoice.id = reminder.invoice_id
            JOIN customers_cache AS customer ON customer.id = reminder.customer_id
            WHERE reminder.id = ANY (number.reminders) AND reminder.status = 'scheduled'
            FOR UPDATE OF reminder SKIP LOCKED
            FOR SHARE OF invoice, customer SKIP LOCKED
        ) AS held;
        -- A statement of its own: only a new snapshot shows what others had committed before the locks were held.
        SELECT array_agg(due.reminder_id) INTO ready
        FROM due_reminders(moment) AS due
        WHERE due.reminder_id = ANY (locked) AND due.held_back IS NULL
            AND due.phone = number.phone AND due.day = number.day;
        CONTINUE WHEN ready IS NULL;
        INSERT INTO reminder_contacts (user_id, connection_id, phone, day, handed_over_at)
        VALUES (number.user_id, number.connection_id, number.phone, number.day, moment)
        RETURNING id INTO contact;
        contacts := contacts + 1;
        RETURN QUERY
            UPDATE reminders AS reminder SET status = 'sent', contact_id = contact, updated_at = now()
            WHERE reminder.id = ANY (ready)
            RETURNING
                contact, number.connection_id, reminder.phone, reminder.day,
                reminder.id, reminder.step, reminder.invoice_id, reminder.customer_id, reminder.closes_at;
    END LOOP;
END $$;
