"""Changes to invoices. Each change moves the invoice's own time and never its customer's."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sandbox.zoho import commands as ask
from sandbox.zoho.edit import Edit, Result
from sandbox.zoho.records import Invoice, InvoiceStatus

#: Amount field of a command → the record's attribute (in cents).
CENTS = {
    "total": "total_cents",
    "balance": "balance_cents",
    "unprocessed_payment_amount": "unprocessed_cents",
    "credits_applied": "credits_applied_cents",
}


def create_invoice(asked: ask.CreateInvoice, edit: Edit) -> Result:
    at = edit.stamp(asked)
    customer = edit.contact(asked.customer_id)
    today = datetime.fromtimestamp(at, edit.books.organization.zone).date()
    given = _facts(asked.fields.model_dump(exclude_none=True))
    usual: dict[str, Any] = {
        "date": today.isoformat(),
        "due_date": (today + timedelta(days=30)).isoformat(),
        "balance_cents": 0 if asked.fields.status is InvoiceStatus.PAID else given["total_cents"],
        "currency_code": customer.currency_code,
    }
    invoice = Invoice(
        invoice_id=edit.books.ids.next(edit.rng),
        invoice_number=edit.books.next_invoice_number(),
        customer_id=customer.contact_id,
        customer_name=customer.contact_name,
        company_name=customer.company_name,
        created_at=at,
        modified_at=at,
        **(usual | given),
    )
    edit.books.put_invoice(invoice, edit.visible_at)
    return {"invoice_id": str(invoice.invoice_id)}


def edit_invoice(asked: ask.EditInvoice, edit: Edit) -> Result:
    invoice = edit.invoice(asked.invoice_id)
    changes = _facts(asked.fields.model_dump(exclude_unset=True, exclude_none=True))
    edit.books.put_invoice(replace(invoice, modified_at=edit.stamp(asked), **changes), edit.visible_at)
    return {}


def pay_invoice(asked: ask.PayInvoice, edit: Edit) -> Result:
    at = edit.stamp(asked)
    invoice = edit.invoice(asked.invoice_id)
    paid = invoice.balance_cents if asked.amount is None else int(asked.amount * 100)
    left = max(invoice.balance_cents - paid, 0)
    edit.books.put_invoice(
        replace(
            invoice,
            balance_cents=left,
            status=InvoiceStatus.PARTIALLY_PAID if left else InvoiceStatus.PAID,
            last_payment_date=datetime.fromtimestamp(at, edit.books.organization.zone).date().isoformat(),
            ach_payment_initiated=False,
            unprocessed_cents=None if invoice.unprocessed_cents is None else 0,
            modified_at=at,
        ),
        edit.visible_at,
    )
    return {}


def void_invoice(asked: ask.VoidInvoice, edit: Edit) -> Result:
    invoice = edit.invoice(asked.invoice_id)
    void = replace(invoice, status=InvoiceStatus.VOID, modified_at=edit.stamp(asked))
    edit.books.put_invoice(replace(void, balance_cents=void.total_cents), edit.visible_at)
    return {}


def delete_invoice(asked: ask.DeleteInvoice, edit: Edit) -> Result:
    edit.invoice(asked.invoice_id)
    edit.books.delete_invoice(asked.invoice_id, edit.visible_at)
    return {}


def _facts(fields: dict[str, Any]) -> dict[str, Any]:
    """The invoice's attributes that the fields of a command set."""
    return {CENTS.get(name, name): int(value * 100) if name in CENTS else value for name, value in fields.items()}
