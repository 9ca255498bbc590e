"""Changes to many records at once (touches, shared modified times, imports), and one random small change."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from sandbox.zoho import commands as ask
from sandbox.zoho.contact_changes import edit_person
from sandbox.zoho.data import made_up_contact, made_up_invoice
from sandbox.zoho.edit import Edit, Result
from sandbox.zoho.invoice_changes import create_invoice, pay_invoice
from sandbox.zoho.places import home_country, home_phone
from sandbox.zoho.records import ContactType
from sandbox.zoho.table import Table

Record = TypeVar("Record")

TRIES = 50
"""How many random records a small change tries before it creates a new contact instead."""


def touch(asked: ask.Touch, edit: Edit) -> Result:
    at = edit.stamp(asked)
    for contact_id in asked.contact_ids:
        edit.keep(replace(edit.contact(contact_id), modified_at=at))
    for invoice_id in asked.invoice_ids:
        edit.books.put_invoice(replace(edit.invoice(invoice_id), modified_at=at), edit.visible_at)
    return {}


def crowd(asked: ask.Crowd, edit: Edit) -> Result:
    """Give the oldest records one modified time.

    The lowest ids are the oldest records, so new or edited records do not alter the choice.
    """
    table = edit.books.contacts.truth if asked.what == "contacts" else edit.books.invoices.truth
    chosen = tuple(sorted(table)[: asked.count])
    if asked.what == "contacts":
        touch(ask.Touch(at=asked.at, contact_ids=chosen), edit)
    else:
        touch(ask.Touch(at=asked.at, invoice_ids=chosen), edit)
    return {"ids": [str(record_id) for record_id in chosen]}


def bulk_import(asked: ask.BulkImport, edit: Edit) -> Result:
    at = edit.stamp(asked)
    contact_ids: list[str] = []
    invoice_ids: list[str] = []
    for number in range(asked.contacts):
        created = at - asked.spread_seconds + 1 + number * asked.spread_seconds // asked.contacts
        contact = made_up_contact(edit.books, edit.rng, edit.now, created_at=created)
        edit.keep(contact)
        contact_ids.append(str(contact.contact_id))
        for _ in range(asked.invoices_per_contact):
            invoice = made_up_invoice(edit.books, contact, edit.rng, edit.now)
            edit.books.put_invoice(replace(invoice, created_at=created, modified_at=created), edit.visible_at)
            invoice_ids.append(str(invoice.invoice_id))
    return {"contact_ids": contact_ids, "invoice_ids": invoice_ids}


def drift(asked: ask.Drift, edit: Edit) -> Result:
    """Make one random small change, of four kinds: a payment, an edited phone, a new invoice or a new contact."""
    event = edit.rng.choices(("payment", "edited_phone", "new_invoice", "new_contact"), (40, 25, 25, 10))[0]
    match event:
        case "payment" if (invoice_id := _some_open_invoice(edit)) is not None:
            pay_invoice(ask.PayInvoice(at=asked.at, invoice_id=invoice_id), edit)
            return {"event": event, "invoice_id": str(invoice_id)}
        case "edited_phone" if (person_id := _some_person(edit)) is not None:
            home = home_country(edit.books.organization.country_code)
            fields = ask.PersonFields(mobile=home_phone(home, edit.rng))
            edit_person(ask.EditPerson(at=asked.at, contact_person_id=person_id, fields=fields), edit)
            return {"event": event, "contact_person_id": str(person_id)}
        case "new_invoice" if (customer_id := _some_customer(edit)) is not None:
            fields_of_invoice = ask.InvoiceFields(total=edit.rng.randrange(20, 9_000))
            created = create_invoice(
                ask.CreateInvoice(at=asked.at, customer_id=customer_id, fields=fields_of_invoice), edit
            )
            return {"event": event, **created}
    return {"event": "new_contact", **_new_contact(asked, edit)}


def _new_contact(asked: ask.Drift, edit: Edit) -> Result:
    contact = made_up_contact(edit.books, edit.rng, edit.now, created_at=edit.stamp(asked))
    edit.keep(contact)
    return {"contact_id": str(contact.contact_id)}


def _some_open_invoice(edit: Edit) -> int | None:
    return _some(edit.books.invoices, edit, lambda invoice: invoice.is_open)


def _some_customer(edit: Edit) -> int | None:
    return _some(
        edit.books.contacts, edit, lambda contact: contact.is_active and contact.contact_type is ContactType.CUSTOMER
    )


def _some_person(edit: Edit) -> int | None:
    return _some(edit.books.persons, edit, lambda _: True)


def _some(table: Table[Record], edit: Edit, suits: Callable[[Record], bool]) -> int | None:
    """The id of a random record that suits; None if a few tries find none (a full scan would block the server)."""
    for _ in range(TRIES):
        record_id = table.random_id(edit.rng)
        record = None if record_id is None else table.truth.get(record_id)
        if record is not None and suits(record):
            return record_id
    return None
