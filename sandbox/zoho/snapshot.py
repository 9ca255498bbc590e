"""The truth of an organisation's books as one document, for comparing with what a client made of it."""

from sandbox.zoho.books import Books
from sandbox.zoho.rows import contact_detail, invoice_row


def snapshot(books: Books, today: str) -> dict[str, object]:
    """`{organization, contacts: [detail…], invoices: [row…]}` by id, as details tell it even where lists still lag.

    A tombstone is never in it: what was deleted is absent.
    """
    organization = books.organization
    return {
        "organization": organization,
        "contacts": [contact_detail(contact, organization) for _, contact in sorted(books.contacts.truth.items())],
        "invoices": [invoice_row(invoice, organization, today) for _, invoice in sorted(books.invoices.truth.items())],
    }
