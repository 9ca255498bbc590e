"""Zoho's rows and records as pydantic models that accept missing and extra keys (API section 2: requests).

This module defines which keys are read and how strictly; `workers.zoho.records` interprets their values.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainValidator

from workers.zoho.fields import (
    Amount,
    Day,
    Moment,
    OptionalId,
    RecordId,
    SoftAmount,
    SoftDay,
    SoftFlag,
    SoftId,
    SoftText,
    StrictText,
    Word,
)


class Row(BaseModel):
    """A row or record of Zoho as a JSON object. The repr of a row is empty, because most of the data is personal."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        return []


class PersonFields(Row):
    """The fields of a person in every form: a bulk row, a detail's person, and the primary person of a contact."""

    first_name: SoftText = ""
    last_name: SoftText = ""
    email: SoftText = ""
    phone: SoftText = ""
    mobile: SoftText = ""


class PersonRow(PersonFields):
    """A person in a contact's details. An unusual value in it never rejects the contact."""

    contact_person_id: SoftId = ""
    is_primary_contact: SoftFlag = None


class BulkPersonRow(PersonRow):
    """A row of the bulk list of all persons. A row without the contact's and the person's id is rejected."""

    contact_id: RecordId
    contact_person_id: RecordId


class AddressRow(Row):
    country: SoftText = ""
    country_code: SoftText = ""
    state: SoftText = ""
    state_code: SoftText = ""
    zip: SoftText = ""


def _persons(value: object) -> tuple[PersonRow, ...] | None:
    if not isinstance(value, list):
        return None
    return tuple(PersonRow.model_validate(person) for person in value if isinstance(person, dict))


def _address(value: object) -> AddressRow:
    return AddressRow.model_validate(value) if isinstance(value, dict) else AddressRow()


class ContactRow(PersonFields):
    """A contact in the list, and the same fields of its details."""

    contact_id: RecordId
    contact_type: Word = ""
    status: Word = ""
    contact_name: StrictText = ""
    company_name: SoftText = ""
    currency_code: SoftText = ""
    unused_credits_receivable_amount: SoftAmount = None
    last_modified_time: Moment = None


class ContactDetailRow(ContactRow):
    primary_contact_id: SoftId = ""
    contact_persons: Annotated[tuple[PersonRow, ...] | None, PlainValidator(_persons)] = None
    billing_address: Annotated[AddressRow, PlainValidator(_address)] = AddressRow()
    shipping_address: Annotated[AddressRow, PlainValidator(_address)] = AddressRow()
    payment_reminder_enabled: SoftFlag = None


class InvoiceRow(Row):
    invoice_id: RecordId
    customer_id: OptionalId = ""
    invoice_number: SoftText = ""
    status: Word = ""
    date: Day = None
    due_date: Day = None
    payment_expected_date: SoftDay = None
    total: Amount = None
    balance: Amount = None
    currency_code: SoftText = ""
    ach_payment_initiated: SoftFlag = None
    unprocessed_payment_amount: SoftAmount = None
    current_sub_status: SoftText | None = None
    payment_reminder_enabled: SoftFlag = None
    last_modified_time: Moment = None


class OrganizationRow(Row):
    organization_id: RecordId
    name: SoftText = ""
    time_zone: SoftText = ""
    country: SoftText = ""
    country_code: SoftText = ""
    currency_code: SoftText = ""
