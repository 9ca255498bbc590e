-- The functions of the handover: which reminders may be handed over, the claim, and the outcome of a call. See
-- docs/reminders.md.

-- The tables are named with their schema, because a caller's search_path may lead to other tables of the same names
-- (views of an older application, temporary tables). A SET clause would prevent inlining of the function, and a claim
-- would read all reminders instead of a few. The casts are for varchar, integer or float columns of an older
-- application.
DO $create$ BEGIN EXECUTE format($functions$

-- The local time in a zone; NULL if the name is not an IANA zone. Postgres would read "Junk5" and "Etc/GMT+99" as
-- zones.
CREATE OR REPLACE FUNCTION %1$I.booksync_local_time(moment timestamptz, zone text) RETURNS timestamp
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF zone IS NULL OR zone !~ '^([A-Za-z_]+(/[A-Za-z_-]+){1,2}|Etc/GMT([+-][0-9]|[+-]1[0-2]|-1[34])|UTC|GMT)$' THEN
        RETURN NULL;
    END IF;
    RETURN moment AT TIME ZONE zone;
EXCEPTION WHEN invalid_parameter_value OR datetime_field_overflow THEN
    RETURN NULL;
END $$;

-- The reason why a customer may not be called at that moment: NULL, 'time_zone_unknown' or 'outside_hours'. The rule
-- repeats domain/calling_hours.py without the public holidays, independently of the plan.
CREATE OR REPLACE FUNCTION %1$I.booksync_clock_problem(
    moment timestamptz, zones text[], country text, rest_days integer[], home_zone text, rules jsonb
) RETURNS text
LANGUAGE plpgsql STABLE COST 1000 AS $$
DECLARE
    opens time := CASE WHEN rules ->> 'opens' ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$' THEN (rules ->> 'opens')::time
        ELSE '09:00' END;
    closes time := CASE WHEN rules ->> 'closes' ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$' THEN (rules ->> 'closes')::time
        ELSE '18:00' END;
    weekdays text[] := ARRAY['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
    working text[] := weekdays[1:5];
    allowed text[] := CASE WHEN jsonb_typeof(rules -> 'weekdays') = 'array'
        THEN ARRAY(SELECT lower(left(jsonb_array_elements_text(rules -> 'weekdays'), 3))) ELSE working END;
    counting jsonb := rules #> ARRAY['zones', coalesce(country, '')];
    stand_in text := coalesce(rules ->> 'unknown_zone', 'skip');
    shown timestamp[] := ARRAY(SELECT %1$I.booksync_local_time(moment, zone) FROM unnest(zones) AS zone);
    counted timestamp[];
    year timestamptz := date_trunc('year', moment);
BEGIN
    IF zones IS NULL THEN
        RETURN 'time_zone_unknown';
    END IF;
    IF jsonb_typeof(counting) = 'array' AND array_position(shown, NULL) IS NULL THEN
        -- Two zones have the same clock where they agree now, in January and in July.
        counted := ARRAY(
            SELECT %1$I.booksync_local_time(moment, zone) FROM unnest(zones) AS zone WHERE EXISTS (
                SELECT FROM jsonb_array_elements_text(counting) AS named
                WHERE NOT EXISTS (
                    SELECT FROM unnest(ARRAY[moment, year + interval '14 days', year + interval '195 days']) AS sample
                    WHERE %1$I.booksync_local_time(sample, zone)
                        IS DISTINCT FROM %1$I.booksync_local_time(sample, named)
                )
            )
        );
        shown := coalesce(nullif(counted, '{}'), shown);
    END IF;
    -- Some clock opens while all others are open, or no hour is common to all.
    IF array_position(shown, NULL) IS NOT NULL OR NOT EXISTS (
        SELECT FROM unnest(shown) AS opening WHERE NOT EXISTS (
            SELECT FROM unnest(shown) AS other
            WHERE (time '00:00' + (other - opening))::interval >= closes - opens
        )
    ) THEN
        shown := ARRAY[%1$I.booksync_local_time(
            moment, CASE stand_in WHEN 'organisation' THEN home_zone WHEN 'skip' THEN NULL ELSE stand_in END
        )];
        IF shown[1] IS NULL THEN
            RETURN 'time_zone_unknown';
        END IF;
    END IF;
    -- Monday to Friday stands for the working days of the customer's country.
    IF allowed @> working AND working @> allowed AND NOT coalesce(rest_days, '{}') <@ '{5,6}' THEN
        allowed := ARRAY(
            SELECT day FROM unnest(weekdays) WITH ORDINALITY AS week (day, place)
            WHERE (place - 1) <> ALL (rest_days)
        );
    END IF;
    RETURN CASE WHEN EXISTS (
        SELECT FROM unnest(shown) AS local
        WHERE local::time < opens OR local::time >= closes OR weekdays[extract(isodow FROM local)] <> ALL (allowed)
    ) THEN 'outside_hours' END;
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
            WHEN invoice.plan_at IS NULL OR invoice.plan_at <= moment THEN 'plan_outdated'
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
            stored.rules -> 'respect_credits' IS DISTINCT FROM 'false'::jsonb AS respect_credits
    ) AS policy
    CROSS JOIN LATERAL (
        SELECT %1$I.booksync_clock_problem(
            moment, customer.time_zones, coalesce(customer.country_code, customer.phone_verdict ->> 'region'),
            customer.rest_days, home.time_zone, policy.rules
        ) AS problem
    ) AS clock
$$;

CREATE OR REPLACE FUNCTION %1$I.due_reminders(moment timestamptz DEFAULT clock_timestamp())
RETURNS TABLE (
    reminder_id uuid, user_id {{user_id}}, connection_id uuid, customer_id uuid, invoice_id uuid,
    step smallint, phone text, day date, scheduled_at timestamptz, closes_at timestamptz, held_back text
) LANGUAGE sql STABLE AS $$
    SELECT
        checked.reminder_id, checked.user_id, checked.connection_id, checked.customer_id, checked.invoice_id,
        checked.step, checked.phone, checked.day, checked.scheduled_at, checked.closes_at,
        coalesce(checked.objection, checked.hold)
    FROM %1$I.reminder_checks(moment) AS checked
    -- A reminder that an older application planned has no closing time: that application sends it itself.
    WHERE checked.status = 'scheduled' AND checked.scheduled_at <= moment AND checked.closes_at IS NOT NULL
$$;

$functions$, current_schema()); END $create$;

CREATE OR REPLACE FUNCTION claim_due_reminders(
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
        -- What is due in closed connections stays due for hours; it is not looked at again and again.
        JOIN zoho_connections AS home ON home.id = due.connection_id AND home.handover = 'open'
        -- What waits for a new plan after its window has closed is left out before its clocks are read.
        WHERE due.held_back IS NULL AND due.closes_at > moment
            AND (only_connection IS NULL OR due.connection_id = only_connection)
        GROUP BY due.user_id, due.connection_id, due.phone, due.day
        ORDER BY min(due.scheduled_at), due.phone
    LOOP
        EXIT WHEN contacts >= at_most;
        -- Closing a connection waits for the claims that have begun (db/openings.py): none commits after it.
        CONTINUE WHEN NOT pg_try_advisory_xact_lock_shared(hashtextextended('handover ' || number.connection_id, 0));
        -- One claim at a time counts and adds the contacts of a number; a second one passes the number by.
        CONTINUE WHEN NOT pg_try_advisory_xact_lock(hashtextextended(number.user_id || ' ' || number.phone, 0));
        -- A row that is being written is passed by: a payment may be on its way. Nothing here ever waits.
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
                contact, number.connection_id, reminder.phone::text, reminder.day,
                reminder.id, reminder.step::smallint, reminder.invoice_id, reminder.customer_id, reminder.closes_at;
    END LOOP;
END $$;

-- Record the outcome of a handover, for all of its reminders or for one. A repeated report changes nothing; a different
-- outcome replaces the earlier one. Returns the number of reminders that have the outcome.
CREATE OR REPLACE FUNCTION report_outcome(
    handover_id uuid, outcome text, reminder_id uuid DEFAULT NULL, until date DEFAULT NULL, note text DEFAULT NULL
) RETURNS integer LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    handover record;
    recorded integer;
    changed integer;
    listed integer := 0;
    customers uuid[];
BEGIN
    IF report_outcome.outcome IS NULL OR report_outcome.outcome NOT IN (
        'reached', 'no_answer', 'promised', 'disputed', 'wrong_number', 'do_not_call'
    ) THEN
        RAISE EXCEPTION 'An outcome is one of reached, no_answer, promised, disputed, wrong_number, do_not_call'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF report_outcome.outcome = 'promised'
        AND (report_outcome.until IS NULL OR report_outcome.until > current_date + 3650) THEN
        RAISE EXCEPTION 'A promise needs the day until which it holds, at most ten years from now'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT contact.id, contact.user_id, contact.phone INTO handover
    FROM reminder_contacts AS contact WHERE contact.id = report_outcome.handover_id;
    IF handover.id IS NULL THEN
        RAISE EXCEPTION 'There is no handover %', report_outcome.handover_id USING ERRCODE = 'no_data_found';
    END IF;
    INSERT INTO handover_outcomes AS known (
        handover_id, reminder_id, invoice_id, customer_id, phone_text, outcome, until, note
    )
    SELECT
        handover.id, reminder.id, reminder.invoice_id, reminder.customer_id,
        -- A number that was corrected since the call is another one: the call says nothing about it.
        CASE WHEN customer.primary_phone = handover.phone
            THEN coalesce(customer.phone_verdict ->> 'raw', customer.primary_phone) ELSE handover.phone END,
        report_outcome.outcome, report_outcome.until, report_outcome.note
    FROM reminders AS reminder JOIN customers_cache AS customer ON customer.id = reminder.customer_id
    WHERE reminder.contact_id = handover.id
        AND (report_outcome.reminder_id IS NULL OR reminder.id = report_outcome.reminder_id)
    ORDER BY reminder.id
    ON CONFLICT (handover_id, reminder_id) DO UPDATE
        SET outcome = excluded.outcome, until = excluded.until, note = excluded.note, reported_at = clock_timestamp(),
            -- The number that was called, not the one that stands there since.
            phone_text = known.phone_text
        WHERE (known.outcome, known.until, known.note) IS DISTINCT FROM (excluded.outcome, excluded.until, excluded.note);
    GET DIAGNOSTICS changed = ROW_COUNT;
    SELECT count(*), array_agg(DISTINCT known.customer_id) INTO recorded, customers
    FROM handover_outcomes AS known
    WHERE known.handover_id = handover.id
        AND (report_outcome.reminder_id IS NULL OR known.reminder_id = report_outcome.reminder_id);
    IF recorded = 0 THEN
        RAISE EXCEPTION 'Handover % holds no such reminder', handover.id USING ERRCODE = 'no_data_found';
    END IF;
    IF report_outcome.outcome = 'do_not_call' THEN
        INSERT INTO do_not_call (user_id, phone, note) VALUES (handover.user_id, handover.phone, report_outcome.note)
        ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS listed = ROW_COUNT;
    END IF;
    IF changed + listed = 0 THEN
        RETURN recorded;
    END IF;
    -- These plans are now due: the next run makes new plans, and until then their reminders are not handed over.
    UPDATE invoices_cache SET plan_at = clock_timestamp()
    WHERE id IN (
        SELECT invoice.id FROM invoices_cache AS invoice JOIN customers_cache AS customer ON customer.id = customer_id
        WHERE invoice.plan_outcome IS NOT NULL
            AND (customer.id = ANY (customers)
                OR report_outcome.outcome = 'do_not_call' AND customer.user_id = handover.user_id
                    AND customer.primary_phone = handover.phone)
        ORDER BY invoice.zoho_invoice_id FOR UPDATE OF invoice
    );
    RETURN recorded;
END $$;

-- Independent of the caller's search_path: the schemas as they are now, then temporary tables of the caller.
DO $pin$ DECLARE path text; BEGIN
    SELECT string_agg(quote_ident(schema), ', ' ORDER BY place) || ', pg_temp' INTO path
    FROM unnest(current_schemas(false)) WITH ORDINALITY AS path (schema, place);
    EXECUTE 'ALTER FUNCTION claim_due_reminders(integer, uuid, timestamptz) SET search_path = ' || path;
    EXECUTE 'ALTER FUNCTION report_outcome(uuid, text, uuid, date, text) SET search_path = ' || path;
END $pin$;
