"""An organisation's name, place and currency can change at any time."""

from typing import Any

import pytest
from pydantic import ValidationError

from sandbox.zoho import commands as ask
from sandbox.zoho.in_process import InProcessZoho, in_process_zoho


@pytest.fixture
def zoho() -> InProcessZoho:
    return in_process_zoho()


def listed(zoho: InProcessZoho) -> dict[str, Any]:
    return dict(zoho.get("/organizations")["organizations"][0])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "New Name & Sons"),
        ("time_zone", "Pacific/Auckland"),
        ("country", "New Zealand"),
        ("country_code", "NZ"),
        ("currency_code", "NZD"),
    ],
)
def test_an_edit_changes_the_field_that_it_names(zoho: InProcessZoho, field: str, value: str) -> None:
    before = listed(zoho)
    zoho.edit_organization(**{field: value})
    after = listed(zoho)
    follows = {"currency_code": {"currency_id", "currency_symbol"}}.get(field, set())
    assert after[field] == value
    assert {key for key in after if after[key] != before[key]} == {field} | follows


def test_times_are_written_in_the_new_zone_without_a_change_of_records(zoho: InProcessZoho) -> None:
    zoho.mutate(ask.CreateContact())
    before = zoho.get("/contacts")["contacts"][0]["last_modified_time"]
    zoho.edit_organization(time_zone="Asia/Kolkata")
    after = zoho.get("/contacts")["contacts"][0]["last_modified_time"]
    assert (before, after) == ("2025-10-09T04:53:20-0400", "2025-10-09T14:23:20+0530")


def test_invoices_become_overdue_by_the_new_zones_midnight(zoho: InProcessZoho) -> None:
    customer = int(str(zoho.mutate(ask.CreateContact())[0]["contact_id"]))
    zoho.mutate(ask.CreateInvoice(customer_id=customer, fields=ask.InvoiceFields(due_date="2025-10-08")))
    assert zoho.get("/invoices")["invoices"][0]["status"] == "overdue"
    zoho.edit_organization(time_zone="Pacific/Pago_Pago")  # There it is 21:53 of the 8th.
    assert zoho.get("/invoices")["invoices"][0]["status"] == "sent"


def test_the_day_of_the_limit_ends_at_the_new_zones_midnight(zoho: InProcessZoho) -> None:
    zoho.edit_organization(time_zone="Asia/Kolkata")
    left = int(zoho.response("/contacts").headers["X-Rate-Limit-Reset"])
    assert left == (24 * 60 - (14 * 60 + 23)) * 60 - 20 + 1


def test_an_unknown_time_zone_is_refused(zoho: InProcessZoho) -> None:
    with pytest.raises(ValidationError, match="no time zone Middle-earth/Shire"):
        zoho.edit_organization(time_zone="Middle-earth/Shire")


def test_new_records_can_be_generated_after_a_move_to_any_country(zoho: InProcessZoho) -> None:
    zoho.edit_organization(country="New Zealand", country_code="NZ")
    made = zoho.mutate(ask.BulkImport(contacts=5))[0]["contact_ids"]
    assert isinstance(made, list)
    assert len(made) == 5
