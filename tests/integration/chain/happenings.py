"""Events of an upstream (changes, troubles, time passing) as values that hypothesis chooses."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from hypothesis import strategies as st

from sandbox.zoho import commands as ask
from sandbox.zoho.books import Books
from sandbox.zoho.fault_requests import FaultName, FaultParams, FaultRequest, HostileRow
from sandbox.zoho.records import ContactType, InvoiceStatus
from sandbox.zoho.stats import CallKind


@dataclass(frozen=True, slots=True)
class Records:
    """The ids that a change can choose from."""

    contacts: Sequence[int]
    persons: Sequence[int]
    invoices: Sequence[int]

    @classmethod
    def of(cls, books: Books) -> "Records":
        persons = sorted(person.contact_person_id for each in books.contacts.truth.values() for person in each.persons)
        return cls(sorted(books.contacts.truth), persons, sorted(books.invoices.truth))

    @classmethod
    def told_by(cls, snapshot: Mapping[str, Any]) -> "Records":
        contacts = snapshot["contacts"]
        persons = [int(person["contact_person_id"]) for each in contacts for person in each["contact_persons"]]
        ids = [int(contact["contact_id"]) for contact in contacts]
        return cls(ids, sorted(persons), [int(invoice["invoice_id"]) for invoice in snapshot["invoices"]])


class What(StrEnum):
    """The kinds of change; `flag` chooses between two variants of some kinds."""

    CREATE_CONTACT = "create_contact"
    RENAME = "rename"
    MOVE_ABROAD = "move_abroad"
    SWITCH_REMINDERS = "switch_reminders"
    SET_ACTIVE = "set_active"
    SET_VENDOR = "set_vendor"
    DELETE_CONTACT = "delete_contact"  #: flag: with its invoices
    MERGE = "merge"  #: flag: the invoices' time moves
    ADD_PERSON = "add_person"  #: flag: as the primary one
    EDIT_PERSON = "edit_person"  #: flag: the contact's time moves
    PROMOTE_PERSON = "promote_person"
    REMOVE_PERSON = "remove_person"  #: flag: the contact's time moves
    CREATE_INVOICE = "create_invoice"
    EDIT_INVOICE = "edit_invoice"
    PAY = "pay"  #: flag: only a part
    VOID = "void"
    DELETE_INVOICE = "delete_invoice"
    TOUCH = "touch"
    CROWD_CONTACTS = "crowd_contacts"
    CROWD_INVOICES = "crowd_invoices"
    IMPORT = "import"


NUMBERS = ("", "+44 7912 354678", "020 7031 3000", "+91 97730 00000", "555-0100", "ask Bob")

#: The records of a crowd or an import: more than a page of the small upstream.
CROWD = 14


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the books; its record is chosen when the change happens."""

    what: What
    one: int = 0
    other: int = 0
    flag: bool = False
    crowd: int = CROWD

    def mutations(self, records: Records) -> list[ask.Mutation]:
        """The mutations; empty without a record to change."""
        contact, other = _pick(records.contacts, self.one), _pick(records.contacts, self.other)
        person, invoice = _pick(records.persons, self.one), _pick(records.invoices, self.one)
        number = NUMBERS[self.other % len(NUMBERS)]
        match self.what:
            case What.CREATE_CONTACT:
                person_fields = (ask.PersonFields(first_name="Ada", mobile=number), ask.PersonFields(last_name="Byron"))
                persons = person_fields[: self.one % 3]
                return [ask.CreateContact(fields=ask.ContactFields(contact_name="Newcomer"), persons=persons)]
            case What.TOUCH:
                contacts, invoices = records.contacts[self.one % 7 :: 7], records.invoices[self.other % 7 :: 7]
                return [ask.Touch(contact_ids=tuple(contacts), invoice_ids=tuple(invoices))]
            case What.CROWD_CONTACTS:
                return [ask.Crowd(what="contacts", count=self.crowd)]
            case What.CROWD_INVOICES:
                return [ask.Crowd(what="invoices", count=self.crowd)]
            case What.IMPORT:
                return [ask.BulkImport(contacts=self.crowd, invoices_per_contact=self.one % 2)]
            case What.ADD_PERSON if contact:
                fields = ask.PersonFields(first_name="Joined", phone=number)
                return [ask.CreatePerson(contact_id=contact, fields=fields, primary=self.flag, stamp_contact=True)]
            case What.MERGE if contact and other and contact != other:
                return [ask.MergeContacts(winner_id=contact, loser_id=other, stamp_invoices=self.flag)]
            case What.DELETE_CONTACT if contact:
                return [ask.DeleteContact(contact_id=contact, with_invoices=self.flag)]
            case What.CREATE_INVOICE if contact:
                return [ask.CreateInvoice(customer_id=contact, fields=ask.InvoiceFields(total=Decimal("12.34")))]
            case what if what in _OF_CONTACT and contact:
                return [ask.EditContact(contact_id=contact, fields=_OF_CONTACT[what](self))]
            case what if what in _OF_PERSON and person:
                return [_OF_PERSON[what](person, self, number)]
            case what if what in _OF_INVOICE and invoice:
                return [_OF_INVOICE[what](invoice, self)]
        return []


def _pick(ids: Sequence[int], number: int) -> int | None:
    return ids[number % len(ids)] if ids else None


_OF_CONTACT: dict[What, Callable[[Change], ask.ContactFields]] = {
    What.RENAME: lambda change: ask.ContactFields(contact_name=f"Renamed {change.other}"),
    What.MOVE_ABROAD: lambda change: ask.ContactFields(country_code="IN" if change.flag else "GB", country=""),
    What.SWITCH_REMINDERS: lambda change: ask.ContactFields(payment_reminder_enabled=change.flag),
    What.SET_ACTIVE: lambda change: ask.ContactFields(is_active=change.flag),
    What.SET_VENDOR: lambda change: ask.ContactFields(
        contact_type=ContactType.VENDOR if change.flag else ContactType.CUSTOMER
    ),
}

_OF_PERSON: dict[What, Callable[[int, Change, str], ask.Mutation]] = {
    What.EDIT_PERSON: lambda person, change, number: ask.EditPerson(
        contact_person_id=person, fields=ask.PersonFields(mobile=number), stamp_contact=change.flag
    ),
    What.PROMOTE_PERSON: lambda person, _, __: ask.EditPerson(
        contact_person_id=person, fields=ask.PersonFields(first_name="Promoted"), primary=True
    ),
    What.REMOVE_PERSON: lambda person, change, _: ask.DeletePerson(contact_person_id=person, stamp_contact=change.flag),
}

_OF_INVOICE: dict[What, Callable[[int, Change], ask.Mutation]] = {
    What.EDIT_INVOICE: lambda invoice, change: ask.EditInvoice(
        invoice_id=invoice,
        fields=ask.InvoiceFields(
            due_date=f"2026-12-{1 + change.other % 28:02d}", status=InvoiceStatus.SENT, balance=Decimal("0.10")
        ),
    ),
    What.PAY: lambda invoice, change: ask.PayInvoice(
        invoice_id=invoice, amount=Decimal("0.01") if change.flag else None
    ),
    What.VOID: lambda invoice, _: ask.VoidInvoice(invoice_id=invoice),
    What.DELETE_INVOICE: lambda invoice, _: ask.DeleteInvoice(invoice_id=invoice),
}


_PLAIN = FaultParams()


@dataclass(frozen=True, slots=True)
class Trouble:
    """The start of a fault; it ends after `times` strikes (0: when the upstream rests)."""

    name: FaultName
    kind: CallKind | None = None
    times: int = 0
    one: int = 0
    params: FaultParams = _PLAIN

    def request(self, records: Records, organization_id: str) -> FaultRequest:
        params = self.params
        if self.name is FaultName.PERSON_MISSING:
            params = FaultParams(record_id=_pick(records.persons, self.one))
        return FaultRequest(
            name=self.name, params=params, organization_id=organization_id, kind=self.kind, times=self.times or None
        )


@dataclass(frozen=True, slots=True)
class Passing:
    """Time that passes between two calls."""

    seconds: float


Event = Change | Trouble | Passing

_LISTS = (CallKind.CONTACTS, CallKind.BULK_PERSONS, CallKind.INVOICES)
_HOSTILE_ROWS = tuple(row for row in HostileRow if row is not HostileRow.HUGE_NAME)  # Five megabytes are slow.

changes = st.builds(
    Change, st.sampled_from(list(What)), st.integers(0, 200), st.integers(0, 200), st.booleans(), st.just(CROWD)
)

troubles = st.one_of(
    st.builds(
        Trouble,
        st.sampled_from([FaultName.MODIFIED_FILTER_IGNORED, FaultName.SORT_IGNORED, FaultName.PAGE_LENGTH_REFUSED]),
        st.sampled_from([CallKind.CONTACTS, CallKind.INVOICES, None]),
        st.integers(0, 4),
    ),
    st.builds(
        Trouble,
        st.just(FaultName.DUPLICATE_ROWS),
        st.sampled_from([*_LISTS, None]),
        st.integers(0, 4),
        params=st.builds(FaultParams, every=st.integers(1, 4)),
    ),
    st.builds(
        Trouble,
        st.just(FaultName.HOSTILE_ROW),
        st.sampled_from(_LISTS),
        st.integers(1, 2),
        params=st.builds(FaultParams, row=st.sampled_from(_HOSTILE_ROWS)),
    ),
    st.builds(
        Trouble,
        st.just(FaultName.ANSWER),
        st.sampled_from([*_LISTS, CallKind.CONTACT, CallKind.INVOICE, None]),
        st.sampled_from([1, 2, 7]),
        params=st.just(FaultParams(status=500, code=1000)),
    ),
    st.builds(
        Trouble,
        st.just(FaultName.RESET),
        st.sampled_from([*_LISTS, CallKind.CONTACT]),
        st.integers(1, 2),
        params=st.builds(FaultParams, where=st.sampled_from(["before", "middle"])),
    ),
    st.builds(
        Trouble,
        st.just(FaultName.GARBAGE),
        st.sampled_from(_LISTS),
        st.integers(1, 2),
        params=st.builds(FaultParams, body=st.sampled_from(["truncated", "html", "text"])),
    ),
    st.builds(
        Trouble,
        st.just(FaultName.LATE_VISIBILITY),
        params=st.builds(FaultParams, seconds=st.sampled_from([0.5, 3, 90])),
    ),
    st.builds(Trouble, st.just(FaultName.PERSON_MISSING), times=st.integers(0, 2), one=st.integers(0, 200)),
    st.just(Trouble(FaultName.INACTIVE_PERSONS_OMITTED)),
    st.builds(
        Trouble,
        st.just(FaultName.BULK_PERSONS_REFUSED),
        times=st.integers(0, 1),
        params=st.builds(FaultParams, status=st.sampled_from([401, 404])),
    ),
    st.just(Trouble(FaultName.ACCESS_TOKENS_EXPIRED)),
)

passing = st.builds(Passing, st.sampled_from([0.4, 1, 7, 61, 400]))

# Mostly changes, because one_of would choose evenly among all kinds of trouble first.
events: st.SearchStrategy[Event] = st.sampled_from([changes] * 6 + [troubles] * 2 + [passing]).flatmap(
    lambda chosen: chosen
)
