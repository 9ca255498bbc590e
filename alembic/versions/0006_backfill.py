"""Customers from the copies that the invoices hold, and a receipt of every copy.

Every invoice and reminder is linked to its customer. Of several copies the newest wins; what the others hold is in
migration_receipt, with which row won, and stays in the invoices' old columns until phase 3. A customer that booksync
has cached already stays as Zoho told it. An invoice without Zoho's customer id stays without a customer.

A batch of rows is a small transaction that gives way to either application's writes, and notes how far it came: what is
killed half-way goes on from there.
"""

from db.migrations.backfill import backfill
from db.migrations.steps import letting_others_work

revision = "0006_backfill"
down_revision = "0005_customer_links"


def upgrade() -> None:
    with letting_others_work() as connection:
        backfill(connection)


def downgrade() -> None:
    """Nothing: links and receipts go in the revision before."""
