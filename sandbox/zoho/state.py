"""The simulator's data in one file, so that a later start continues with the same data."""

from pathlib import Path
from typing import Any

import orjson

from sandbox.zoho.books import Books
from sandbox.zoho.oauth import Tokens
from sandbox.zoho.people import NewIds
from sandbox.zoho.records import Contact, ContactType, Invoice, InvoiceStatus, Organization, Person
from sandbox.zoho.simulator import Simulator

VERSION = 1


class UnreadableStateError(ValueError):
    """The state file was written by another version of the simulator: delete it to start with new data."""


def save(simulator: Simulator, path: Path) -> None:
    """Save the simulator's data to a temporary file and rename it, so that a crash leaves the old or the new data."""
    document = {
        "version": VERSION,
        "organizations": [_books_document(books) for books in simulator.organizations.values()],
        "tokens": simulator.tokens.state(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(orjson.dumps(document))
    beside.replace(path)
    for books in simulator.organizations.values():
        books.is_changed = False
    simulator.tokens.is_changed = False


def load(path: Path, tokens: Tokens) -> dict[str, Books]:
    """Return the organisations of a state file and load its tokens into `tokens`. Raises UnreadableStateError."""
    document: dict[str, Any] = orjson.loads(path.read_bytes())
    if document.get("version") != VERSION:
        raise UnreadableStateError(f"{path.name} has version {document.get('version')}, not {VERSION}")
    for refresh_token, user in document["tokens"]["users"].items():
        tokens.restore_user(refresh_token, user, document["tokens"].get("issued_to", {}).get(refresh_token))
    for token, issued in document["tokens"]["alive"].items():
        tokens.restore_access_token(token, issued["refresh_token"], issued["dies_at"])
    organizations = [_read_books(each) for each in document["organizations"]]
    return {books.organization.organization_id: books for books in organizations}


def _books_document(books: Books) -> dict[str, object]:
    return {
        "organization": books.organization,
        "last_id": books.ids.last,
        "last_invoice_number": books.last_invoice_number,
        "contacts": list(books.contacts.truth.values()),
        "invoices": list(books.invoices.truth.values()),
    }


def _read_books(document: dict[str, Any]) -> Books:
    books = Books(Organization(**document["organization"]), NewIds(document["last_id"]))
    books.last_invoice_number = document["last_invoice_number"]
    books.restore(map(_read_contact, document["contacts"]), map(_read_invoice, document["invoices"]))
    return books


def _read_contact(document: dict[str, Any]) -> Contact:
    persons = tuple(Person(**person) for person in document.pop("persons"))
    kind = ContactType(document.pop("contact_type"))
    return Contact(persons=persons, contact_type=kind, **document)


def _read_invoice(document: dict[str, Any]) -> Invoice:
    return Invoice(status=InvoiceStatus(document.pop("status")), **document)
