"""Converts a row of invoices_cache to the domain's invoice."""

from typing import Any

from sqlalchemy import Row

from domain.invoices import Invoice


def invoice_of_row(row: Row[Any]) -> Invoice:
    """The invoice that a whole row of invoices_cache contains."""
    return Invoice(
        invoice_id=row.zoho_invoice_id,
        customer_id=row.zoho_customer_id or "",
        number=row.invoice_number or "",
        status=row.status or "",
        date=row.date,
        due_date=row.due_date,
        total=row.total,
        balance=row.balance,
        currency_code=row.currency_code or "",
        modified_at=row.zoho_last_modified_at,
        expected_payment_date=row.expected_payment_date,
        ach_payment_initiated=row.ach_payment_initiated,
        unprocessed_payment=row.unprocessed_payment,
        sub_status=row.sub_status,
        reminders_enabled=row.payment_reminder_enabled,
    )
