"""One organisation's books: contacts, their persons and invoices, kept consistent with each other."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sandbox.zoho import rows
from sandbox.zoho.people import NewIds
from sandbox.zoho.records import Contact, Invoice, ListedPerson, Organization
from sandbox.zoho.table import Table


class Books:
    """The tables of one organisation's books.

    Every change goes through the methods of this class, which keep the tables consistent.
    """

    def __init__(self, organization: Organization, ids: NewIds) -> None:
        self.organization = organization
        self.ids = ids
        self.last_invoice_number = 0
        self.is_changed = False
        self._day = ""
        self._invoice_ids_of: dict[int, set[int]] = {}
        self.contacts: Table[Contact] = Table(
            lambda contact: contact.contact_id,
            {
                "contact_name": lambda contact: contact.contact_name.casefold(),
                "first_name": lambda contact: _primary_text(contact, "first_name"),
                "last_name": lambda contact: _primary_text(contact, "last_name"),
                "email": lambda contact: _primary_text(contact, "email"),
                "outstanding_receivable_amount": lambda contact: contact.outstanding_cents,
                "created_time": lambda contact: contact.created_at,
                "last_modified_time": lambda contact: contact.modified_at,
            },
            lambda contact: rows.contact_row(contact, self.organization),
        )
        self.persons: Table[ListedPerson] = Table(
            lambda listed: listed.person.contact_person_id,
            {"contact_person_id": lambda listed: listed.person.contact_person_id},
            lambda listed: rows.listed_person_row(listed, self.organization),
        )
        self.invoices: Table[Invoice] = Table(
            lambda invoice: invoice.invoice_id,
            {
                "customer_name": lambda invoice: invoice.customer_name.casefold(),
                "invoice_number": lambda invoice: invoice.invoice_number,
                "date": lambda invoice: invoice.date,
                "due_date": lambda invoice: invoice.due_date,
                "total": lambda invoice: invoice.total_cents,
                "balance": lambda invoice: invoice.balance_cents,
                "created_time": lambda invoice: invoice.created_at,
                "last_modified_time": lambda invoice: invoice.modified_at,
            },
            lambda invoice: rows.invoice_row(invoice, self.organization, self._day),
        )

    def today(self, now: float) -> str:
        """The organisation's present date, `YYYY-MM-DD`.

        At the organisation's midnight rows become overdue although no record changed.
        """
        day = datetime.fromtimestamp(now, self.organization.zone).date().isoformat()
        if day != self._day:
            self._day = day
            self.invoices.forget_rows()
        return day

    def edit_organization(self, changes: Mapping[str, Any]) -> None:
        """Replace fields of the organisation.

        The rows that lists show may change (offsets of times, sub-statuses) although no record changes.
        """
        self.organization = replace(self.organization, **changes)
        for table in (self.contacts, self.persons, self.invoices):
            table.forget_rows()
        self.is_changed = True

    def index(self) -> None:
        """Build the indexes that every client uses, so that a client's first calls do not wait for them."""
        for table, columns in (
            (self.contacts, ("contact_name", "last_modified_time")),
            (self.persons, ("contact_person_id",)),
            (self.invoices, ("created_time", "last_modified_time")),
        ):
            for column in columns:
                table.ordering(column)

    def show_due(self, now: float) -> None:
        for table in (self.contacts, self.persons, self.invoices):
            table.show_due(now)

    def next_invoice_number(self) -> str:
        self.last_invoice_number += 1
        return f"INV-{self.last_invoice_number:06d}"

    def put_contact(self, contact: Contact, visible_at: float | None = None) -> None:
        before = self.contacts.truth.get(contact.contact_id)
        self.contacts.put(contact, visible_at)
        self.is_changed = True
        if before is not None and _person_facts(before) == _person_facts(contact):
            return
        kept = {person.contact_person_id for person in contact.persons}
        self._drop_persons(before, kept, visible_at)
        for listed in _listed_persons(contact):
            self.persons.put(listed, visible_at)
        if before is not None and _names(before) != _names(contact):
            self._rename_invoices(contact, visible_at)

    def delete_contact(self, contact_id: int, visible_at: float | None = None) -> None:
        """Remove the contact and its persons.

        The contact's invoices stay, with the id of a contact that no longer exists.
        """
        self._drop_persons(self.contacts.truth[contact_id], set(), visible_at)
        self.contacts.delete(contact_id, visible_at)
        self.is_changed = True

    def put_invoice(self, invoice: Invoice, visible_at: float | None = None) -> None:
        """Store the invoice and update its customers' receivables, without moving the customers' modified time."""
        before = self.invoices.truth.get(invoice.invoice_id)
        if before is not None and before.customer_id != invoice.customer_id:
            self._invoice_ids_of[before.customer_id].discard(invoice.invoice_id)
        self.invoices.put(invoice, visible_at)
        self.note_customer(invoice)
        self.is_changed = True
        if before is not None:
            self._owe(before.customer_id, -before.owed_cents, visible_at)
        self._owe(invoice.customer_id, invoice.owed_cents, visible_at)

    def delete_invoice(self, invoice_id: int, visible_at: float | None = None) -> None:
        invoice = self.invoices.truth[invoice_id]
        self.invoices.delete(invoice_id, visible_at)
        self._invoice_ids_of[invoice.customer_id].discard(invoice_id)
        self._owe(invoice.customer_id, -invoice.owed_cents, visible_at)
        self.is_changed = True

    def note_customer(self, invoice: Invoice) -> None:
        self._invoice_ids_of.setdefault(invoice.customer_id, set()).add(invoice.invoice_id)

    def invoices_of(self, contact_id: int) -> list[Invoice]:
        return [self.invoices.truth[invoice_id] for invoice_id in sorted(self._invoice_ids_of.get(contact_id, ()))]

    def restore(self, contacts: Iterable[Contact], invoices: Iterable[Invoice]) -> None:
        """Fill empty books with records that are already consistent."""
        for contact in contacts:
            self.put_contact(contact)
        for invoice in invoices:
            self.invoices.put(invoice)
            self.note_customer(invoice)
        self.is_changed = False

    def _owe(self, contact_id: int, cents: int, visible_at: float | None) -> None:
        contact = self.contacts.truth.get(contact_id)
        if contact is not None and cents:
            self.put_contact(replace(contact, outstanding_cents=contact.outstanding_cents + cents), visible_at)

    def _drop_persons(self, contact: Contact | None, kept: set[int], visible_at: float | None) -> None:
        for person in contact.persons if contact is not None else ():
            if person.contact_person_id not in kept:
                self.persons.delete(person.contact_person_id, visible_at)

    def _rename_invoices(self, contact: Contact, visible_at: float | None) -> None:
        for invoice in self.invoices_of(contact.contact_id):
            renamed = replace(invoice, customer_name=contact.contact_name, company_name=contact.company_name)
            self.invoices.put(renamed, visible_at)


def _primary_text(contact: Contact, column: str) -> str:
    person = contact.primary_person
    return "" if person is None else str(getattr(person, column)).casefold()


def _names(contact: Contact) -> tuple[str, str]:
    return contact.contact_name, contact.company_name


def _person_facts(contact: Contact) -> tuple[object, ...]:
    """The facts of a contact that its persons' and invoices' rows are built from."""
    return (contact.persons, contact.primary_person_id, contact.currency_code, contact.is_active, *_names(contact))


def _listed_persons(contact: Contact) -> Iterable[ListedPerson]:
    for person in contact.persons:
        yield ListedPerson(
            person=person,
            contact_id=contact.contact_id,
            contact_name=contact.contact_name,
            currency_code=contact.currency_code,
            is_primary=person.contact_person_id == contact.primary_person_id,
            is_contact_active=contact.is_active,
        )
