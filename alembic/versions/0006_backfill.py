"""Customers from the copies in the invoices, and a receipt of every copy.

Every invoice and reminder is linked to its customer. If the copies differ, the newest one wins. migration_receipt
records the values of the other copies and the row that won; the invoices' old columns keep these values until phase 3.
A customer that booksync has already cached keeps the values from Zoho. An invoice without Zoho's customer id stays
without a customer.

Each batch of rows is a small transaction that yields to the writes of both applications and records its position: a
killed backfill continues from there.
"""

from db.legacy.backfill import backfill
from db.migrations.steps import letting_others_work

revision = "0006_backfill"
down_revision = "0005_customer_links"


def upgrade() -> None:
    with letting_others_work() as connection:
        backfill(connection)


def downgrade() -> None:
    """Do nothing: the downgrade of the revision before removes links and receipts."""
