"""The full content of an organisation's books as one document, to compare with a client's copy."""

from sandbox.zoho.books import Books
from sandbox.zoho.rows import contact_detail, invoice_row


def snapshot(books: Books, today: str) -> dict[str, object]:
    """The full content of an organisation's books: `{organization, contacts: [detail…], invoices: [row…]}` by id.

    Records have the values that details show, even while lists lag behind. Deleted records are absent and leave no
    tombstones.
    """
    organization = books.organization
    return {
        "organization": organization,
        "contacts": [contact_detail(contact, organization) for _, contact in sorted(books.contacts.truth.items())],
        "invoices": [invoice_row(invoice, organization, today) for _, invoice in sorted(books.invoices.truth.items())],
    }
