"""Changes to contacts and their persons, stamped as Zoho stamps them."""

from dataclasses import replace

from sandbox.zoho import commands as ask
from sandbox.zoho.edit import Edit, Result
from sandbox.zoho.records import Contact


def create_contact(asked: ask.CreateContact, edit: Edit) -> Result:
    at = edit.stamp(asked)
    contact_id = edit.books.ids.next(edit.rng)
    persons = tuple(edit.person(fields, at) for fields in asked.persons)
    primary = persons[0].contact_person_id if persons else None
    edit.keep(
        Contact(
            contact_id=contact_id,
            created_at=at,
            modified_at=at,
            persons=persons,
            primary_person_id=primary,
            **asked.fields.model_dump(),
        )
    )
    ids = [str(person.contact_person_id) for person in persons]
    return {"contact_id": str(contact_id), "contact_person_ids": ids}


def edit_contact(asked: ask.EditContact, edit: Edit) -> Result:
    contact = edit.contact(asked.contact_id)
    changes = asked.fields.model_dump(exclude_unset=True)
    edit.keep(replace(contact, modified_at=edit.stamp(asked), **changes))
    return {}


def set_credits(asked: ask.SetCredits, edit: Edit) -> Result:
    """Set the contact's unused credits without moving its modified time, as in Zoho."""
    contact = edit.contact(asked.contact_id)
    edit.keep(replace(contact, unused_credits_cents=int(asked.amount * 100)))
    return {}


def delete_contact(asked: ask.DeleteContact, edit: Edit) -> Result:
    edit.contact(asked.contact_id)
    if asked.with_invoices:
        for invoice in edit.books.invoices_of(asked.contact_id):
            edit.books.delete_invoice(invoice.invoice_id, edit.visible_at)
    edit.books.delete_contact(asked.contact_id, edit.visible_at)
    return {}


def merge_contacts(asked: ask.MergeContacts, edit: Edit) -> Result:
    at = edit.stamp(asked)
    winner = edit.contact(asked.winner_id)
    loser = edit.contact(asked.loser_id)
    for invoice in edit.books.invoices_of(asked.loser_id):
        moved = replace(
            invoice,
            customer_id=winner.contact_id,
            customer_name=winner.contact_name,
            company_name=winner.company_name,
            modified_at=at if asked.stamp_invoices else invoice.modified_at,
        )
        edit.books.put_invoice(moved, edit.visible_at)
    edit.books.delete_contact(asked.loser_id, edit.visible_at)
    merged = edit.contact(asked.winner_id)
    edit.keep(
        replace(merged, unused_credits_cents=merged.unused_credits_cents + loser.unused_credits_cents, modified_at=at)
    )
    return {}


def create_person(asked: ask.CreatePerson, edit: Edit) -> Result:
    at = edit.stamp(asked)
    contact = edit.contact(asked.contact_id)
    person = edit.person(asked.fields, at)
    is_primary = asked.primary or not contact.persons
    changed = replace(
        contact,
        persons=(*contact.persons, person),
        primary_person_id=person.contact_person_id if is_primary else contact.primary_person_id,
        modified_at=at if asked.stamp_contact else contact.modified_at,
    )
    edit.keep(changed)
    return {"contact_person_id": str(person.contact_person_id)}


def edit_person(asked: ask.EditPerson, edit: Edit) -> Result:
    contact = edit.contact_of(asked.contact_person_id)
    changes = asked.fields.model_dump(exclude_unset=True)
    persons = tuple(
        replace(person, **changes) if person.contact_person_id == asked.contact_person_id else person
        for person in contact.persons
    )
    changed = replace(
        contact,
        persons=persons,
        primary_person_id=asked.contact_person_id if asked.primary else contact.primary_person_id,
        modified_at=edit.stamp(asked) if asked.stamp_contact else contact.modified_at,
    )
    edit.keep(changed)
    return {}


def delete_person(asked: ask.DeletePerson, edit: Edit) -> Result:
    contact = edit.contact_of(asked.contact_person_id)
    left = tuple(person for person in contact.persons if person.contact_person_id != asked.contact_person_id)
    primary = contact.primary_person_id
    if primary == asked.contact_person_id:
        primary = left[0].contact_person_id if left else None
    modified = edit.stamp(asked) if asked.stamp_contact else contact.modified_at
    edit.keep(replace(contact, persons=left, primary_person_id=primary, modified_at=modified))
    return {}
