-- From phase 2 until phase 3 drops the old columns, the legacy application and booksync write side by side:
-- each fills the columns that it knows, and these triggers fill the other's.

CREATE FUNCTION booksync_customer_of_copy(owner uuid, zoho_id text, name text, phone text, country text, zone text)
RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    number text := regexp_replace(btrim(phone), '[ .-]', '', 'g');
    is_e164 boolean := number ~ '^\+[1-9][0-9]{6,14}$';
BEGIN
    -- What Zoho itself told of a customer, or a newer copy, stays.
    INSERT INTO customers_cache (
        user_id, zoho_customer_id, customer_name, primary_phone, phone_problem, country_code, time_zone
    ) VALUES (
        owner,
        btrim(zoho_id),
        coalesce(name, ''),
        CASE WHEN is_e164 THEN number ELSE nullif(btrim(phone), '') END,
        -- Nobody is called at a number that was not understood; the first sync judges it properly.
        CASE WHEN NOT is_e164 AND btrim(phone) <> '' THEN 'unknown_region' END,
        CASE WHEN btrim(country) ~ '^[A-Za-z]{2}$' THEN upper(btrim(country)) END,
        nullif(btrim(zone), '')
    ) ON CONFLICT (user_id, zoho_customer_id) DO NOTHING;
    -- A statement of its own: only a new snapshot shows a row that another session has just committed.
    RETURN (SELECT id FROM customers_cache WHERE user_id = owner AND zoho_customer_id = btrim(zoho_id));
END $$;

CREATE FUNCTION booksync_link_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    renamed boolean := TG_OP = 'UPDATE' AND NEW.customer_id = OLD.customer_id
        AND NEW.zoho_customer_id IS DISTINCT FROM OLD.zoho_customer_id;
    customer customers_cache;
BEGIN
    IF NEW.customer_id IS NULL OR renamed THEN
        -- The legacy application wrote: it knows only Zoho's id and its own copy of the customer.
        IF btrim(NEW.zoho_customer_id) <> '' THEN
            NEW.customer_id := booksync_customer_of_copy(
                NEW.user_id, NEW.zoho_customer_id,
                NEW.customer_name, NEW.customer_phone, NEW.customer_country_code, NEW.customer_timezone
            );
        END IF;
    ELSIF TG_OP = 'INSERT' OR NEW.customer_id <> OLD.customer_id THEN
        -- booksync wrote. (A row that had no customer keeps its copy: the backfill comes by here as well.)
        SELECT * INTO customer FROM customers_cache WHERE id = NEW.customer_id;
        NEW.customer_name := customer.customer_name;
        NEW.customer_phone := customer.primary_phone;
        NEW.customer_country_code := customer.country_code;
        NEW.customer_timezone := customer.time_zone;
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION booksync_link_reminder() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.customer_id := coalesce(
        NEW.customer_id, (SELECT customer_id FROM invoices_cache WHERE id = NEW.invoice_id)
    );
    RETURN NEW;
END $$;

CREATE TRIGGER booksync_link_invoice BEFORE INSERT OR UPDATE OF customer_id, zoho_customer_id ON invoices_cache
FOR EACH ROW EXECUTE FUNCTION booksync_link_invoice();

CREATE TRIGGER booksync_link_reminder BEFORE INSERT ON reminders
FOR EACH ROW EXECUTE FUNCTION booksync_link_reminder();
