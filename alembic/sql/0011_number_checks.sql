-- The functions of the handover with the second verdict on a number: whether it may be called. The other functions of
-- 0010_reminder_functions.sql stay unchanged.
DO $create$ BEGIN EXECUTE format($functions$

-- Whether live customers with at least `names` different names have this valid number. The loop ends at that count, so
-- that a number with thousands of customers costs only a few rows per due reminder.
CREATE OR REPLACE FUNCTION %1$I.booksync_is_shared(owner {{user_id}}, number text, names integer) RETURNS boolean
LANGUAGE plpgsql STABLE COST 1000 AS $$
DECLARE
    name text;
    seen text[] := '{}';
BEGIN
    FOR name IN
        SELECT lower(btrim(customer.customer_name)) FROM %1$I.customers_cache AS customer
        WHERE customer.user_id = owner AND customer.primary_phone = number
            AND customer.phone_problem IS NULL AND customer.status <> 'deleted'
    LOOP
        IF name <> ALL (seen) THEN
            seen := seen || name;
        END IF;
        IF cardinality(seen) >= names THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END $$;

-- Every reminder with the objection to asking for the money (`objection`: domain/permission.py, held equal by a test),
-- and the other reason that holds a due reminder back at that moment (`hold`). NULL without a reason.
CREATE OR REPLACE FUNCTION %1$I.reminder_checks(moment timestamptz DEFAULT clock_timestamp())
RETURNS TABLE (
    reminder_id uuid, user_id {{user_id}}, connection_id uuid, customer_id uuid, invoice_id uuid, contact_id uuid,
    step smallint, phone text, day date, scheduled_at timestamptz, closes_at timestamptz, status text,
    objection text, hold text
) LANGUAGE sql STABLE AS $$
    SELECT
        reminder.id, invoice.user_id, invoice.connection_id, reminder.customer_id, reminder.invoice_id,
        reminder.contact_id, reminder.step::smallint, reminder.phone::text, reminder.day, reminder.scheduled_at,
        reminder.closes_at, reminder.status::text,
        CASE
            WHEN (invoice.status IN ('sent', 'overdue', 'partially_paid', 'unpaid', 'viewed')) IS NOT TRUE
                OR coalesce(nullif(invoice.balance::numeric, 'NaN'), 0) <= 0 THEN 'invoice_closed'
            WHEN invoice.gone_at IS NOT NULL OR customer.gone_at IS NOT NULL THEN 'gone'
            WHEN customer.status IS DISTINCT FROM 'active' THEN 'customer_inactive'
            WHEN invoice.customer_id IS DISTINCT FROM reminder.customer_id OR customer.phone_problem IS NOT NULL
                OR customer.primary_phone IS DISTINCT FROM reminder.phone THEN 'phone_changed'
            WHEN number.is_confirmed IS NOT TRUE AND (
                customer.phone_not_callable IS NOT NULL
                OR policy.kinds_not_called ? (customer.phone_verdict ->> 'kind')
            ) THEN 'not_callable'
            WHEN number.is_confirmed IS NOT TRUE AND policy.sharing_names > 0 AND %1$I.booksync_is_shared(
                invoice.user_id, customer.primary_phone,
                CASE WHEN number.is_doubtful THEN 2 ELSE policy.sharing_names END
            ) THEN 'number_shared'
            WHEN EXISTS (
                SELECT FROM %1$I.handover_outcomes AS known
                WHERE known.customer_id = customer.id AND known.outcome = 'wrong_number'
                    AND known.phone_text = coalesce(customer.phone_verdict ->> 'raw', customer.primary_phone)
            ) THEN 'wrong_number'
            WHEN EXISTS (
                SELECT FROM %1$I.do_not_call AS listed
                WHERE listed.user_id = invoice.user_id AND listed.phone = reminder.phone
            ) THEN 'do_not_call'
            WHEN NOT customer.payment_reminder_enabled THEN 'zoho_reminders_off'
            WHEN NOT invoice.payment_reminder_enabled THEN 'invoice_reminders_off'
            WHEN EXISTS (
                SELECT FROM %1$I.handover_outcomes AS known
                WHERE known.invoice_id = invoice.id AND known.outcome = 'disputed'
            ) THEN 'disputed'
            WHEN EXISTS (
                SELECT FROM jsonb_array_elements_text(policy.held_sub_statuses) AS word
                WHERE position(lower(btrim(word)) IN lower(invoice.sub_status)) > 0
            ) THEN 'sub_status'
            WHEN invoice.ach_payment_initiated OR coalesce(nullif(invoice.unprocessed_payment, 'NaN'), 0) > 0
                THEN 'payment_under_way'
            WHEN policy.respect_credits AND nullif(customer.unused_credits, 'NaN') >= invoice.balance::numeric
                AND coalesce(nullif(customer.credits_currency, ''), invoice.currency_code, '')
                    = coalesce(invoice.currency_code, '') THEN 'covered_by_credit'
            WHEN invoice.balance::numeric < CASE
                WHEN policy.minimum_balances ->> coalesce(invoice.currency_code, '') ~ '^[0-9]{1,12}([.][0-9]{1,255})?$'
                    THEN (policy.minimum_balances ->> coalesce(invoice.currency_code, ''))::numeric
                WHEN policy.minimum_balances ->> '*' ~ '^[0-9]{1,12}([.][0-9]{1,255})?$'
                    THEN (policy.minimum_balances ->> '*')::numeric
                ELSE 0 END THEN 'below_minimum'
            WHEN invoice.due_date IS NULL THEN 'no_due_date'
            WHEN reminder.day - invoice.due_date > policy.max_age_days THEN 'too_old'
            WHEN EXISTS (
                SELECT FROM %1$I.handover_outcomes AS known
                WHERE known.customer_id = customer.id AND known.outcome = 'promised' AND known.until >= reminder.day
            ) THEN 'promised'
            -- Ten years from the due date it is a typing error, as in domain/permission.py.
            WHEN invoice.expected_payment_date >= reminder.day
                AND abs(invoice.expected_payment_date - invoice.due_date) <= 3650 THEN 'payment_expected'
        END,
        CASE
            WHEN home.handover IS DISTINCT FROM 'open' THEN 'handover_closed'
            WHEN clock.problem IS NOT NULL THEN clock.problem
            WHEN reminder.closes_at <= moment THEN 'window_closed'
            -- A verdict without doubts is an earlier release's: the next run judges the number by today's rules.
            WHEN invoice.plan_at IS NULL OR invoice.plan_at <= moment OR NOT customer.phone_verdict ? 'doubts'
                THEN 'plan_outdated'
            -- Details are requested once per version of the record, even if the response lacks the switch.
            WHEN customer.asked_version IS DISTINCT FROM coalesce(customer.zoho_last_modified_at, 'epoch')
                OR invoice.asked_version IS DISTINCT FROM coalesce(invoice.zoho_last_modified_at, 'epoch')
                THEN 'switch_unknown'
            WHEN synced.last_invoice_sync_at IS NULL
                OR synced.last_invoice_sync_at < moment - make_interval(mins => policy.stale_after) THEN 'cache_stale'
            WHEN (
                SELECT count(*) FROM %1$I.reminder_contacts AS contact
                WHERE contact.user_id = invoice.user_id
                    AND contact.phone = reminder.phone AND contact.day = reminder.day
            ) >= policy.contacts_a_day THEN 'contacted_today'
            WHEN (
                SELECT count(*) FROM %1$I.reminder_contacts AS contact
                WHERE contact.user_id = invoice.user_id AND contact.phone = reminder.phone
                    AND contact.day > reminder.day - 7 AND contact.day <= reminder.day
            ) >= policy.contacts_a_week THEN 'contacted_this_week'
        END
    FROM %1$I.reminders AS reminder
    JOIN %1$I.invoices_cache AS invoice ON invoice.id = reminder.invoice_id
    JOIN %1$I.customers_cache AS customer ON customer.id = reminder.customer_id
    LEFT JOIN %1$I.zoho_connections AS home ON home.id = invoice.connection_id
    LEFT JOIN %1$I.sync_metadata AS synced ON synced.connection_id = invoice.connection_id
    LEFT JOIN %1$I.reminder_policies AS stored ON stored.connection_id = invoice.connection_id
    -- An invalid value in one connection's policy must not stop all claims: the default replaces it.
    CROSS JOIN LATERAL (
        SELECT
            coalesce(stored.rules, '{}'::jsonb) AS rules,
            CASE WHEN jsonb_typeof(stored.rules -> 'stale_after_minutes') = 'number'
                THEN least(greatest((stored.rules ->> 'stale_after_minutes')::numeric, 0), 10080)::integer
                ELSE 240 END AS stale_after,
            CASE WHEN jsonb_typeof(stored.rules -> 'contacts_a_day') = 'number'
                THEN (stored.rules ->> 'contacts_a_day')::numeric ELSE 1 END AS contacts_a_day,
            CASE WHEN jsonb_typeof(stored.rules -> 'contacts_a_week') = 'number'
                THEN (stored.rules ->> 'contacts_a_week')::numeric ELSE 3 END AS contacts_a_week,
            CASE WHEN jsonb_typeof(stored.rules -> 'max_age_days') = 'number'
                THEN (stored.rules ->> 'max_age_days')::numeric ELSE 365 END AS max_age_days,
            CASE WHEN jsonb_typeof(stored.rules -> 'minimum_balances') = 'object'
                THEN stored.rules -> 'minimum_balances' ELSE '{"*": "1"}'::jsonb END AS minimum_balances,
            CASE WHEN jsonb_typeof(stored.rules -> 'held_sub_statuses') = 'array'
                THEN stored.rules -> 'held_sub_statuses' ELSE '["dispute"]'::jsonb END AS held_sub_statuses,
            stored.rules -> 'respect_credits' IS DISTINCT FROM 'false'::jsonb AS respect_credits,
            CASE WHEN jsonb_typeof(stored.rules -> 'kinds_not_called') = 'array' THEN stored.rules -> 'kinds_not_called'
                ELSE '["premium_rate", "shared_cost", "pager", "voicemail"]'::jsonb END AS kinds_not_called,
            CASE WHEN jsonb_typeof(stored.rules -> 'shared_number_customers') = 'number'
                THEN least(greatest((stored.rules ->> 'shared_number_customers')::numeric, 0), 10000)::integer
                ELSE 10 END AS sharing_names
    ) AS policy
    CROSS JOIN LATERAL (
        SELECT
            customer.phone_verdict @> '{"confirmed": true}' AS is_confirmed,
            customer.phone_verdict -> 'doubts' ->> 0 IS NOT NULL AS is_doubtful
    ) AS number
    CROSS JOIN LATERAL (
        SELECT %1$I.booksync_clock_problem(
            moment, customer.time_zones, coalesce(customer.country_code, customer.phone_verdict ->> 'region'),
            customer.rest_days, home.time_zone, policy.rules
        ) AS problem
    ) AS clock
$$;

$functions$, current_schema()); END $create$;
