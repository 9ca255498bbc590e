-- The functions of the handover: the sender of reminders claims them here. See docs/reminders.md.

-- The tables are named with their schema, because a caller's search_path may lead to other tables of the same names
-- (views of the legacy application, temporary tables). A SET clause would prevent inlining of the function, and a claim
-- would read all reminders instead of a few. The casts are for varchar, integer or float columns of legacy tables.
DO $create$ BEGIN EXECUTE format($function$
CREATE FUNCTION due_reminders(moment timestamptz DEFAULT clock_timestamp())
RETURNS TABLE (
    reminder_id uuid, user_id {{user_id}}, connection_id uuid, customer_id uuid, invoice_id uuid,
    step smallint, phone text, day date, scheduled_at timestamptz, closes_at timestamptz, held_back text
) LANGUAGE sql STABLE AS $$
    SELECT
        reminder.id, invoice.user_id, invoice.connection_id, reminder.customer_id, reminder.invoice_id,
        reminder.step::smallint, reminder.phone::text, reminder.day, reminder.scheduled_at, reminder.closes_at,
        CASE
            WHEN (invoice.status IN ('sent', 'overdue', 'partially_paid', 'unpaid', 'viewed')) IS NOT TRUE
                OR coalesce(nullif(invoice.balance::numeric, 'NaN'), 0) <= 0 THEN 'invoice_closed'
            WHEN customer.status IS DISTINCT FROM 'active' THEN 'customer_inactive'
            WHEN invoice.customer_id IS DISTINCT FROM reminder.customer_id OR customer.phone_problem IS NOT NULL
                OR customer.primary_phone IS DISTINCT FROM reminder.phone THEN 'phone_changed'
            -- Ten years from the due date it is a typing error, as in the plan (domain/reminders.py).
            WHEN invoice.expected_payment_date >= reminder.day
                AND abs(invoice.expected_payment_date - invoice.due_date) <= 3650 THEN 'payment_expected'
            WHEN NOT customer.payment_reminder_enabled THEN 'zoho_reminders_off'
            WHEN reminder.closes_at <= moment THEN 'window_closed'
            WHEN invoice.plan_at IS NULL OR invoice.plan_at <= moment THEN 'plan_outdated'
            WHEN customer.payment_reminder_enabled IS NULL THEN 'switch_unknown'
            WHEN synced.last_invoice_sync_at IS NULL OR synced.last_invoice_sync_at < moment
                - make_interval(mins => least(greatest(coalesce(policy.stale_after, 240), 0), 10080)::integer)
                THEN 'cache_stale'
            WHEN (
                SELECT count(*) FROM %1$I.reminder_contacts AS contact
                WHERE contact.user_id = invoice.user_id
                    AND contact.phone = reminder.phone AND contact.day = reminder.day
            ) >= coalesce(policy.contacts_a_day, 1) THEN 'contacted_today'
        END
    FROM %1$I.reminders AS reminder
    JOIN %1$I.invoices_cache AS invoice ON invoice.id = reminder.invoice_id
    JOIN %1$I.customers_cache AS customer ON customer.id = reminder.customer_id
    LEFT JOIN %1$I.sync_metadata AS synced ON synced.connection_id = invoice.connection_id
    -- An invalid number in one connection's policy must not stop all claims: the default replaces it.
    LEFT JOIN (
        SELECT
            connection_id,
            CASE WHEN jsonb_typeof(rules -> 'stale_after_minutes') = 'number'
                THEN (rules ->> 'stale_after_minutes')::numeric END AS stale_after,
            CASE WHEN jsonb_typeof(rules -> 'contacts_a_day') = 'number'
                THEN (rules ->> 'contacts_a_day')::numeric END AS contacts_a_day
        FROM %1$I.reminder_policies
    ) AS policy ON policy.connection_id = invoice.connection_id
    -- Reminders planned by the legacy application have no closing time: that application sends them itself.
    WHERE reminder.status = 'scheduled' AND reminder.scheduled_at <= moment AND reminder.closes_at IS NOT NULL
$$
$function$, current_schema()); END $create$;

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
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION 'claim_due_reminders needs a READ COMMITTED transaction: in one that is % it would not see'
            ' what others have committed since it began', current_setting('transaction_isolation')
            USING ERRCODE = 'feature_not_supported';
    END IF;
    FOR number IN
        SELECT due.user_id, due.connection_id, due.phone, due.day, array_agg(due.reminder_id) AS reminders
        FROM due_reminders(moment) AS due
        WHERE due.held_back IS NULL AND (only_connection IS NULL OR due.connection_id = only_connection)
        GROUP BY due.user_id, due.connection_id, due.phone, due.day
        ORDER BY min(due.scheduled_at), due.phone
    LOOP
        EXIT WHEN contacts >= at_most;
        -- One claim at a time counts and adds the contacts of a number; a concurrent claim skips the number.
        CONTINUE WHEN NOT pg_try_advisory_xact_lock(hashtextextended(number.user_id || ' ' || number.phone, 0));
        -- A row that another session is writing is skipped: a payment may be on its way. Nothing here waits for a lock.
        SELECT array_agg(held.id) INTO locked FROM (
            SELECT reminder.id
            FROM reminders AS reminder
            JOIN invoices_cache AS invoice ON invoice.id = reminder.invoice_id
            JOIN customers_cache AS customer ON customer.id = reminder.customer_id
            WHERE reminder.id = ANY (number.reminders) AND reminder.status = 'scheduled'
            FOR UPDATE OF reminder SKIP LOCKED
            FOR SHARE OF invoice, customer SKIP LOCKED
        ) AS held;
        -- A separate statement: only a new snapshot shows rows that were committed before the locks were held.
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
                contact, number.connection_id, reminder.phone::text, reminder.day,
                reminder.id, reminder.step::smallint, reminder.invoice_id, reminder.customer_id, reminder.closes_at;
    END LOOP;
END $$;

-- Independent of the caller's search_path: the schemas as they are now, then temporary tables of the caller.
DO $pin$ BEGIN
    EXECUTE (
        SELECT 'ALTER FUNCTION claim_due_reminders(integer, uuid, timestamptz) SET search_path = '
            || string_agg(quote_ident(schema), ', ' ORDER BY place) || ', pg_temp'
        FROM unnest(current_schemas(false)) WITH ORDINALITY AS path (schema, place)
    );
END $pin$;
