"""Builders of minimal valid records: a test gives only the values that matter for it."""

import datetime as dt
from decimal import Decimal

from domain.contacts import Contact, ContactDetails, ContactKind, ContactPerson, ContactStatus
from domain.customers import Customer, sync_hash
from domain.home import Home
from domain.invoices import Invoice
from domain.phones import NotCallable, PhoneProblem

#: Valid numbers in their cached form.
A_LONDON_PHONE = "+442070313000"
A_BRITISH_MOBILE = "+447912345678"
AN_INDIAN_MOBILE = "+919773000000"

MODIFIED_AT = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)

LONDON = Home(country_code="GB", time_zone="Europe/London")


def a_person(
    person_id: str = "7001",
    *,
    first_name: str = "Ada",
    last_name: str = "Byron",
    email: str = "ada@example.com",
    phone: str = "",
    mobile: str = "",
    is_primary: bool = False,
) -> ContactPerson:
    return ContactPerson(
        person_id=person_id,
        first_name=first_name,
        last_name=last_name,
        email=email,
        phone=phone,
        mobile=mobile,
        is_primary=is_primary,
    )


def a_contact(
    contact_id: str = "5001",
    *,
    kind: ContactKind = ContactKind.CUSTOMER,
    status: ContactStatus = ContactStatus.ACTIVE,
    name: str = "Analytical Engines",
    company_name: str = "Analytical Engines Ltd",
    mobile: str = A_BRITISH_MOBILE,
    modified_at: dt.datetime | None = MODIFIED_AT,
    primary: ContactPerson | None = None,
    persons: tuple[ContactPerson, ...] | None = None,
    details: ContactDetails | None = None,
    unused_credits: Decimal | str | None = None,
    currency_code: str = "",
) -> Contact:
    """A contact of a list row, or of a detail if persons or details are given; `mobile` is the primary person's."""
    return Contact(
        contact_id=contact_id,
        kind=kind,
        status=status,
        name=name,
        company_name=company_name,
        modified_at=modified_at,
        primary=primary or a_person("", mobile=mobile, is_primary=True),
        persons=persons,
        details=details,
        unused_credits=_amount(unused_credits),
        currency_code=currency_code,
    )


def an_invoice(
    invoice_id: str = "8001",
    *,
    customer_id: str = "5001",
    number: str = "INV-8001",
    status: str = "sent",
    date: dt.date | None = dt.date(2026, 3, 2),
    due_date: dt.date | None = dt.date(2026, 4, 1),
    total: Decimal | str | None = "120.00",
    balance: Decimal | str | None = "120.00",
    currency_code: str = "GBP",
    modified_at: dt.datetime | None = MODIFIED_AT,
    expected_payment_date: dt.date | None = None,
    ach_payment_initiated: bool | None = None,
    unprocessed_payment: Decimal | str | None = None,
    sub_status: str | None = None,
    reminders_enabled: bool | None = None,
    has_details: bool = False,
) -> Invoice:
    """An open invoice, due on Wednesday, 1 April 2026."""
    return Invoice(
        invoice_id=invoice_id,
        customer_id=customer_id,
        number=number,
        status=status,
        date=date,
        due_date=due_date,
        total=_amount(total),
        balance=_amount(balance),
        currency_code=currency_code,
        modified_at=modified_at,
        expected_payment_date=expected_payment_date,
        ach_payment_initiated=ach_payment_initiated,
        unprocessed_payment=_amount(unprocessed_payment),
        sub_status=sub_status,
        reminders_enabled=reminders_enabled,
        has_details=has_details,
    )


def a_customer(
    zoho_customer_id: str = "5001",
    *,
    status: ContactStatus = ContactStatus.ACTIVE,
    customer_name: str = "Analytical Engines",
    company_name: str = "Analytical Engines Ltd",
    primary_phone: str | None = A_BRITISH_MOBILE,
    phone_problem: PhoneProblem | None = None,
    phone_not_callable: NotCallable | None = None,
    primary_email: str | None = "ada@example.com",
    persons: tuple[ContactPerson, ...] | None = None,
    country_code: str | None = None,
    time_zone: str | None = "Europe/London",
    reminders_enabled: bool | None = None,
    zoho_last_modified_at: dt.datetime | None = MODIFIED_AT,
    time_zones: tuple[str, ...] | None = None,
    address_state: str | None = None,
    address_postcode: str | None = None,
    country_unknown: str | None = None,
    unused_credits: Decimal | str | None = None,
    credits_currency: str = "",
) -> Customer:
    """An active customer with one person and a valid phone number.

    `time_zones` are all time zones of the number; without them `time_zone` is the only one.
    """
    if time_zones is None:
        time_zones = (time_zone,) if time_zone else ()
    if persons is None:
        persons = (a_person(mobile=primary_phone or "", email=primary_email or "", is_primary=True),)
    primary = next((person for person in persons if person.is_primary), None)
    return Customer(
        zoho_customer_id=zoho_customer_id,
        status=status,
        customer_name=customer_name,
        company_name=company_name,
        primary_contact_person_id=primary.person_id if primary else None,
        primary_phone=primary_phone,
        phone_problem=phone_problem,
        phone_not_callable=phone_not_callable,
        primary_email=primary_email,
        persons=persons,
        country_code=country_code,
        time_zone=time_zone,
        reminders_enabled=reminders_enabled,
        zoho_last_modified_at=zoho_last_modified_at,
        sync_hash=sync_hash(
            name=customer_name, company=company_name, phone=primary_phone, email=primary_email, persons=persons
        ),
        time_zones=time_zones,
        address_state=address_state,
        address_postcode=address_postcode,
        country_unknown=country_unknown,
        unused_credits=_amount(unused_credits),
        credits_currency=credits_currency,
    )


def _amount(written: Decimal | str | None) -> Decimal | None:
    return None if written is None else Decimal(written)
