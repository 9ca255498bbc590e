"""Changes to invoices: each moves the invoice's own time and never its customer's."""

from dataclasses import replace
from datetime import datetime, timedelta

from sandbox.zoho import commands as ask
from sandbox.zoho.edit import Edit, Result
from sandbox.zoho.records import Invoice, InvoiceStatus


def create_invoice(asked: ask.CreateInvoice, edit: Edit) -> Result:
    at = edit.stamp(asked)
    customer = edit.contact(asked.customer_id)
    fields = asked.fields
    today = datetime.fromtimestamp(at, edit.books.organization.zone).date()
    total = int(fields.total * 100)
    balance = 0 if fields.status is InvoiceStatus.PAID else total
    invoice = Invoice(
        invoice_id=edit.books.ids.next(edit.rng),
        invoice_number=edit.books.next_invoice_number(),
        customer_id=customer.contact_id,
        customer_name=customer.contact_name,
        company_name=customer.company_name,
        status=fields.status,
        date=fields.date or today.isoformat(),
        due_date=fields.due_date or (today + timedelta(days=30)).isoformat(),
        total_cents=total,
        balance_cents=balance if fields.balance is None else int(fields.balance * 100),
        currency_code=fields.currency_code or customer.currency_code,
        created_at=at,
        modified_at=at,
        is_viewed=fields.is_viewed,
        reminders_sent=fields.reminders_sent,
    )
    edit.books.put_invoice(invoice, edit.visible_at)
    return {"invoice_id": str(invoice.invoice_id)}


def edit_invoice(asked: ask.EditInvoice, edit: Edit) -> Result:
    invoice = edit.invoice(asked.invoice_id)
    changes = asked.fields.model_dump(exclude_unset=True, exclude_none=True)
    for money in ("total", "balance"):
        if money in changes:
            changes[f"{money}_cents"] = int(changes.pop(money) * 100)
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
