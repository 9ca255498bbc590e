"""Generates books from a seed, as untidy as real ones: the same seed gives the same ids and people.

Only the time stamps depend on the current time, so that a demo always has invoices due around today.
"""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sandbox.zoho.addresses import located
from sandbox.zoho.books import Books
from sandbox.zoho.circumstances import Present, made_up_credits, with_circumstance
from sandbox.zoho.people import NewIds, made_up_company_name, made_up_person
from sandbox.zoho.places import COUNTRIES, Country, home_country
from sandbox.zoho.records import Contact, ContactType, Invoice, InvoiceStatus, Organization, Person

DAY = 86_400
VENDOR_SHARE = 0.08
INACTIVE_SHARE = 0.05
FOREIGN_SHARE = 0.18
DETACHED_SECOND_PERSON_SHARE = 0.5
"""Share of second persons added long after their contact, so that they stand on another page of the bulk list."""

PERSONS_PER_CONTACT = (0, 1, 2, 3, 4)
PERSONS_WEIGHTS = (8, 73, 13, 4, 2)  # The average is 1.2 persons.

STATUSES = (
    InvoiceStatus.PAID,
    InvoiceStatus.SENT,
    InvoiceStatus.PARTIALLY_PAID,
    InvoiceStatus.DRAFT,
    InvoiceStatus.VOID,
)
STATUS_WEIGHTS = (50, 32, 7, 6, 5)
PAYMENT_TERMS = (0, 7, 15, 30, 30, 30, 45, 60, -1, -2, -3)
"""Negative terms are Zoho's "due at the end of the month" and the like."""


def made_up_organization(seed: int, number: int) -> Organization:
    """The generated organisation for a seed and a number: the same two always give the same organisation."""
    rng = random.Random(f"{seed}/organization/{number}")
    country = COUNTRIES[number % len(COUNTRIES)]
    name = made_up_company_name(rng).strip()
    identifier = str(60_000_000_000 + rng.randrange(1_000_000) * 1_000 + number)
    return Organization(
        organization_id=identifier,
        name=name,
        country=country.name,
        country_code=country.code,
        time_zone=country.time_zone,
        currency_code=country.currency_code,
        repeats_status=number % 2 == 1,
    )


def made_up_books(seed: int, number: int, contacts: int, invoices: int, now: int) -> Books:
    """An organisation with `contacts` contacts (including vendors) and `invoices` invoices as of `now`."""
    organization = made_up_organization(seed, number)
    rng = random.Random(f"{seed}/books/{number}")
    books = Books(organization, NewIds(rng.randrange(1_000_000, 9_000_000) * 10**12 + 26_049))
    drafts = [made_up_contact(books, rng, now) for _ in range(contacts)]
    contacts_made = [_with_late_persons(contact, books.ids, rng, now) for contact in drafts]
    customers = [contact for contact in contacts_made if contact.contact_type is ContactType.CUSTOMER]
    plain = _made_up_invoices(books, customers, invoices, rng, now)
    # The circumstances have a random source of their own, so that changes to them do not alter the draws above.
    chance = random.Random(f"{seed}/circumstances/{number}")
    present = Present(now, organization.zone)
    invoices_made = [with_circumstance(invoice, chance, present) for invoice in plain]
    unused = made_up_credits(invoices_made, chance)
    owed: dict[int, int] = {}
    for invoice in invoices_made:
        books.invoices.put(invoice)
        books.note_customer(invoice)
        owed[invoice.customer_id] = owed.get(invoice.customer_id, 0) + invoice.owed_cents
    for contact in contacts_made:
        contact_id = contact.contact_id
        owing = replace(contact, outstanding_cents=owed.get(contact_id, 0))
        books.put_contact(replace(owing, unused_credits_cents=unused.get(contact_id, 0)))
    return books


def made_up_contact(books: Books, rng: random.Random, now: int, created_at: int | None = None) -> Contact:
    """One generated contact with its persons, by default created at a random instant of the last two years."""
    organization = books.organization
    home = home_country(organization.country_code)
    country = rng.choice(COUNTRIES) if rng.random() < FOREIGN_SHARE else home
    is_given = created_at is not None
    created = created_at if created_at is not None else now - rng.randrange(1 * DAY, 730 * DAY)
    modified = created if is_given else max(created, now - int(rng.random() ** 2 * 240 * DAY) - rng.randrange(60, DAY))
    count = rng.choices(PERSONS_PER_CONTACT, PERSONS_WEIGHTS)[0]
    contact_id = books.ids.next(rng)
    name = made_up_company_name(rng)
    persons = tuple(made_up_person(books.ids, rng, country, home, created) for _ in range(count))
    contact = Contact(
        contact_id=contact_id,
        contact_name=name,
        created_at=created,
        modified_at=modified,
        company_name=name.strip() if rng.random() < 0.8 else "",
        contact_type=ContactType.VENDOR if not is_given and rng.random() < VENDOR_SHARE else ContactType.CUSTOMER,
        is_active=is_given or rng.random() >= INACTIVE_SHARE,
        sub_type="business" if rng.random() < 0.85 else "individual",
        currency_code=country.currency_code,
        payment_terms=rng.choice(PAYMENT_TERMS),
        persons=persons,
        primary_person_id=persons[0].contact_person_id if persons else None,
        country=_country_text(country, rng),
        country_code=country.code if rng.random() < 0.6 else "",
        city=rng.choice(country.cities),
        payment_reminder_enabled=rng.random() < 0.93,
        blank_amounts=rng.random() < 0.05,
    )
    return located(contact, country, is_foreign=country is not home)


def made_up_invoice(
    books: Books, customer: Contact, rng: random.Random, now: int, status: InvoiceStatus | None = None
) -> Invoice:
    """One generated invoice of the customer, due between 120 days ago and 45 days ahead."""
    zone = books.organization.zone
    today = datetime.fromtimestamp(now, zone).date()
    due_in = round(rng.triangular(-120, 45, 5))
    terms = rng.choice([days for days in (0, 7, 15, 30, 45, 60) if days >= due_in])
    date = today + timedelta(days=due_in - terms)
    midnight = datetime(date.year, date.month, date.day, tzinfo=zone).timestamp()
    created = min(int(midnight) + rng.randrange(8 * 3600, 18 * 3600), now - 120)
    modified = min(now - 60, created + int(rng.random() ** 2 * max(now - created, 0)))
    kind = status or rng.choices(STATUSES, STATUS_WEIGHTS)[0]
    total = rng.randrange(2_000, 900_000)
    balance = total
    if kind is InvoiceStatus.PAID:
        balance = 0
    elif kind is InvoiceStatus.PARTIALLY_PAID:
        balance = rng.randrange(100, total)
    paid_on = ""
    if kind in (InvoiceStatus.PAID, InvoiceStatus.PARTIALLY_PAID):
        paid_on = datetime.fromtimestamp(max(modified, created), zone).date().isoformat()
    return Invoice(
        invoice_id=books.ids.next(rng),
        invoice_number=books.next_invoice_number(),
        customer_id=customer.contact_id,
        customer_name=customer.contact_name,
        company_name=customer.company_name,
        status=kind,
        date=date.isoformat(),
        due_date=(today + timedelta(days=due_in)).isoformat(),
        total_cents=total,
        balance_cents=balance,
        currency_code=customer.currency_code,
        created_at=created,
        modified_at=max(modified, created),
        is_viewed=kind is not InvoiceStatus.DRAFT and rng.random() < 0.5,
        last_payment_date=paid_on,
        reminders_sent=rng.choice((0, 0, 0, 1, 2)) if kind is InvoiceStatus.SENT else 0,
    )


def _made_up_invoices(
    books: Books, customers: list[Contact], count: int, rng: random.Random, now: int
) -> list[Invoice]:
    """Generated invoices; a few customers have most invoices, as in real books."""
    if not customers:
        return []
    total = len(customers)
    chosen = [customers[int(total * rng.random() ** 2)] for _ in range(count)]
    return [made_up_invoice(books, customer, rng, now) for customer in chosen]


def _with_late_persons(contact: Contact, ids: NewIds, rng: random.Random, now: int) -> Contact:
    """The contact; some contacts get new ids for all persons but the first, as if these persons were created later."""
    if len(contact.persons) < 2 or rng.random() >= DETACHED_SECOND_PERSON_SHARE:
        return contact
    first, *others = contact.persons
    joined = max(contact.created_at, now - 200 * DAY)
    late: list[Person] = [replace(person, contact_person_id=ids.next(rng), created_at=joined) for person in others]
    return replace(contact, persons=(first, *late))


def _country_text(country: Country, rng: random.Random) -> str:
    return rng.choice(country.spellings) if rng.random() < 0.75 else ""


def epoch_now() -> int:
    return int(datetime.now(UTC).timestamp())
