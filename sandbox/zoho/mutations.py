"""The function for each kind of change; every edit of the books goes through this module."""

from collections.abc import Sequence

from sandbox.zoho import commands as ask
from sandbox.zoho import contact_changes, crowds, invoice_changes
from sandbox.zoho.edit import Edit, Result


def apply_all(mutations: Sequence[ask.Mutation], edit: Edit) -> list[Result]:
    """Make the changes in order and return one result for each.

    Raises UnknownRecordError at the first unknown id; the changes before it are not undone.
    """
    return [apply(mutation, edit) for mutation in mutations]


def apply(mutation: ask.Mutation, edit: Edit) -> Result:
    match mutation:
        case ask.CreateContact():
            return contact_changes.create_contact(mutation, edit)
        case ask.EditContact():
            return contact_changes.edit_contact(mutation, edit)
        case ask.SetCredits():
            return contact_changes.set_credits(mutation, edit)
        case ask.DeleteContact():
            return contact_changes.delete_contact(mutation, edit)
        case ask.MergeContacts():
            return contact_changes.merge_contacts(mutation, edit)
        case ask.CreatePerson():
            return contact_changes.create_person(mutation, edit)
        case ask.EditPerson():
            return contact_changes.edit_person(mutation, edit)
        case ask.DeletePerson():
            return contact_changes.delete_person(mutation, edit)
        case ask.CreateInvoice():
            return invoice_changes.create_invoice(mutation, edit)
        case ask.EditInvoice():
            return invoice_changes.edit_invoice(mutation, edit)
        case ask.PayInvoice():
            return invoice_changes.pay_invoice(mutation, edit)
        case ask.VoidInvoice():
            return invoice_changes.void_invoice(mutation, edit)
        case ask.DeleteInvoice():
            return invoice_changes.delete_invoice(mutation, edit)
        case ask.EditOrganization():
            edit.books.edit_organization(mutation.fields.model_dump(exclude_unset=True))
            return {}
        case ask.Touch():
            return crowds.touch(mutation, edit)
        case ask.Crowd():
            return crowds.crowd(mutation, edit)
        case ask.BulkImport():
            return crowds.bulk_import(mutation, edit)
        case ask.Drift():
            return crowds.drift(mutation, edit)
