"""The kinds of requests to Zoho, for metrics: few fixed words without ids."""

import re
from enum import StrEnum


class CallKind(StrEnum):
    """What a request to Zoho reads."""

    CONTACTS = "contacts"  #: a page of the list of contacts
    CONTACT = "contact"  #: one contact with its details
    PERSONS = "persons"  #: a page of the list of contact persons
    INVOICES = "invoices"  #: a page of the list of invoices
    INVOICE = "invoice"  #: one invoice with its details
    ORGANIZATIONS = "organizations"  #: the organisations of the grant
    TOKEN = "token"  # noqa: S105  #: a new access token
    OTHER = "other"  #: a list or a record of a further entity


_LISTS = {
    "/contacts": CallKind.CONTACTS,
    "/contacts/contactpersons": CallKind.PERSONS,
    "/invoices": CallKind.INVOICES,
    "/organizations": CallKind.ORGANIZATIONS,
}
_RECORD = re.compile(r"(/contacts|/invoices)/[^/]+")
_DETAILS = {"/contacts": CallKind.CONTACT, "/invoices": CallKind.INVOICE}


def kind_of(path: str) -> CallKind:
    """The kind of a request by its path below /books/v3."""
    if path in _LISTS:
        return _LISTS[path]
    record = _RECORD.fullmatch(path)
    return _DETAILS[record[1]] if record else CallKind.OTHER
