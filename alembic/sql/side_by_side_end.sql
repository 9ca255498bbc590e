-- Undoes side_by_side.sql.

DROP TRIGGER IF EXISTS booksync_drop_reminders ON invoices_cache;
DROP TRIGGER IF EXISTS booksync_link_invoice ON invoices_cache;
DROP TRIGGER IF EXISTS booksync_account_new_invoice ON invoices_cache;
DROP TRIGGER IF EXISTS booksync_account_invoice ON invoices_cache;
DROP TRIGGER IF EXISTS booksync_link_reminder ON reminders;
DROP FUNCTION IF EXISTS booksync_drop_reminders();
DROP FUNCTION IF EXISTS booksync_link_invoice();
DROP FUNCTION IF EXISTS booksync_account_invoice();
DROP FUNCTION IF EXISTS booksync_link_reminder();
DROP FUNCTION IF EXISTS booksync_customer_of_copy({{user_id}}, text, text, text, text, text);
DROP FUNCTION IF EXISTS booksync_merged(text, text, text, text, customers_cache);
-- The version of an earlier release.
DROP FUNCTION IF EXISTS booksync_merged(text, text, text, text, text, text, text, text);
DROP FUNCTION IF EXISTS booksync_unfit(text, text);
DROP FUNCTION IF EXISTS booksync_copy(text, text, text, text);
DROP FUNCTION IF EXISTS booksync_quarantine_reason({{user_id}}, text);
DROP FUNCTION IF EXISTS booksync_no_id_reason(text);
DROP FUNCTION IF EXISTS booksync_zone(text);
DROP FUNCTION IF EXISTS booksync_country(text);
DROP FUNCTION IF EXISTS booksync_country_named(text);
DROP FUNCTION IF EXISTS booksync_phone(text);
DROP FUNCTION IF EXISTS booksync_zoho_id(text);
DROP FUNCTION IF EXISTS booksync_trim(text);
