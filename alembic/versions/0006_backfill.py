"""Customers from the copies that the invoices hold.

Every invoice and reminder is then linked to its customer. Of several copies the newest wins; all of them stay in the
invoices' old columns until phase 3. A customer that booksync has cached already stays as Zoho told it. An invoice
without Zoho's customer id stays without a customer.

Each statement is committed by itself, so that none holds customers and invoices at once, and gives way to the legacy
application's writes rather than making them fail.
"""

from db.migrations.steps import giving_way, letting_others_work

revision = "0006_backfill"
down_revision = "0005_customer_links"


def upgrade() -> None:
    with letting_others_work():
        giving_way("""
            SELECT count(booksync_customer_of_copy(
                user_id, zoho_customer_id, customer_name, customer_phone, customer_country_code, customer_timezone
            ))
            FROM (
                SELECT DISTINCT ON (user_id, btrim(zoho_customer_id)) *
                FROM invoices_cache
                WHERE btrim(zoho_customer_id) <> ''
                ORDER BY
                    user_id, btrim(zoho_customer_id), zoho_last_modified_at DESC NULLS LAST, updated_at DESC, id
            ) AS newest_copy
        """)
        giving_way("""
            UPDATE invoices_cache AS invoice SET customer_id = customer.id
            FROM customers_cache AS customer
            WHERE invoice.customer_id IS NULL
                AND customer.user_id = invoice.user_id
                AND customer.zoho_customer_id = btrim(invoice.zoho_customer_id)
        """)
        giving_way("""
            UPDATE reminders AS reminder SET customer_id = invoice.customer_id
            FROM invoices_cache AS invoice
            WHERE invoice.id = reminder.invoice_id
                AND reminder.customer_id IS NULL
                AND invoice.customer_id IS NOT NULL
        """)


def downgrade() -> None:
    """Nothing: the links go with their columns, in the revision before."""
