"""Comparing the whole cache of a connection with Zoho by fingerprints; it is read-only."""

import time
import uuid
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from db import clock, connections, verification
from db.connections import Connection
from domain.contacts import Contact, ContactDetails, ContactKind, ContactPerson
from domain.customers import customer_from, persons_as_json
from domain.drift import Drift, Fingerprint, drift_between, invoice_columns
from domain.forecast import reading_cost
from domain.lists import ListedT, Page
from domain.persons import disagree, joined
from domain.phones import NO_CONFIRMATIONS, Confirmations
from domain.time_zones import zone_named
from domain.walk import Walk, WalkById, WalkStuck
from workers.boot.resources import Resources
from workers.budget import Lane
from workers.jobs.attempts import Attempts
from workers.jobs.outcomes import Outcome, concerns_one_record, handling_of
from workers.services.forecast import forecast
from workers.zoho import ZohoContactsClient, ZohoInvoicesClient
from workers.zoho.errors import ZohoError
from workers.zoho.list_reader import ListReader, WalkT

#: The most cached records missing from a list that are read by their ids, one call each. More than that are reported
#: without these reads.
MAX_CONFIRMATIONS = 200

Persons = dict[str, tuple[ContactPerson, ...]]


@dataclass(frozen=True, slots=True)
class Verified:
    """The result of the comparison, and its cost."""

    customers: Drift
    invoices: Drift
    customers_not_compared: tuple[str, ...]  #: ids of customers that Zoho has without a comparable row in the list
    invoices_not_compared: tuple[str, ...]
    api_calls: int
    persons_compared: bool  #: False: the bulk list cannot be read, so only the contacts list's data was compared


class Verification:
    """One comparison. It tolerates the same errors as a full run, because both read with the same `ListReader`.

    `on_wait` is called before each wait with its seconds and reason.
    """

    def __init__(
        self,
        resources: Resources,
        connection_id: uuid.UUID,
        *,
        on_call: Callable[[int], None] = lambda _: None,
        on_wait: Callable[[float, str], None] = lambda _seconds, _reason: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._resources = resources
        self._on_call = on_call
        self._attempts = Attempts(on_wait, sleep)
        with resources.engine.connect() as db:
            self.connection: Connection = connections.connection(db, connection_id)
            outlook = forecast(resources, db, self.connection)
            self._began_at, self._began = clock.present(db), time.monotonic()
        self.expected_calls = reading_cost(outlook.size, outlook.rate).calls
        transport = resources.transport(self.connection, lane=Lane.BULK, holder=f"verify-{uuid.uuid4()}", now=self._now)
        zone = zone_named(self.connection.time_zone)
        self._transport = transport
        self._contacts = ZohoContactsClient(transport, zone=zone)
        self._invoices = ZohoInvoicesClient(transport, zone=zone)
        self._reader = ListReader(self._contacts, self._invoices)
        self._rejected: set[str] = set()  #: ids of the rows that cannot be understood

    def _now(self) -> datetime:
        """Return the current time of Postgres's clock."""
        return self._began_at + timedelta(seconds=time.monotonic() - self._began)

    @property
    def has_synced(self) -> bool:
        """Whether both lists have been read at least once; before that there can be no drift."""
        return self.connection.last_customer_sync_at is not None and self.connection.last_invoice_sync_at is not None

    def run(self) -> Verified:
        """Read both sides and compare them.

        Raises:
            ZohoError, BudgetUnavailable: a list cannot be read, after as many attempts as a run makes.
            WalkStuck: a list reports further pages, but returns nothing new.
        """
        persons = self._persons()
        listed_customers, unclear = self._listed_customers(persons or {})
        listed_invoices = {
            invoice.invoice_id: Fingerprint.of_invoice(
                invoice_columns(invoice), owner=invoice.customer_id, modified_at=invoice.modified_at
            )
            for invoice in self._rows(Walk.begin(None), self._reader.invoices)
        }
        with self._resources.engine.connect() as db:
            cached = verification.cached_customers(db, self.connection)
            cached_invoices = verification.cached_invoices(db, self.connection)
            skipped = verification.waiting_invoice_ids(db, self.connection)
        # The lists do not contain the persons of these customers.
        omitted = cached.fingerprints.keys() if persons is None else cached.with_omitted_persons | unclear
        listed_customers = _without_persons(listed_customers, omitted)
        cached_customers = _without_persons(cached.fingerprints, omitted)
        unlisted_customers = self._not_comparable(cached_customers.keys() - listed_customers.keys(), self._is_customer)
        unlisted_customers |= self._contradicted(listed_customers, cached_customers, omitted | unclear)
        unlisted_invoices = self._not_comparable(cached_invoices.keys() - listed_invoices.keys(), self._is_invoice)
        return Verified(
            customers=drift_between(
                _without(listed_customers, unlisted_customers),
                _without(cached_customers, unlisted_customers),
                synced_at=self.connection.last_customer_sync_at,
            ),
            invoices=drift_between(
                _without(listed_invoices, unlisted_invoices | skipped),
                _without(cached_invoices, unlisted_invoices),
                synced_at=self.connection.last_invoice_sync_at,
            ),
            customers_not_compared=tuple(sorted(unlisted_customers)),
            invoices_not_compared=tuple(sorted(unlisted_invoices)),
            api_calls=self._transport.calls,
            persons_compared=persons is not None,
        )

    def _contradicted(
        self, listed: dict[str, Fingerprint], cached: dict[str, Fingerprint], asked: Set[str]
    ) -> frozenset[str]:
        """Return the customers whose list row contradicts their details, if the cache agrees with the details.

        A run reads the details of each `asked` customer whose row differs from the cache, and trusts the details.
        """
        cached_digests = {contact_id: each.digest for contact_id, each in cached.items()}
        differing = {each for each in asked & listed.keys() if listed[each].digest != cached_digests.get(each)}
        if len(differing) > MAX_CONFIRMATIONS:
            return frozenset()

        def differs(contact_id: str) -> bool:
            contact = self._customer(contact_id)
            digest = self._fingerprint(contact).listed_part().digest if contact else None
            return digest != cached_digests.get(contact_id)

        return frozenset(each for each in sorted(differing) if not self._confirmed(each, differs))

    def _fingerprint(
        self,
        contact: Contact,
        known: ContactDetails | None = None,
        confirmed: Confirmations = NO_CONFIRMATIONS,
    ) -> Fingerprint:
        fallback = self._resources.settings.phone_fallback
        customer = customer_from(
            contact, home=self.connection.home, known=known, confirmed=confirmed, fallback=fallback
        )
        return Fingerprint.of_customer(customer, persons_as_json(customer.persons))

    def _listed_customers(self, persons: Persons) -> tuple[dict[str, Fingerprint], frozenset[str]]:
        """Return the listed customers, and the ids with unclear persons, for which a run reads the details."""
        with self._resources.engine.connect() as db:
            known = verification.known_details(db, self.connection)
            confirmed = verification.known_confirmations(db, self.connection)
        listed: dict[str, Fingerprint] = {}
        unclear: set[str] = set()
        for contact in self._rows(Walk.begin(None), self._reader.contacts):
            if contact.kind is ContactKind.CUSTOMER:
                contact_id, its_persons = contact.contact_id, persons.get(contact.contact_id, ())
                listed[contact_id] = self._fingerprint(
                    joined(contact, its_persons), known.get(contact_id), confirmed.get(contact_id, NO_CONFIRMATIONS)
                )
                if _are_unclear(contact, its_persons):
                    unclear.add(contact_id)
        return listed, frozenset(unclear)

    def _persons(self) -> Persons | None:
        """Return all persons by contact, None if the bulk list cannot be read; a run continues without it too."""
        if self.connection.bulk_persons_refused:
            return None
        try:
            rows = {row.record_id: row for row in self._rows(WalkById(), self._reader.persons)}
        except (ZohoError, WalkStuck) as error:
            if handling_of(error).outcome in (Outcome.RETRIED, Outcome.GIVEN_UP):
                return None
            raise
        found: Persons = {}
        for _, row in sorted(rows.items(), key=lambda item: (len(item[0]), item[0])):
            found[row.contact_id] = (*found.get(row.contact_id, ()), row.person)
        return found

    def _rows(
        self, walk: WalkT, read: Callable[[WalkT], tuple[WalkT, Page[ListedT] | None, tuple[ListedT, ...]]]
    ) -> Iterator[ListedT]:
        while not walk.is_finished:
            walk, page, rows = self._attempts.of(partial(read, walk))
            self._on_call(self._transport.calls)
            if page is not None:
                self._rejected.update(aside.record_id for aside in page.rejected if aside.record_id)
            yield from rows

    def _not_comparable(self, unlisted: Set[str], ask: Callable[[str], bool]) -> frozenset[str]:
        """Return the ids of the unlisted records that exist in Zoho: its list has no readable row for these."""
        rejected = unlisted & self._rejected
        to_confirm = unlisted - rejected
        if len(to_confirm) > MAX_CONFIRMATIONS:
            return frozenset(rejected)
        return frozenset(rejected).union(each for each in sorted(to_confirm) if self._confirmed(each, ask))

    def _confirmed(self, record_id: str, ask: Callable[[str], bool]) -> bool:
        def is_there() -> bool:
            try:
                return ask(record_id)
            except ZohoError as error:
                if concerns_one_record(error):
                    return True  # Only a 404 proves that Zoho does not have the record.
                raise

        found = self._attempts.of(is_there)
        self._on_call(self._transport.calls)
        return found

    def _customer(self, contact_id: str) -> Contact | None:
        contact = self._contacts.get_contact_by_id(contact_id)
        return contact if contact and contact.kind is ContactKind.CUSTOMER else None

    def _is_customer(self, contact_id: str) -> bool:
        return self._customer(contact_id) is not None

    def _is_invoice(self, invoice_id: str) -> bool:
        return self._invoices.get_invoice_by_id(invoice_id) is not None


def verified_json(verified: Verified) -> dict[str, Any]:
    """Return the output of `booksync verify --json`."""
    return {
        "drift": verified.customers.count + verified.invoices.count,
        "customers": _drift_json(verified.customers, verified.customers_not_compared),
        "invoices": _drift_json(verified.invoices, verified.invoices_not_compared),
        "api_calls": verified.api_calls,
        "persons_compared": verified.persons_compared,
    }


def _drift_json(drift: Drift, not_compared: tuple[str, ...]) -> dict[str, Any]:
    return {
        "zoho": drift.zoho,
        "cached": drift.cached,
        "missing": drift.missing,
        "surplus": drift.surplus,
        "different": drift.different,
        "not_synced_yet": drift.not_synced_yet,
        "not_compared": not_compared,
    }


def _are_unclear(contact: Contact, persons: tuple[ContactPerson, ...]) -> bool:
    """Return whether the bulk list contradicts the contact's row, or has no person although the row names one."""
    return disagree(contact, persons) or (contact.primary is not None and not persons)


def _without_persons(fingerprints: dict[str, Fingerprint], omitted: Set[str]) -> dict[str, Fingerprint]:
    return fingerprints | {
        record_id: fingerprints[record_id].listed_part() for record_id in omitted & fingerprints.keys()
    }


def _without(fingerprints: dict[str, Fingerprint], record_ids: Set[str]) -> dict[str, Fingerprint]:
    return {record_id: each for record_id, each in fingerprints.items() if record_id not in record_ids}
