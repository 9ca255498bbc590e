-- From phase 2 until phase 3 drops the old columns, the legacy application and booksync write at the same time. Each
-- fills the columns that it knows, these triggers fill the columns of the other, and migration_receipt records the
-- values of the copies. The migration's own statements set booksync.migrating and do all this themselves, one batch at
-- a time. The triggers run with the rights of the migrating role, because the legacy application has no rights on
-- booksync's tables.

-- The search_path of these statements, and of the functions that keep it: the schemas as they are now. The legacy
-- application's own path may lead to views that lack the new columns, and its temporary tables must not replace tables
-- of booksync.
SELECT set_config('search_path', (
    SELECT string_agg(quote_ident(schema), ', ' ORDER BY place)
    FROM unnest(current_schemas(false)) WITH ORDINALITY AS path (schema, place)
) || ', pg_temp', true);

-- All characters that any script uses as a blank, independently of the database's locale.
CREATE OR REPLACE FUNCTION booksync_trim(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT btrim(given, E' \t\n\r\f\u000b\u001c\u001d\u001e\u001f\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u2028\u2029\u202f\u205f\u3000\ufeff')
$$;

-- A customer's id as Zoho writes it. The body is parsed at creation, because an index on its values is built without a
-- search_path. A spreadsheet turns 7018 into 7018.0. It keeps fifteen digits, so a longer number may have become
-- another customer's id.
CREATE OR REPLACE FUNCTION booksync_zoho_id(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN regexp_replace(booksync_trim(given), '^([1-9][0-9]{0,14})\.0$', '\1');

-- A phone in the form in which copies are compared. Only blanks are removed: a dot or a hyphen may separate a number
-- from other text.
CREATE OR REPLACE FUNCTION booksync_phone(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN replace(booksync_trim(given), ' ', '') ~ '^\+[1-9][0-9]{6,14}$' THEN replace(booksync_trim(given), ' ', '')
        ELSE nullif(booksync_trim(given), '')
    END
$$;

-- The country that `domain.countries` reads from a text; NULL for texts that this reading does not cover. In plpgsql,
-- because each session then parses the long list once, and only for a text that is longer than a code.
CREATE OR REPLACE FUNCTION booksync_country_named(given text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    written text := upper(booksync_trim(given) COLLATE "C");
    plain text := regexp_replace(normalize(replace(written, '&', ' AND '), NFKD), '[\u0300-\u036f]', '', 'g');
    -- Without blanks and punctuation, those of ASCII and those that people write besides.
    name text := lower(regexp_replace(
        regexp_replace(plain, '^THE ', ''),
        '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u2000-\u206f]', '', 'g'
    ) COLLATE "C");
BEGIN
    IF length(written) > {{longest_country}} THEN
        RETURN NULL;
    END IF;
    -- A code has no accent: "Áo" is Austria in Vietnamese, "AO" is Angola.
    IF length(name) <= 3 AND octet_length(written) > length(written) THEN
        RETURN NULL;
    END IF;
    -- The list stays part of the expression: assigned to a variable, it would be parsed at each call.
    RETURN '{{country_names}}'::jsonb
        ->> CASE WHEN written ~ '^(\+[0-9]+|[A-Z]{2}-[A-Z0-9]{1,3})$' THEN written ELSE name END;
END $$;

CREATE OR REPLACE FUNCTION booksync_country(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN booksync_trim(given) = '' THEN NULL
        WHEN length(booksync_trim(given)) = 2 THEN '{{countries}}'::jsonb ->> upper(booksync_trim(given))
        ELSE booksync_country_named(given)
    END
$$;

CREATE OR REPLACE FUNCTION booksync_zone(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT '{{zones}}'::jsonb ->> lower(booksync_trim(given))
$$;

-- The reason why a text is not a customer id; NULL for an id.
CREATE OR REPLACE FUNCTION booksync_no_id_reason(zoho_id text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN id IS NULL THEN 'missing zoho_customer_id'
        WHEN id = '' THEN 'blank zoho_customer_id'
        WHEN length(id) > {{longest_id}} THEN 'overlong zoho_customer_id'
        WHEN word = '' THEN 'no customer id: only punctuation'
        WHEN '{{no_id_words}}'::jsonb ? word THEN 'no customer id: the word ' || word
        WHEN id ~ '^[-+]?0+([.,]0*)?$' THEN 'no customer id: zero'
        WHEN id ~ '^-[0-9]+([.,][0-9]*)?$' THEN 'no customer id: a negative number'
        -- 7.018E+03, 7018.5, 7,018, 460000000026049024.0: digits may be lost. ="7018", #REF!: a formula, an error.
        WHEN (id ~* '^[-+]?[0-9][0-9.,''\u2019\u00a0\u202f ]*(e[-+]?[0-9]+)?$' AND id !~ '^[0-9]+$')
            OR id ~* '^(=.*|#(ref!|value!|name\?|num!|div/0!))$'
        THEN 'the customer id went through a spreadsheet'
    END
    FROM (
        SELECT booksync_zoho_id(zoho_id) AS id, lower(btrim(booksync_trim(zoho_id), '{{punctuation}}')) AS word
    ) AS given
$$;

-- The reason why a row cannot have a customer; NULL for a row that can.
CREATE OR REPLACE FUNCTION booksync_quarantine_reason(owner {{user_id}}, zoho_id text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN owner IS NULL THEN 'missing user_id'
        WHEN NOT EXISTS (SELECT FROM users WHERE id = owner) THEN 'unknown user'
        ELSE booksync_no_id_reason(zoho_id)
    END
$$;

CREATE OR REPLACE FUNCTION booksync_copy(name text, phone text, country text, zone text)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT jsonb_build_object(
        'customer_name', name, 'customer_phone', phone,
        'customer_country_code', country, 'customer_timezone', zone
    )
$$;

-- The columns of a copy with values that a customer cannot hold: these values stay in the receipt.
CREATE OR REPLACE FUNCTION booksync_unfit(country text, zone text)
RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_remove(ARRAY[
        CASE WHEN booksync_trim(country) <> '' AND booksync_country(country) IS NULL THEN 'customer_country_code' END,
        CASE WHEN booksync_trim(zone) <> '' AND booksync_zone(zone) IS NULL THEN 'customer_timezone' END
    ], NULL)
$$;

-- The columns of a copy with values that differ from the customer's. A phone may equal the customer's text or the
-- number that was read from that text.
CREATE OR REPLACE FUNCTION booksync_merged(name text, phone text, country text, zone text, customer customers_cache)
RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_remove(ARRAY[
        CASE WHEN name <> customer.customer_name THEN 'customer_name' END,
        CASE WHEN phone IS NOT NULL AND booksync_phone(phone) IS DISTINCT FROM customer.primary_phone
                AND booksync_phone(phone) IS DISTINCT FROM
                    booksync_phone(coalesce(customer.phone_verdict ->> 'raw', customer.primary_phone))
            THEN 'customer_phone' END,
        CASE WHEN country IS NOT NULL AND booksync_country(country) IS DISTINCT FROM customer.country_code
                AND (booksync_trim(country) = '' OR booksync_country(country) IS NOT NULL)
            THEN 'customer_country_code' END,
        CASE WHEN zone IS NOT NULL AND booksync_zone(zone) IS DISTINCT FROM customer.time_zone
                AND (booksync_trim(zone) = '' OR booksync_zone(zone) IS NOT NULL)
            THEN 'customer_timezone' END
    ], NULL)
$$;

CREATE OR REPLACE FUNCTION booksync_customer_of_copy(
    owner {{user_id}}, zoho_id text, name text, phone text, country text, zone text
) RETURNS uuid LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    -- A customer read from Zoho, or made from an earlier copy, stays unchanged.
    INSERT INTO customers_cache (
        user_id, zoho_customer_id, customer_name, primary_phone, phone_problem, country_code, time_zone
    ) VALUES (
        owner, booksync_zoho_id(zoho_id), coalesce(name, ''), booksync_phone(phone),
        -- SQL cannot judge a number. The first sync or phase 3 judges it.
        CASE WHEN booksync_phone(phone) IS NOT NULL THEN 'unknown_region' END,
        booksync_country(country), booksync_zone(zone)
    ) ON CONFLICT (user_id, zoho_customer_id) DO NOTHING;
    -- A separate statement: only a new snapshot shows a row that another session has just committed.
    RETURN (SELECT id FROM customers_cache WHERE user_id = owner AND zoho_customer_id = booksync_zoho_id(zoho_id));
END $$;

CREATE OR REPLACE FUNCTION booksync_link_invoice() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    customer customers_cache;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.customer_id, NEW.zoho_customer_id, NEW.user_id)
            IS NOT DISTINCT FROM (OLD.customer_id, OLD.zoho_customer_id, OLD.user_id)
        THEN
            -- Leave rows ahead of the backfill to the backfill: only it can determine the newest copy.
            RETURN NEW;
        END IF;
    END IF;
    IF NEW.customer_id IS NULL OR (TG_OP = 'UPDATE' AND NEW.customer_id IS NOT DISTINCT FROM OLD.customer_id) THEN
        -- The legacy application wrote: it knows only Zoho's id and its own copy of the customer.
        NEW.customer_id := CASE
            WHEN booksync_quarantine_reason(NEW.user_id, NEW.zoho_customer_id) IS NULL
            THEN booksync_customer_of_copy(
                NEW.user_id, NEW.zoho_customer_id,
                NEW.customer_name, NEW.customer_phone, NEW.customer_country_code, NEW.customer_timezone
            )
        END;
    ELSIF TG_OP = 'INSERT' OR NEW.customer_id <> OLD.customer_id THEN
        -- booksync wrote. (A row that had no customer keeps its copy.)
        SELECT * INTO customer FROM customers_cache WHERE id = NEW.customer_id;
        NEW.customer_name := customer.customer_name;
        NEW.customer_phone := customer.primary_phone;
        NEW.customer_country_code := customer.country_code;
        NEW.customer_timezone := customer.time_zone;
    END IF;
    RETURN NEW;
END $$;

-- Record the copy's present values in a receipt; the newest receipt of a row counts, the older ones are its history.
CREATE OR REPLACE FUNCTION booksync_account_invoice() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    customer customers_cache;
    winner uuid;
    why text := booksync_quarantine_reason(NEW.user_id, NEW.zoho_customer_id);
    its_winners jsonb := '{}';
    made boolean := false;
    lost text[];
    unfit text[] := booksync_unfit(NEW.customer_country_code, NEW.customer_timezone);
BEGIN
    IF NEW.customer_id IS NULL THEN
        IF why IS NULL THEN
            RETURN NULL;  -- The backfill will come by.
        END IF;
        lost := '{}';
        unfit := '{}';
    ELSE
        SELECT * INTO customer FROM customers_cache WHERE id = NEW.customer_id;
        lost := booksync_merged(
            NEW.customer_name, NEW.customer_phone, NEW.customer_country_code, NEW.customer_timezone, customer
        );
        SELECT row_id, winners INTO winner, its_winners FROM migration_receipt
        WHERE customer_id = NEW.customer_id AND made_customer ORDER BY id LIMIT 1;
        made := winner IS NULL AND lost = '{}' AND customer.observed_at IS NULL AND customer.connection_id IS NULL;
    END IF;
    INSERT INTO migration_receipt (
        table_name, row_id, user_id, customer_id, outcome, reason, won_by, winners, made_customer, recorded_by,
        legacy, merged, unfit
    ) VALUES (
        'invoices_cache', NEW.id, NEW.user_id, NEW.customer_id,
        CASE WHEN NEW.customer_id IS NULL THEN 'quarantined' WHEN lost = '{}' THEN 'moved' ELSE 'merged' END,
        CASE WHEN NEW.customer_id IS NULL THEN why END,
        CASE WHEN made THEN NEW.id ELSE winner END,
        coalesce(its_winners, '{}'),
        made,
        'application',
        booksync_copy(NEW.customer_name, NEW.customer_phone, NEW.customer_country_code, NEW.customer_timezone),
        lost, unfit
    );
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION booksync_link_reminder() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    NEW.customer_id := coalesce(
        NEW.customer_id, (SELECT customer_id FROM invoices_cache WHERE id = NEW.invoice_id)
    );
    RETURN NEW;
END $$;

-- The legacy application does not know the reminders that booksync planned, and may delete their invoice. A sent
-- reminder stays and keeps the invoice, so that it is not sent a second time.
CREATE OR REPLACE FUNCTION booksync_drop_reminders() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM reminders
    WHERE invoice_id = OLD.id AND closes_at IS NOT NULL AND status IN ('scheduled', 'cancelled', 'superseded');
    RETURN OLD;
END $$;

CREATE OR REPLACE TRIGGER booksync_drop_reminders BEFORE DELETE ON invoices_cache
FOR EACH ROW WHEN (current_setting('booksync.migrating', true) IS DISTINCT FROM 'on')
EXECUTE FUNCTION booksync_drop_reminders();

CREATE OR REPLACE TRIGGER booksync_link_invoice
BEFORE INSERT OR UPDATE OF customer_id, zoho_customer_id, user_id ON invoices_cache
FOR EACH ROW WHEN (current_setting('booksync.migrating', true) IS DISTINCT FROM 'on')
EXECUTE FUNCTION booksync_link_invoice();

CREATE OR REPLACE TRIGGER booksync_account_new_invoice AFTER INSERT ON invoices_cache
FOR EACH ROW WHEN (current_setting('booksync.migrating', true) IS DISTINCT FROM 'on')
EXECUTE FUNCTION booksync_account_invoice();

CREATE OR REPLACE TRIGGER booksync_account_invoice AFTER UPDATE ON invoices_cache
FOR EACH ROW WHEN (
    current_setting('booksync.migrating', true) IS DISTINCT FROM 'on'
    AND (
        OLD.customer_name IS DISTINCT FROM NEW.customer_name
        OR OLD.customer_phone IS DISTINCT FROM NEW.customer_phone
        OR OLD.customer_country_code IS DISTINCT FROM NEW.customer_country_code
        OR OLD.customer_timezone IS DISTINCT FROM NEW.customer_timezone
        OR OLD.customer_id IS DISTINCT FROM NEW.customer_id
        OR OLD.zoho_customer_id IS DISTINCT FROM NEW.zoho_customer_id
        OR OLD.user_id IS DISTINCT FROM NEW.user_id
    )
)
EXECUTE FUNCTION booksync_account_invoice();

CREATE OR REPLACE TRIGGER booksync_link_reminder BEFORE INSERT ON reminders
FOR EACH ROW WHEN (current_setting('booksync.migrating', true) IS DISTINCT FROM 'on')
EXECUTE FUNCTION booksync_link_reminder();
