"""The caching service over fakes for the tables, and builders of the contacts that it reads."""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from types import SimpleNamespace
from typing import cast

import pytest

from db.connections import Connection
from db.session import Session
from db.upserts import Written
from domain.cached_customers import COMPARED_COLUMNS, FreshCustomer, StoredCustomer
from domain.contacts import NOTHING_TOLD, Contact, ContactDetails
from domain.customers import customer_from, persons_as_json
from domain.observed import Observed
from domain.phones import PhoneFallback
from tests.builders import LONDON, MODIFIED_AT, a_contact
from workers.services import cache_customers
from workers.services.cache_customers import CachedCustomers
from workers.services.cache_invoices import CachedInvoices

NOW = MODIFIED_AT + dt.timedelta(hours=3)
OBSERVED_AT = MODIFIED_AT + dt.timedelta(hours=1)
LATER = OBSERVED_AT + dt.timedelta(hours=1)
SESSION = cast(Session, None)
CONNECTION = cast(Connection, SimpleNamespace(connection_id=uuid.uuid4(), home=LONDON))


def read(contact: Contact, observed_at: dt.datetime = LATER) -> Observed[Contact]:
    return Observed(contact, observed_at)


def a_row(contact: Contact, observed_at: dt.datetime = OBSERVED_AT) -> StoredCustomer:
    """The row of this contact, as it is cached."""
    customer = customer_from(contact, home=LONDON)
    return StoredCustomer(
        connection_id=CONNECTION.connection_id,
        status=customer.status,
        facts=attrgetter(*COMPARED_COLUMNS)(customer),
        persons=persons_as_json(customer.persons),
        version=read(contact, observed_at).version,
        details=contact.details or NOTHING_TOLD,
        credits=(customer.unused_credits, customer.credits_currency),
        gone_at=None,
        observed_at=observed_at,
        updated_at=observed_at,
    )


@dataclass
class FakeTables:
    """The cached customers in memory; `calls` has the statements and the planning in their order, with Zoho's ids."""

    rows: dict[str, StoredCustomer] = field(default_factory=dict)
    changed_before_the_lock: dict[str, StoredCustomer] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)  #: by the statement, because a newer version is cached by now
    calls: list[str] = field(default_factory=list)
    written: dict[str, FreshCustomer] = field(default_factory=dict)
    asked: dict[str, dt.datetime] = field(default_factory=dict)
    observed: dict[str, dt.datetime] = field(default_factory=dict)
    replanned: list[uuid.UUID] = field(default_factory=list)
    waited: CachedInvoices = field(default_factory=CachedInvoices)

    def stored(self, _: Session, __: Connection, ids: Sequence[str]) -> dict[str, StoredCustomer]:
        self._called("read", ids)
        return {each: self.rows[each] for each in ids if each in self.rows}

    def lock_stored(self, _: Session, __: Connection, ids: Sequence[str]) -> dict[str, StoredCustomer]:
        self._called("lock", ids)
        self.rows |= self.changed_before_the_lock
        return {each: self.rows[each] for each in ids}

    def write(self, _: Session, __: Connection, batches: Iterable[Sequence[FreshCustomer]], **___: bool) -> Written:
        by_id = {each.customer.zoho_customer_id: each for rows in batches for each in rows}
        self._called("write", by_id)
        self.written = {key: each for key, each in by_id.items() if key not in self.refused}
        ids = {key: uuid.uuid5(CONNECTION.connection_id, key) for key in self.written}
        return Written(
            new={key: each for key, each in ids.items() if key not in self.rows},
            updated={key: each for key, each in ids.items() if key in self.rows},
        )

    def note_asked(self, _: Session, __: Connection, versions: Mapping[str, dt.datetime]) -> None:
        self._called("note asked", versions)
        self.asked |= versions

    def note_observed(self, _: Session, __: Connection, observed: Mapping[str, dt.datetime]) -> None:
        self.observed |= observed

    def cache_waiting_invoices(self, _: Session, __: Connection, ids: Sequence[str], **when: object) -> CachedInvoices:
        assert when["now"] == NOW
        self._called("move waiting", ids)
        return self.waited

    def replan_customers(self, _: Session, __: Connection, ids: Sequence[uuid.UUID], *, now: dt.datetime) -> None:
        assert now == NOW
        self.calls.append("replan")
        self.replanned += ids

    def _called(self, name: str, ids: Iterable[str]) -> None:
        self.calls.append(" ".join([name, *ids]))


def faked(monkeypatch: pytest.MonkeyPatch) -> FakeTables:
    """Replace the tables of the service by fakes."""
    fake = FakeTables()
    for name in ("customers", "known_contacts", "plan_reminders"):
        monkeypatch.setattr(cache_customers, name, fake)
    monkeypatch.setattr(cache_customers, "cache_waiting_invoices", fake.cache_waiting_invoices)
    return fake


def put(tables: FakeTables, *contacts: Contact) -> None:
    tables.rows |= {each.contact_id: a_row(each) for each in contacts}


def cache(
    *reads: Observed[Contact], since: dt.datetime | None = None, stamps_may_go_back: bool = False
) -> CachedCustomers:
    return cache_customers.cache_customers(
        SESSION,
        CONNECTION,
        reads,
        fallback=PhoneFallback.NONE,
        now=NOW,
        since=since,
        stamps_may_go_back=stamps_may_go_back,
    )


def renamed(contact_id: str = "5001", name: str = "Difference Engines") -> Contact:
    """The contact of `a_contact` after a change in Zoho."""
    return a_contact(contact_id, name=name, modified_at=MODIFIED_AT + dt.timedelta(minutes=1))


def in_country(country_code: str) -> ContactDetails:
    return ContactDetails(country_code=country_code, reminders_enabled=None)
