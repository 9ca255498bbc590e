"""Comparing the whole cache of a connection with Zoho, by fingerprints; it reads both and writes nothing."""

import time
import uuid
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from db import connections, verification
from db.connections import Link
from domain.contacts import Contact, ContactKind, ContactPerson
from domain.customers import customer_from, persons_as_json
from domain.drift import Drift, Fingerprint, drift_between, invoice_columns
from domain.forecast import reading_cost
from domain.lists import ListedT, ListRequest, Page
from domain.persons import joined
from domain.phones import NO_CONFIRMATIONS
from domain.time_zones import zone_named
from domain.walk import Walk, WalkById
from workers.budget import BudgetWait, Lane
from workers.forecasting import forecast
from workers.resources import Resources
from workers.zoho import ZohoContactsClient, ZohoInvoicesClient
from workers.zoho.errors import BulkPersonsRefused
from workers.zoho.walking import WalkT, walk_on

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True)
class Verified:
    """What the comparison found, and what it cost."""

    customers: Drift
    invoices: Drift
    api_calls: int
    persons_compared: bool  #: False: Zoho refuses the bulk list, so only what the contacts' list tells was compared


class Verification:
    """One comparison. `on_wait` is told when the API budget makes it wait, in seconds; it waits by itself."""

    def __init__(
        self,
        resources: Resources,
        connection_id: uuid.UUID,
        *,
        on_call: Callable[[int], None] = lambda _: None,
        on_wait: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._resources = resources
        self._on_call = on_call
        self._on_wait = on_wait
        with resources.engine.connect() as connection:
            self.link: Link = connections.link(connection, connection_id)
            outlook = forecast(resources, connection, self.link)
        self.expected_calls = reading_cost(outlook.size, outlook.rate).calls
        transport = resources.transport(self.link, lane=Lane.BULK, holder=f"verify-{uuid.uuid4()}")
        zone = zone_named(self.link.time_zone)
        self._transport = transport
        self._contacts = ZohoContactsClient(transport, zone=zone)
        self._invoices = ZohoInvoicesClient(transport, zone=zone)

    @property
    def has_synced(self) -> bool:
        """Both lists have been read at least once; before that nothing can have drifted."""
        return self.link.last_customer_sync_at is not None and self.link.last_invoice_sync_at is not None

    def run(self) -> Verified:
        """Reads both sides and compares them.

        Raises:
            ZohoError, BudgetUnavailable: Zoho cannot be read.
            WalkStuck: a list says that more follows, and tells nothing new.
        """
        persons = self._persons()
        told_customers = self._told_customers(persons or {})
        told_invoices = {
            invoice.invoice_id: Fingerprint.of_invoice(
                invoice_columns(invoice), owner=invoice.customer_id, modified_at=invoice.modified_at
            )
            for invoice in self._walk(Walk.begin(None), self._invoices.get_invoices)
        }
        with self._resources.engine.connect() as connection:
            cached = verification.cached_customers(connection, self.link)
            cached_invoices = verification.cached_invoices(connection, self.link)
            skipped = verification.skipped_invoice_ids(connection, self.link)
        # Where the bulk list is refused, or known to omit persons, it cannot tell what they should be.
        untold = cached.fingerprints.keys() if persons is None else cached.with_omitted_persons
        return Verified(
            customers=drift_between(
                _without_persons(told_customers, untold),
                _without_persons(cached.fingerprints, untold),
                synced_at=self.link.last_customer_sync_at,
            ),
            invoices=drift_between(
                {record_id: told for record_id, told in told_invoices.items() if record_id not in skipped},
                cached_invoices,
                synced_at=self.link.last_invoice_sync_at,
            ),
            api_calls=self._transport.calls,
            persons_compared=persons is not None,
        )

    def _told_customers(self, persons: dict[str, tuple[ContactPerson, ...]]) -> dict[str, Fingerprint]:
        fallback = self._resources.settings.phone_fallback

        def fingerprint(contact: Contact) -> Fingerprint:
            customer = customer_from(
                joined(contact, persons.get(contact.contact_id, ())),
                home=self.link.home,
                known=known.get(contact.contact_id),
                confirmed=confirmed.get(contact.contact_id, NO_CONFIRMATIONS),
                fallback=fallback,
            )
            return Fingerprint.of_customer(customer, persons_as_json(customer.persons))

        with self._resources.engine.connect() as connection:
            known = verification.known_details(connection, self.link)
            confirmed = verification.known_confirmations(connection, self.link)
        return {
            contact.contact_id: fingerprint(contact)
            for contact in self._walk(Walk.begin(None), self._contacts.get_contacts)
            if contact.kind is ContactKind.CUSTOMER
        }

    def _persons(self) -> dict[str, tuple[ContactPerson, ...]] | None:
        """All persons by contact, None where the bulk list is refused."""
        if self.link.bulk_persons_refused:
            return None
        try:
            rows = {row.record_id: row for row in self._walk(WalkById(), self._contacts.get_contact_persons)}
        except BulkPersonsRefused:
            return None
        found: dict[str, tuple[ContactPerson, ...]] = {}
        for _, row in sorted(rows.items(), key=lambda item: (len(item[0]), item[0])):
            found[row.contact_id] = (*found.get(row.contact_id, ()), row.person)
        return found

    def _walk(self, walk: WalkT, get: Callable[[ListRequest], Page[ListedT]]) -> Iterator[ListedT]:
        while not walk.is_finished:
            walk, _, rows = walk_on(walk, lambda request: self._ask(partial(get, request)))
            yield from rows

    def _ask(self, call: Callable[[], AnswerT]) -> AnswerT:
        while True:
            try:
                answer = call()
            except BudgetWait as wait:
                self._on_wait(wait.seconds)
                time.sleep(wait.seconds)
            else:
                self._on_call(self._transport.calls)
                return answer


def verified_json(verified: Verified) -> dict[str, Any]:
    """As `booksync verify --json` prints it."""
    return {
        "drift": verified.customers.count + verified.invoices.count,
        "customers": _drift_json(verified.customers),
        "invoices": _drift_json(verified.invoices),
        "api_calls": verified.api_calls,
        "persons_compared": verified.persons_compared,
    }


def _drift_json(drift: Drift) -> dict[str, Any]:
    return {
        "zoho": drift.zoho,
        "cached": drift.cached,
        "missing": drift.missing,
        "surplus": drift.surplus,
        "different": drift.different,
        "not_synced_yet": drift.not_synced_yet,
    }


def _without_persons(fingerprints: dict[str, Fingerprint], untold: Set[str]) -> dict[str, Fingerprint]:
    return fingerprints | {
        record_id: fingerprints[record_id].listed_part() for record_id in untold & fingerprints.keys()
    }
