"""Read both views through Django, with the text of `booksync schema --django`; print what was read and claimed."""

import json
import os
from urllib.parse import urlsplit

import django
from django.conf import settings

_ADDRESS = urlsplit(os.environ["DATABASE_URL"])
settings.configure(
    INSTALLED_APPS=["host"],
    USE_TZ=True,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _ADDRESS.path[1:],
            "HOST": _ADDRESS.hostname,
            "PORT": _ADDRESS.port,
            "USER": _ADDRESS.username,
        }
    },
)
django.setup()

from django.core.checks import run_checks  # noqa: E402
from host import models  # noqa: E402

assert run_checks() == []
customers = [str(each.customer_id) for each in models.BooksyncCustomers.objects.filter(status="active")]
calls = [str(each.reminder_id) for each in models.BooksyncDueCalls.objects.order_by("reminder_id")]
taken = models.claim_due_reminders(10)
reported = models.report_outcome(taken[0]["handover_id"], "reached")
print(
    json.dumps(
        {
            "customers": customers,
            "calls": calls,
            "taken": [str(each["reminder_id"]) for each in taken],
            "reported": reported[0]["report_outcome"],
        }
    )
)
