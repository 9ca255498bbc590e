"""The generated books are untidy in realistic proportions, and the same for the same seed."""

import random
from collections import Counter
from datetime import date, timedelta

import phonenumbers
import pytest

from sandbox.zoho.books import Books
from sandbox.zoho.circumstances import OLD_DEBT_AGE
from sandbox.zoho.data import made_up_books, made_up_organization
from sandbox.zoho.places import COUNTRIES, Country, fill
from sandbox.zoho.records import Contact, ContactType, InvoiceStatus

NOW = 1_760_000_000
TODAY = date(2025, 10, 9)


@pytest.fixture(scope="module")
def books() -> Books:
    return made_up_books(seed=7, number=0, contacts=2000, invoices=4000, now=NOW)


def contacts_of(books: Books) -> list[Contact]:
    return list(books.contacts.truth.values())


def chosen_phone(contact: Contact) -> str:
    """The first non-blank phone, starting with the primary person's mobile."""
    first = sorted(contact.persons, key=lambda person: person.contact_person_id != contact.primary_person_id)
    given = [number for person in first for number in (person.mobile, person.phone)]
    return next((number for number in given if number.strip()), "")


def is_valid(number: str, region: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, region))
    except phonenumbers.NumberParseException:
        return False


def share(found: int, of: int) -> float:
    return found / of


@pytest.mark.parametrize("country", COUNTRIES, ids=lambda country: country.code)
def test_every_phone_template_is_a_valid_number_of_its_country(country: Country) -> None:
    rng = random.Random(1)
    for template in country.national + country.international:
        for _ in range(20):
            number = fill(template, rng)
            assert is_valid(number, country.code), template


def test_about_three_contacts_in_four_can_be_phoned(books: Books) -> None:
    contacts = contacts_of(books)
    region = books.organization.country_code
    valid = sum(is_valid(chosen_phone(contact), region) for contact in contacts)
    assert 0.70 <= share(valid, len(contacts)) <= 0.80


def test_phones_are_missing_wrong_blank_padded_and_without_prefix(books: Books) -> None:
    numbers = [
        number
        for contact in contacts_of(books)
        for person in contact.persons
        for number in (person.mobile, person.phone)
    ]
    assert {"", " ", "555-0100", "n/a"} <= set(numbers)
    assert any(number != number.strip() and number.strip() for number in numbers)
    assert any(number[:1].isdigit() for number in numbers)
    assert all(len(number) <= 50 for number in numbers)


def test_persons_average_about_one_and_a_fifth(books: Books) -> None:
    counts = Counter(len(contact.persons) for contact in contacts_of(books))
    assert {0, 1, 2, 3} <= set(counts)
    assert 1.05 <= share(sum(size * count for size, count in counts.items()), counts.total()) <= 1.35


def test_there_are_vendors_and_inactive_contacts(books: Books) -> None:
    contacts = contacts_of(books)
    vendors = [contact for contact in contacts if contact.contact_type is ContactType.VENDOR]
    inactive = [contact for contact in contacts if not contact.is_active]
    assert 0.05 <= share(len(vendors), len(contacts)) <= 0.12
    assert 0.03 <= share(len(inactive), len(contacts)) <= 0.08
    assert not {invoice.customer_id for invoice in books.invoices.truth.values()} & {
        each.contact_id for each in vendors
    }


def test_names_hold_blanks_and_several_scripts(books: Books) -> None:
    names = [contact.contact_name for contact in contacts_of(books)]
    assert any(name.startswith("  ") for name in names)
    assert any("  " in name.strip() for name in names)
    assert any(not name.isascii() for name in names)
    assert 150 < max(map(len, names)) <= 200


def test_emails_hold_quotes_and_line_feeds(books: Books) -> None:
    emails = [person.email for contact in contacts_of(books) for person in contact.persons]
    assert any('"' in email for email in emails)
    assert any(email.endswith("\n") for email in emails)
    assert "" in emails
    assert all("@example." in email for email in emails if email)


def test_terms_may_be_negative_and_reminders_switched_off(books: Books) -> None:
    contacts = contacts_of(books)
    assert min(contact.payment_terms for contact in contacts) < 0
    assert 0.02 <= share(sum(not contact.payment_reminder_enabled for contact in contacts), len(contacts)) <= 0.12
    assert len({contact.country for contact in contacts}) > 10
    assert {"", "US", "IN"} <= {contact.country_code for contact in contacts}
    assert any(contact.blank_amounts for contact in contacts)


def test_invoices_have_every_status_and_are_due_around_now(books: Books) -> None:
    invoices = list(books.invoices.truth.values())
    statuses = Counter(invoice.status for invoice in invoices)
    assert set(statuses) == set(InvoiceStatus)
    assert 0.45 <= share(statuses[InvoiceStatus.PAID], len(invoices)) <= 0.55
    shown = {invoice.displayed_status(TODAY.isoformat()) for invoice in invoices}
    assert {"sent", "overdue"} <= shown
    due = [day for invoice in invoices if (day := date.fromisoformat(invoice.due_date)) > TODAY - OLD_DEBT_AGE]
    assert TODAY - timedelta(days=120) <= min(due) < TODAY - timedelta(days=100)
    assert TODAY + timedelta(days=30) < max(due) <= TODAY + timedelta(days=45)


def test_drafts_and_voids_keep_their_balance_and_are_not_owed(books: Books) -> None:
    owed: Counter[int] = Counter()
    for invoice in books.invoices.truth.values():
        if invoice.status in (InvoiceStatus.DRAFT, InvoiceStatus.VOID):
            assert invoice.balance_cents == invoice.total_cents
        owed[invoice.customer_id] += invoice.owed_cents
    assert all(contact.outstanding_cents == owed[contact.contact_id] for contact in contacts_of(books))


def test_no_stamp_is_in_the_future_and_changes_spread_over_months(books: Books) -> None:
    stamps = [(contact.created_at, contact.modified_at) for contact in contacts_of(books)]
    stamps += [(invoice.created_at, invoice.modified_at) for invoice in books.invoices.truth.values()]
    assert all(created <= modified <= NOW for created, modified in stamps)
    modified = [contact.modified_at for contact in contacts_of(books)]
    assert max(modified) - min(modified) > 120 * 86_400


def test_same_seed_gives_same_books_and_another_seed_does_not() -> None:
    first, again = (made_up_books(3, 0, 50, 50, NOW) for _ in range(2))
    assert first.contacts.truth == again.contacts.truth
    assert first.invoices.truth == again.invoices.truth
    assert made_up_books(4, 0, 50, 50, NOW).contacts.truth != first.contacts.truth


def test_organisation_ids_depend_on_the_seed_alone() -> None:
    ids = [made_up_organization(1, number).organization_id for number in range(20)]
    assert ids == [made_up_organization(1, number).organization_id for number in range(20)]
    assert len(set(ids)) == 20
    assert all(each.isdecimal() for each in ids)
