"""Converts Zoho's rows to domain objects; a row that cannot be understood becomes a `Rejected`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from itertools import chain
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError

from domain.contacts import Contact, ContactDetails, ContactKind, ContactPerson, ContactStatus
from domain.countries import country_code, unknown_country
from domain.invoices import Invoice
from domain.lists import Listed, Rejected
from domain.versions import is_believable
from workers.zoho.fields import record_id
from workers.zoho.rows import (
    AddressRow,
    BulkPersonRow,
    ContactDetailRow,
    ContactRow,
    InvoiceRow,
    OrganizationRow,
    PersonFields,
    PersonRow,
    Row,
)

RowT = TypeVar("RowT", bound=Row)
RecordT = TypeVar("RecordT")
ListedT = TypeVar("ListedT", bound=Listed)

#: A stamp in the future would make every later response look older.
_FUTURE_STAMP = "last_modified_time lies in the future"


class PersonOfContact(NamedTuple):
    """A row of the list of all persons: the contact's id and the person. The list of persons has no modified times."""

    contact_id: str
    person: ContactPerson

    @property
    def record_id(self) -> str:
        return self.person.person_id

    @property
    def modified_at(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class OrganizationFacts:
    """The facts of an organisation that booksync needs; texts are "" if Zoho returned none."""

    organization_id: str
    name: str = field(repr=False)
    time_zone: str  #: the time zone as Zoho writes it, usually an IANA name
    country_code: str | None  #: the country (ISO 3166-1 alpha-2)
    currency_code: str
    country_unknown: str | None = None  #: Zoho's text for the country, if booksync does not understand it


def contact_from_row(row: object, *, zone: tzinfo | None = None) -> Contact | Rejected:
    """A contact from a row of the list: its persons and details stay unknown.

    A time without an offset is in the time zone `zone`.
    """
    parsed = parse_row(row, ContactRow, "contact_id", zone)
    return parsed if isinstance(parsed, Rejected) else _contact(parsed, primary=_primary_in_row(parsed))


def contact_from_detail(record: object, *, zone: tzinfo | None = None) -> Contact | Rejected:
    """A contact of GET /contacts/{id} or of a webhook, with persons and details.

    The record repeats the primary person's fields. The repeated fields are used if no listed person is the primary one,
    and as the only person if the record has no list of persons. A time without an offset is in the time zone `zone`.
    """
    parsed = parse_row(record, ContactDetailRow, "contact_id", zone)
    if isinstance(parsed, Rejected):
        return parsed
    repeated = _primary_in_row(parsed, parsed.primary_contact_id)
    if parsed.contact_persons is not None:
        persons = _persons(parsed.contact_persons, parsed.primary_contact_id)
    else:
        persons = () if repeated is None else (repeated,)
    return replace(
        _contact(parsed, primary=next((person for person in persons if person.is_primary), repeated)),
        persons=persons,
        details=_details(parsed),
    )


def _details(row: ContactDetailRow) -> ContactDetails:
    """The details of a contact. State and postcode come from the same address as the country.

    An address with a country that booksync recognises is preferred, then one with an unrecognised country, then one
    without a country.
    """
    addresses = (row.billing_address, row.shipping_address)
    understood = (each for each in addresses if _country_code(each))
    named = (each for each in addresses if _unknown_country(each))
    address = next(chain(understood, named), row.billing_address)
    return ContactDetails(
        country_code=_country_code(address),
        reminders_enabled=row.payment_reminder_enabled,
        state=address.state.strip() or address.state_code.strip(),
        postcode=address.zip.strip(),
        country_unknown=_unknown_country(address),
    )


def person_from_bulk_row(row: object) -> PersonOfContact | Rejected:
    """A person of any contact, from the bulk list of all persons.

    A `Rejected` has the person's id or, if that is invalid, the contact's id.
    """
    parsed = parse_row(row, BulkPersonRow, "contact_person_id", owner_key="contact_id")
    return parsed if isinstance(parsed, Rejected) else PersonOfContact(parsed.contact_id, _person(parsed))


def invoice_from_detail(record: object, *, zone: tzinfo | None = None) -> Invoice | Rejected:
    """An invoice from GET /invoices/{id} or from a webhook. A key that is missing has no value in Zoho."""
    invoice = invoice_from_row(record, zone=zone)
    return invoice if isinstance(invoice, Rejected) else replace(invoice, has_details=True)


def invoice_from_row(row: object, *, zone: tzinfo | None = None) -> Invoice | Rejected:
    """An invoice from a row of the list. A time without an offset is in the time zone `zone`."""
    parsed = parse_row(row, InvoiceRow, "invoice_id", zone, owner_key="customer_id")
    if isinstance(parsed, Rejected):
        return parsed
    return Invoice(
        invoice_id=parsed.invoice_id,
        customer_id=parsed.customer_id,
        number=parsed.invoice_number,
        status=parsed.status,
        date=parsed.date,
        due_date=parsed.due_date,
        total=parsed.total,
        balance=parsed.balance,
        currency_code=parsed.currency_code,
        modified_at=parsed.last_modified_time,
        expected_payment_date=parsed.payment_expected_date,
        ach_payment_initiated=parsed.ach_payment_initiated,
        unprocessed_payment=parsed.unprocessed_payment_amount,
        sub_status=None if parsed.current_sub_status is None else parsed.current_sub_status.strip(),
        reminders_enabled=parsed.payment_reminder_enabled,
    )


def organization_from_row(row: object) -> OrganizationFacts | Rejected:
    """An organisation from GET /organizations."""
    parsed = parse_row(row, OrganizationRow, "organization_id")
    if isinstance(parsed, Rejected):
        return parsed
    return OrganizationFacts(
        organization_id=parsed.organization_id,
        name=parsed.name,
        time_zone=parsed.time_zone.strip(),
        country_code=country_code(parsed.country_code, parsed.country),
        currency_code=parsed.currency_code.strip(),
        country_unknown=unknown_country(parsed.country_code, parsed.country),
    )


def read_rows(
    rows: Iterable[object], read: Callable[[object], RecordT | Rejected]
) -> tuple[list[RecordT], list[Rejected]]:
    """The understood rows of a page, in their order and with their repetitions, and the rejected rows."""
    understood: list[RecordT] = []
    rejected: list[Rejected] = []
    for row in rows:
        outcome = read(row)
        if isinstance(outcome, Rejected):
            rejected.append(outcome)
        else:
            understood.append(outcome)
    return understood, rejected


def stamp_checked(
    read: Callable[[object], ListedT | Rejected], now: datetime
) -> Callable[[object], ListedT | Rejected]:
    """Wrap the reader `read`: it also rejects a record whose `last_modified_time` is more than a day ahead of `now`."""

    def checked(row: object) -> ListedT | Rejected:
        record = read(row)
        if isinstance(record, Rejected) or record.modified_at is None or is_believable(record.modified_at, now):
            return record
        return Rejected(record.record_id, _FUTURE_STAMP)

    return checked


def parse_row(
    row: object, model: type[RowT], id_key: str, zone: tzinfo | None = None, *, owner_key: str | None = None
) -> RowT | Rejected:
    """The row as a `model`; a row that cannot be understood becomes a `Rejected` with its own id, else its owner's."""
    if not isinstance(row, dict):
        return Rejected(None, "The row is not an object.")
    try:
        return model.model_validate(row, context=zone)
    except ValidationError as error:
        own_id = record_id(row.get(id_key))
        owner_id = record_id(row.get(owner_key)) if own_id is None and owner_key is not None else None
        return Rejected(own_id, _reason(error), owner_id)


def _reason(error: ValidationError) -> str:
    """Why a row is rejected: its keys with their problems, without any value."""
    problems: list[Any] = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(
        f"{'.'.join(str(part) for part in problem['loc'])} "
        f"{'is missing' if problem['type'] == 'missing' else problem['msg']}"
        for problem in problems
    )


def _contact(row: ContactRow, *, primary: ContactPerson | None) -> Contact:
    return Contact(
        contact_id=row.contact_id,
        # Only the type "vendor" makes a contact a vendor, because a contact of an unknown type may have invoices.
        kind=ContactKind.VENDOR if row.contact_type == "vendor" else ContactKind.CUSTOMER,
        # A row without a status counts as active; a row with an unknown status does not.
        status=ContactStatus.ACTIVE if row.status in {"", "active"} else ContactStatus.INACTIVE,
        name=row.contact_name,
        company_name=row.company_name,
        modified_at=row.last_modified_time,
        primary=primary,
        unused_credits=row.unused_credits_receivable_amount,
        currency_code=row.currency_code.strip(),
    )


def _primary_in_row(row: PersonFields, person_id: str = "") -> ContactPerson | None:
    """The primary person whose fields a contact repeats; None if all these fields are blank."""
    fields = (row.first_name, row.last_name, row.email, row.phone, row.mobile)
    return ContactPerson(person_id, *fields, is_primary=True) if any(text.strip() for text in fields) else None


def _persons(rows: Iterable[PersonRow], primary_id: str) -> tuple[ContactPerson, ...]:
    """The persons of a detail response.

    At most one person is primary: the person with the id `primary_id`, else the first person flagged as primary.
    """
    persons = [_person(row) for row in rows]
    named = [at for at, person in enumerate(persons) if primary_id and person.person_id == primary_id]
    flagged = [at for at, person in enumerate(persons) if person.is_primary]
    chosen = next(iter(named + flagged), None)
    return tuple(replace(person, is_primary=at == chosen) for at, person in enumerate(persons))


def _person(row: PersonRow) -> ContactPerson:
    return ContactPerson(
        person_id=row.contact_person_id,
        first_name=row.first_name,
        last_name=row.last_name,
        email=row.email,
        phone=row.phone,
        mobile=row.mobile,
        is_primary=row.is_primary_contact is True,
    )


def _country_code(address: AddressRow) -> str | None:
    return country_code(address.country_code, address.country)


def _unknown_country(address: AddressRow) -> str | None:
    return unknown_country(address.country_code, address.country)
