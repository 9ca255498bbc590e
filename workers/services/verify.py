"""Compares the whole cache of a connection with Zoho, by fingerprints. The comparison changes nothing."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from db import clock, connections, verification, watermarks
from db.connections import Connection
from domain.connection_states import Command, require_possible
from domain.contacts import Contact, ContactDetails, ContactKind, ContactPerson
from domain.customers import customer_from, persons_as_json
from domain.drift import Drift, Fingerprint, drift_between
from domain.entities import CUSTOMER, Entity, entities
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
from workers.zoho.entities import records_of
from workers.zoho.errors import ZohoError
from workers.zoho.list_reader import ListReader, WalkT

#: The most cached records missing from a list that are read by their ids, one call each. Further ones are reported
#: without a read.
MAX_CONFIRMING_CALLS = 200

Persons = dict[str, tuple[ContactPerson, ...]]
Fingerprints = dict[str, Fingerprint]


@dataclass(frozen=True, slots=True)
class Compared:
    """The result of comparing one entity's records."""

    drift: Drift
    not_compared: tuple[str, ...]  #: ids of records that Zoho has, but without a comparable row in the list

    def as_json(self) -> dict[str, Any]:
        return {
            "zoho": self.drift.zoho,
            "cached": self.drift.cached,
            "missing": self.drift.missing,
            "surplus": self.drift.surplus,
            "different": self.drift.different,
            "not_synced_yet": self.drift.not_synced_yet,
            "not_compared": self.not_compared,
        }


@dataclass(frozen=True, slots=True)
class Verified:
    """The result of comparing a whole connection, and its cost."""

    compared: Mapping[Entity, Compared]
    api_calls: int
    #: False: the bulk list of persons cannot be read, so only the data in the list of contacts was compared.
    persons_compared: bool

    @property
    def drift(self) -> int:
        """The number of records that differ between cache and Zoho."""
        return sum(each.drift.count for each in self.compared.values())


class Verification:
    """One comparison of a connection's cache with Zoho.

    The comparison tolerates the same errors as a full run, because both read with the same `ListReader`.

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
            require_possible(Command.VERIFY, self.connection.status, str(connection_id))
            outlook = forecast(resources, db, self.connection)
            self._began_at, self._began = clock.present(db), time.monotonic()
            # The watermarks are read before the lists, because a run that ends during the comparison moves them.
            self._synced_at = {each: watermarks.watermark(db, connection_id, each) for each in entities()}
        self.expected_calls = reading_cost(outlook.size, outlook.rate).calls
        transport = resources.transport(self.connection, lane=Lane.BULK, holder=f"verify-{uuid.uuid4()}", now=self._now)
        self._zone = zone_named(self.connection.time_zone)
        self._transport = transport
        self._reader = ListReader(transport, zone=self._zone)
        self._rejected: set[str] = set()  #: ids of list rows that cannot be understood

    def _now(self) -> datetime:
        """Return the current time of Postgres's clock."""
        return self._began_at + timedelta(seconds=time.monotonic() - self._began)

    @property
    def has_synced(self) -> bool:
        """Whether both lists of the connection have been read at least once; before that there can be no drift."""
        return self.connection.last_customer_sync_at is not None and self.connection.last_invoice_sync_at is not None

    def run(self) -> Verified:
        """Read cache and Zoho, and compare them.

        Raises:
            ZohoError, BudgetUnavailable: a list cannot be read, after as many attempts as a run makes.
            WalkStuck: a list reports further pages, but returns nothing new.
        """
        persons = self._persons()
        customers = self._compared_customers(persons)
        others = {entity: self._compared_records(entity) for entity in entities() if entity is not CUSTOMER}
        return Verified(
            {CUSTOMER: customers, **others}, api_calls=self._transport.calls, persons_compared=persons is not None
        )

    def _compared_customers(self, persons: Persons | None) -> Compared:
        listed, unclear = self._listed_customers(persons or {})
        with self._resources.engine.connect() as db:
            found = verification.cached_customers(db, self.connection)
        # The lists do not contain the persons of such customers, whose persons are therefore not compared.
        omitted = found.fingerprints.keys() if persons is None else found.with_omitted_persons | unclear
        listed = _without_persons(listed, omitted)
        cached = _without_persons(found.fingerprints, omitted)
        unlisted = self._not_comparable(cached.keys() - listed.keys(), self._is_customer)
        unlisted |= self._contradicted(listed, cached, omitted | unclear)
        return self._compared(CUSTOMER, _without(listed, unlisted), _without(cached, unlisted), unlisted)

    def _compared_records(self, entity: Entity) -> Compared:
        listed = {each.record_id: verification.fingerprint(entity, each) for each in self._listed(entity)}
        with self._resources.engine.connect() as db:
            cached = verification.cached_records(db, self.connection, entity)
            waiting = verification.waiting_ids(db, self.connection, entity)
        unlisted = self._not_comparable(
            cached.keys() - listed.keys(), lambda record_id: self._record(entity, record_id) is not None
        )
        return self._compared(entity, _without(listed, unlisted | waiting), _without(cached, unlisted), unlisted)

    def _compared(
        self, entity: Entity, listed: Fingerprints, cached: Fingerprints, not_compared: frozenset[str]
    ) -> Compared:
        drift = drift_between(listed, cached, synced_at=self._synced_at[entity])
        return Compared(drift, tuple(sorted(not_compared)))

    def _contradicted(
        self, listed: dict[str, Fingerprint], cached: dict[str, Fingerprint], asked: Set[str]
    ) -> frozenset[str]:
        """Return the customers whose list row contradicts their details, if the cache agrees with the details.

        A run reads the details of each customer in `asked` and trusts the details more than the list. So such a
        customer does not count as different from Zoho.
        """
        cached_digests = {contact_id: each.digest for contact_id, each in cached.items()}
        differing = {each for each in asked & listed.keys() if listed[each].digest != cached_digests.get(each)}
        if len(differing) > MAX_CONFIRMING_CALLS:
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
        """Return the listed customers, and the ids of those with unclear persons, whose details a run would read."""
        with self._resources.engine.connect() as db:
            known = verification.known_details(db, self.connection)
            confirmed = verification.known_confirmations(db, self.connection)
        listed: dict[str, Fingerprint] = {}
        unclear: set[str] = set()
        for contact in self._listed(CUSTOMER):
            if contact.kind is ContactKind.CUSTOMER:
                contact_id, its_persons = contact.contact_id, persons.get(contact.contact_id, ())
                listed[contact_id] = self._fingerprint(
                    joined(contact, its_persons), known.get(contact_id), confirmed.get(contact_id, NO_CONFIRMATIONS)
                )
                if _are_unclear(contact, its_persons):
                    unclear.add(contact_id)
        return listed, frozenset(unclear)

    def _persons(self) -> Persons | None:
        """Return all persons by contact; None if the bulk list cannot be read. A run also works without it."""
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

    def _listed(self, entity: Entity) -> Iterator[Any]:
        yield from self._rows(Walk.begin(None), partial(self._reader.page, entity))

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
        """Return the ids of unlisted records that exist in Zoho, because Zoho's list has no readable row for them."""
        rejected = unlisted & self._rejected
        to_confirm = unlisted - rejected
        if len(to_confirm) > MAX_CONFIRMING_CALLS:
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

    def _record(self, entity: Entity, record_id: str) -> Any | None:
        return records_of(entity).record(self._transport, record_id, self._zone)

    def _customer(self, contact_id: str) -> Contact | None:
        contact: Contact | None = self._record(CUSTOMER, contact_id)
        return contact if contact and contact.kind is ContactKind.CUSTOMER else None

    def _is_customer(self, contact_id: str) -> bool:
        return self._customer(contact_id) is not None


def verified_json(verified: Verified) -> dict[str, Any]:
    """The output of `booksync verify --json`."""
    return {
        "drift": verified.drift,
        **{entity.plural: compared.as_json() for entity, compared in verified.compared.items()},
        "api_calls": verified.api_calls,
        "persons_compared": verified.persons_compared,
    }


def _are_unclear(contact: Contact, persons: tuple[ContactPerson, ...]) -> bool:
    """Return whether the bulk list of persons contradicts the contact's row, or lacks the person whom the row names."""
    return disagree(contact, persons) or (contact.primary is not None and not persons)


def _without_persons(fingerprints: dict[str, Fingerprint], omitted: Set[str]) -> dict[str, Fingerprint]:
    return fingerprints | {
        record_id: fingerprints[record_id].listed_part() for record_id in omitted & fingerprints.keys()
    }


def _without(fingerprints: dict[str, Fingerprint], record_ids: Set[str]) -> dict[str, Fingerprint]:
    return {record_id: each for record_id, each in fingerprints.items() if record_id not in record_ids}
