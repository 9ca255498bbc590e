-- Undoes side_by_side.sql.

DROP TRIGGER booksync_link_invoice ON invoices_cache;
DROP TRIGGER booksync_link_reminder ON reminders;
DROP FUNCTION booksync_link_invoice();
DROP FUNCTION booksync_link_reminder();
DROP FUNCTION booksync_customer_of_copy(uuid, text, text, text, text, text);
