"""The context of every change to the books: the books, the server's current time and a random source."""

import random
from dataclasses import dataclass

from sandbox.zoho.books import Books
from sandbox.zoho.commands import Change, PersonFields
from sandbox.zoho.records import Contact, Invoice, Person

Result = dict[str, object]


class UnknownRecordError(LookupError):
    """The books hold no such record."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What every change to one organisation's books needs, at one instant.

    `now` is the server's time in whole seconds. If the fault `late_visibility` holds the change back, `visible_at` is
    the time on the steady clock from which lists show the change; otherwise it is None.
    """

    books: Books
    rng: random.Random
    now: int
    visible_at: float | None = None

    def stamp(self, asked: Change) -> int:
        return self.now if asked.at is None else int(asked.at.timestamp())

    def contact(self, contact_id: int) -> Contact:
        try:
            return self.books.contacts.truth[contact_id]
        except KeyError:
            raise UnknownRecordError(f"no contact {contact_id}") from None

    def contact_of(self, contact_person_id: int) -> Contact:
        try:
            return self.contact(self.books.persons.truth[contact_person_id].contact_id)
        except KeyError:
            raise UnknownRecordError(f"no contact person {contact_person_id}") from None

    def invoice(self, invoice_id: int) -> Invoice:
        try:
            return self.books.invoices.truth[invoice_id]
        except KeyError:
            raise UnknownRecordError(f"no invoice {invoice_id}") from None

    def person(self, fields: PersonFields, at: int) -> Person:
        """A new person that does not belong to a contact yet."""
        return Person(contact_person_id=self.books.ids.next(self.rng), created_at=at, **fields.model_dump())

    def keep(self, contact: Contact) -> None:
        self.books.put_contact(contact, self.visible_at)
