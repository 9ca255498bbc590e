"""Writes records in Zoho's JSON form: list rows, details and the organisation's own entry."""

from datetime import date, datetime, tzinfo
from zlib import crc32

from sandbox.zoho.records import Contact, Invoice, ListedPerson, Organization, Person

Row = dict[str, object]


def zoho_time(instant: int, zone: tzinfo) -> str:
    """A time in Zoho's form, with the organisation's offset on that day: `2013-10-07T18:24:51+0530` (no colon)."""
    return datetime.fromtimestamp(instant, zone).strftime("%Y-%m-%dT%H:%M:%S%z")


def display_date(instant: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(instant, zone).strftime("%d %b %Y")


def organization_row(organization: Organization, is_default: bool) -> Row:
    return {
        "organization_id": organization.organization_id,
        "name": organization.name,
        "contact_name": "The Owner",
        "email": "owner@example.com",
        "is_default_org": is_default,
        "plan_type": 12,
        "plan_name": "PREMIUM",
        "country": organization.country,
        "country_code": organization.country_code,
        "language_code": organization.language_code,
        "fiscal_year_start_month": 0,
        "account_created_date": "2020-02-18",
        "time_zone": organization.time_zone,
        "is_org_active": True,
        "currency_id": _currency_id(organization.currency_code),
        "currency_code": organization.currency_code,
        "currency_symbol": organization.currency_code,
        "currency_format": "###,##0.00",
        "price_precision": 2,
    }


def contact_row(contact: Contact, organization: Organization) -> Row:
    zone = organization.zone
    primary = contact.primary_person
    owed = contact.outstanding_cents / 100
    unused = contact.unused_credits_cents / 100
    # Amounts in the contact's currency and in the organisation's ("base currency"); the rate here is 1.
    blank: float | str = "" if contact.blank_amounts else 0.0
    is_customer = contact.contact_type.value == "customer"
    return {
        "contact_id": str(contact.contact_id),
        "contact_name": contact.contact_name,
        "customer_name": contact.contact_name if is_customer else "",
        "vendor_name": "" if is_customer else contact.contact_name,
        "company_name": contact.company_name,
        "website": contact.website,
        "language_code": contact.language_code,
        "language_code_formatted": "English",
        "contact_type": contact.contact_type.value,
        "contact_type_formatted": contact.contact_type.value.title(),
        "status": _contact_status(contact),
        "customer_sub_type": contact.sub_type,
        "source": "user",
        "is_linked_with_zohocrm": False,
        "payment_terms": contact.payment_terms,
        "payment_terms_label": _terms_label(contact.payment_terms),
        "currency_id": _currency_id(contact.currency_code),
        "currency_code": contact.currency_code,
        "twitter": "",
        "facebook": "",
        "outstanding_receivable_amount": owed,
        "outstanding_receivable_amount_bcy": owed,
        "outstanding_payable_amount": blank,
        "outstanding_payable_amount_bcy": blank,
        "unused_credits_receivable_amount": unused,
        "unused_credits_receivable_amount_bcy": unused,
        "unused_credits_payable_amount": blank,
        "unused_credits_payable_amount_bcy": blank,
        "first_name": primary.first_name if primary else "",
        "last_name": primary.last_name if primary else "",
        "email": primary.email if primary else "",
        "phone": primary.phone if primary else "",
        "mobile": primary.mobile if primary else "",
        "portal_status": "disabled",
        "portal_status_formatted": "Disabled",
        "created_time": zoho_time(contact.created_at, zone),
        "created_time_formatted": display_date(contact.created_at, zone),
        "last_modified_time": zoho_time(contact.modified_at, zone),
        "last_modified_time_formatted": display_date(contact.modified_at, zone),
        "custom_fields": [],
        "custom_field_hash": {},
        "tags": [],
        "has_attachment": False,
    }


def contact_detail(contact: Contact, organization: Organization) -> Row:
    detail = contact_row(contact, organization)
    primary = contact.primary_person
    address = _address(contact)
    detail |= {
        "primary_contact_id": str(contact.primary_person_id) if contact.primary_person_id else "",
        "contact_persons": [_detail_person(person, contact) for person in contact.persons],
        "billing_address": address,
        "shipping_address": {**address, "address_id": f"{contact.contact_id + 2}"},
        "payment_reminder_enabled": contact.payment_reminder_enabled,
        "contact_salutation": primary.salutation if primary else "",
        "country_code": contact.country_code,
        "notes": "",
        "created_date": display_date(contact.created_at, organization.zone),
        "default_templates": {},
        "addresses": [],
    }
    return detail


def person_row(person: Person, *, is_primary: bool) -> Row:
    return {
        "contact_person_id": str(person.contact_person_id),
        "salutation": person.salutation,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email,
        "phone": person.phone,
        "mobile": person.mobile,
        "department": person.department,
        "designation": person.designation,
        "skype": person.skype,
        "fax": person.fax,
        "is_primary_contact": is_primary,
    }


def listed_person_row(listed: ListedPerson, organization: Organization) -> Row:
    return {
        "contact_id": str(listed.contact_id),
        "contact_name": listed.contact_name,
        **person_row(listed.person, is_primary=listed.is_primary),
        "currency_code": listed.currency_code,
        "created_time": display_date(listed.person.created_at, organization.zone),
    }


def invoice_row(invoice: Invoice, organization: Organization, today: str) -> Row:
    zone = organization.zone
    status = invoice.written_status or invoice.displayed_status(today)
    modified = zoho_time(invoice.modified_at, zone)
    row: Row = {
        "invoice_id": str(invoice.invoice_id),
        "invoice_number": invoice.invoice_number,
        "reference_number": "",
        "customer_id": str(invoice.customer_id),
        "customer_name": invoice.customer_name,
        "company_name": invoice.company_name,
        "status": status,
        "status_formatted": status.replace("_", " ").title(),
        "current_sub_status": invoice.sub_status or (status if organization.repeats_status else ""),
        "current_sub_status_id": _sub_status_id(invoice.sub_status),
        "date": invoice.date,
        "date_formatted": _display_day(invoice.date),
        "due_date": invoice.due_date,
        "due_date_formatted": _display_day(invoice.due_date),
        "due_days": _due_days(invoice, today),
        "total": invoice.total_cents / 100,
        "balance": invoice.balance_cents / 100,
        "currency_id": _currency_id(invoice.currency_code),
        "currency_code": invoice.currency_code,
        "exchange_rate": 1.0,
        "email": "",
        "phone": "",
        "is_viewed_by_client": invoice.is_viewed,
        "has_attachment": False,
        "created_time": zoho_time(invoice.created_at, zone),
        "created_time_formatted": display_date(invoice.created_at, zone),
        "last_modified_time": modified,
        "last_modified_time_formatted": display_date(invoice.modified_at, zone),
        "updated_time": modified,
        "last_payment_date": invoice.last_payment_date,
        "payment_expected_date": invoice.payment_expected_date,
        "ach_payment_initiated": invoice.ach_payment_initiated,
        "reminders_sent": invoice.reminders_sent,
        "shipping_charge": "",
        "adjustment": 0.0,
        "write_off_amount": 0.0,
        "custom_fields": [],
        "custom_field_hash": {},
        "tags": [],
    }
    if invoice.unprocessed_cents is not None:
        row["unprocessed_payment_amount"] = invoice.unprocessed_cents / 100
    return row


def invoice_detail(invoice: Invoice, organization: Organization, today: str, contact: Contact | None) -> Row:
    detail = invoice_row(invoice, organization, today)
    amount = invoice.total_cents / 100
    address = _address(contact) if contact else {}
    addressees = contact.persons[:1] if contact else ()
    detail |= {
        "contact_persons": [str(person.contact_person_id) for person in addressees],
        "contact_persons_associated": [_associated_person(person) for person in addressees],
        "payment_reminder_enabled": invoice.payment_reminder_enabled,
        "payment_terms": contact.payment_terms if contact else 0,
        "payment_made": (invoice.total_cents - invoice.balance_cents - invoice.credits_applied_cents) / 100,
        "credits_applied": invoice.credits_applied_cents / 100,
        "sub_total": amount,
        "line_items": [
            {
                "line_item_id": f"{invoice.invoice_id + 1}",
                "name": "Goods",
                "rate": amount,
                "quantity": 1.0,
                "item_total": amount,
            }
        ],
        "billing_address": address,
        "shipping_address": address,
        "notes": "",
        "terms": "",
    }
    return detail


def _detail_person(person: Person, contact: Contact) -> Row:
    return {
        **person_row(person, is_primary=person.contact_person_id == contact.primary_person_id),
        "mobile_country_code": person.mobile_country_code,
        "is_added_in_portal": False,
        "communication_preference": _communication_preference(),
    }


def _associated_person(person: Person) -> Row:
    return {
        "contact_person_id": str(person.contact_person_id),
        "contact_person_name": f"{person.first_name} {person.last_name}".strip(),
        "first_name": person.first_name,
        "last_name": person.last_name,
        "contact_person_email": person.email,
        "phone": person.phone,
        "mobile": person.mobile,
        "communication_preference": _communication_preference(),
    }


def _communication_preference() -> Row:
    return {"is_email_enabled": True, "is_sms_enabled": False, "is_whatsapp_enabled": False}


def _address(contact: Contact) -> Row:
    return {
        "address_id": f"{contact.contact_id + 1}",
        "attention": "",
        "address": "",
        "street2": "",
        "city": contact.city,
        "state": contact.state,
        "state_code": contact.state_code,
        "zip": contact.zip,
        "country": contact.country,
        "country_code": contact.country_code,
        "county": "",
        "phone": "",
        "fax": "",
    }


def _contact_status(contact: Contact) -> str:
    return "active" if contact.is_active else "inactive"


def _terms_label(days: int) -> str:
    if days < 0:
        return {-1: "Due end of the month", -2: "Due end of next month"}.get(days, "Due on the chosen day")
    return f"Net {days}" if days else "Due on Receipt"


def _currency_id(currency_code: str) -> str:
    return "46000000000" + "".join(f"{ord(letter) - ord('A'):02d}" for letter in currency_code[:3])


def _sub_status_id(sub_status: str) -> str:
    return f"46{crc32(sub_status.encode()):017d}" if sub_status else ""


def _display_day(day: str) -> str:
    year, month, rest = day.split("-")
    return f"{rest}/{month}/{year}"


def _due_days(invoice: Invoice, today: str) -> str:
    if not invoice.is_open:
        return invoice.status.value.replace("_", " ").title()
    days = (date.fromisoformat(invoice.due_date) - date.fromisoformat(today)).days
    if days < 0:
        return f"Overdue by {-days} days"
    return f"Due in {days} days" if days else "Due Today"
