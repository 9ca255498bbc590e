"""The application: writes an invoice with its reminder under the number given, and prints all of its rows."""

import json
import sys
from datetime import UTC, datetime

import django
from django.core.serializers.json import DjangoJSONEncoder

django.setup()

from billing.models import Invoice, Reminder, SyncMetadata, User  # noqa: E402


def write(number: str) -> None:
    user, _ = User.objects.get_or_create(email="ada@example.com")
    values = {
        "user": user,
        "zoho_invoice_id": number,
        "zoho_customer_id": "C1",
        "customer_name": "Ada Byron",
        "customer_phone": "+442070313000",
        "customer_country_code": "GB",
        "customer_timezone": "Europe/London",
        "status": "sent",
        "due_date": datetime(2026, 3, 1, tzinfo=UTC),
        "total": "120.50",
        "balance": 20.25,
        "zoho_last_modified_at": datetime(2026, 2, 1, 10, tzinfo=UTC),
    }
    invoice = Invoice.objects.create(**values)
    invoice.refresh_from_db()
    invoice.status = "overdue"
    invoice.save()
    keys = ["user", "zoho_invoice_id"]
    Invoice.objects.bulk_create(
        [Invoice(**values)], update_conflicts=True, update_fields=["channel"], unique_fields=keys
    )
    reminder = Reminder.objects.create(
        user=user, invoice=invoice, step=3, scheduled_at=datetime(2026, 3, 4, 10, tzinfo=UTC), phone="+442070313000"
    )
    reminder.status = "sent"
    reminder.save()
    SyncMetadata.objects.update_or_create(
        user=user, defaults={"last_invoice_sync_at": datetime(2026, 3, 1, tzinfo=UTC)}
    )


if len(sys.argv) > 1:
    write(sys.argv[1])
rows = [list(model.objects.order_by("id").values()) for model in (Invoice, Reminder, SyncMetadata)]
print(json.dumps(rows, cls=DjangoJSONEncoder))
