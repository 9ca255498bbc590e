"""Contact persons: which source a listed contact's persons come from, for the fewest calls.

A list row has only the primary person's values. The rest comes from a sweep of the bulk list or from a detail call for
each contact. The bulk list may lack persons, for instance those of inactive contacts. So a person whom the bulk list
lacks counts as gone only after a detail call. Its answer is remembered, and the contact is not asked again while its
row stays the same. A row of the bulk list that is rejected counts as a missing person of its contact.

The list row and the bulk list may disagree about the primary person, because a person was missed or changed between
the two. Then a detail call decides, and its answer is remembered in the same way. Contacts beyond the run's detail
calls are asked by the next full run. Until then a cached contact whose row is unchanged stays as it is. Any other takes
its primary person's values from the row, because an older value from the bulk list could be another person's number.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from domain.contacts import Contact, ContactPerson

#: Detail calls of one run that only confirm what the sweep lacks or contradicts; the next run goes on with the rest.
MAX_CONFIRMATIONS = 100


@dataclass(frozen=True, slots=True)
class Sweep:
    """The bulk list as a run has read it, as far as some contacts are concerned; `began_at` is the server's time."""

    began_at: datetime
    persons: Mapping[str, tuple[ContactPerson, ...]]
    rejected: frozenset[str] = frozenset()  #: contacts of persons whose row could not be understood

    def is_older_than(self, contact: Contact) -> bool:
        """Whether the contact has changed since it began. Of the same second it is believed: see `is_ambiguous`."""
        return contact.modified_at is not None and contact.modified_at > self.began_at

    def contradicts(self, contact: Contact) -> bool:
        return disagree(contact, self.persons.get(contact.contact_id, ()))

    def joined(self, contact: Contact) -> Contact:
        return joined(contact, self.persons.get(contact.contact_id, ()))

    def ids_of(self, contact_id: str) -> frozenset[str]:
        return ids_of(self.persons.get(contact_id, ()))

    def omits(self, contact: Contact) -> bool:
        """Whether it lacks persons of a contact that a detail answer has, or has another primary person than it."""
        if contact.persons is None:
            return False
        return not ids_of(contact.persons) <= self.ids_of(contact.contact_id) or self.contradicts(contact)


@dataclass(frozen=True, slots=True)
class KnownContact:
    """What the cache says of a contact."""

    person_ids: frozenset[str]
    bulk_omits_persons: bool  #: a detail answer has persons that the bulk list lacks, or another primary person
    row_is_same: bool  #: the list row says what is cached


class Source(StrEnum):
    """Where a contact's persons are to be taken from."""

    SWEEP = "sweep"  #: the bulk list (or the list row's own person, where that list has none)
    CACHE = "cache"  #: nothing is new
    DETAILS = "details"  #: only a detail call can tell


@dataclass
class SortedOut:
    """A page's contacts: those that say something new, and which of them need a detail call."""

    confirmations: int  #: of the run so far
    changed: list[Contact] = field(default_factory=list)
    needing_details: set[str] = field(default_factory=set)


def sort_out(
    contacts: Sequence[Contact], known: Mapping[str, KnownContact], sweep: Sweep | None, *, confirmations: int
) -> SortedOut:
    """Sorts a page's contacts by what they need; without a sweep every changed one needs a detail call."""
    sorted_out = SortedOut(confirmations)
    for contact in contacts:
        cached = known.get(contact.contact_id)
        may_ask = sorted_out.confirmations < MAX_CONFIRMATIONS
        source = _source(contact, cached, sweep, may_ask=may_ask)
        if source is not Source.CACHE:
            sorted_out.changed.append(contact)
        if source is Source.DETAILS:
            sorted_out.needing_details.add(contact.contact_id)
            sorted_out.confirmations += sweep is not None and not sweep.is_older_than(contact)
    return sorted_out


def disagree(contact: Contact, persons: Sequence[ContactPerson]) -> bool:
    """Whether a contact's persons from the bulk list are not led by the primary person that the contact names.

    True if no person is flagged as primary, if several are, or if the flagged one has other values.
    """
    flagged = [person for person in persons if person.is_primary]
    if len(flagged) != 1:
        return bool(persons)
    return contact.primary is not None and _values(flagged[0]) != _values(contact.primary)


def joined(contact: Contact, persons: tuple[ContactPerson, ...]) -> Contact:
    """A list row with its persons from the bulk list, unchanged if the bulk list has none.

    Where the two disagree the row's primary values count, because the contacts are read after the persons. They belong
    to the person from the bulk list that has the same values, else to a stand-in without an id. Persons flagged as
    primary with other values are left out: their numbers are out of date, or no longer the primary person's.
    """
    if not persons:
        return contact
    if not disagree(contact, persons):
        return contact.with_persons(persons)
    named = contact.primary
    if named is None:
        return contact.with_persons(tuple(replace(person, is_primary=False) for person in persons))
    same = next((person for person in persons if _values(person) == _values(named)), None)
    primary = replace(same or named, is_primary=True)
    others = (person for person in persons if person is not same and not person.is_primary)
    return contact.with_persons((primary, *others))


def would_settle(contact: Contact, last_sweep_began_at: datetime | None) -> bool:
    """Whether another sweep would tell the contact's persons: only if it has changed since the last one began."""
    if last_sweep_began_at is None or contact.modified_at is None:
        return last_sweep_began_at is None
    return contact.modified_at > last_sweep_began_at


def is_ambiguous(modified_at: datetime | None, observed_at: datetime | None) -> bool:
    """Whether what was observed may be older than a change of the same second: the next run asks once more."""
    if modified_at is None or observed_at is None:
        return False
    return modified_at.replace(microsecond=0) == observed_at.replace(microsecond=0)


def ids_of(persons: Iterable[ContactPerson]) -> frozenset[str]:
    """The known ids: a list row's stand-in for a person has none."""
    return frozenset(person.person_id for person in persons if person.person_id)


def _source(contact: Contact, known: KnownContact | None, sweep: Sweep | None, *, may_ask: bool) -> Source:
    if sweep is None:
        return Source.CACHE if known and known.row_is_same else Source.DETAILS
    if sweep.is_older_than(contact):
        return Source.DETAILS
    is_whole = contact.contact_id not in sweep.rejected
    if is_whole and not _lacks_somebody(contact, known, sweep.ids_of(contact.contact_id)):
        return _source_of_primary(contact, known, sweep, may_ask=may_ask)
    if known is None:
        return Source.DETAILS if may_ask else Source.SWEEP
    if not known.row_is_same:
        return Source.DETAILS
    # The list omits this contact entirely, so its silence means nothing. With some persons it may hide a deletion.
    is_left_out = known.bulk_omits_persons and not sweep.ids_of(contact.contact_id)
    return Source.DETAILS if may_ask and not is_left_out else Source.CACHE


def _source_of_primary(contact: Contact, known: KnownContact | None, sweep: Sweep, *, may_ask: bool) -> Source:
    """Where the bulk list has all known persons of the contact."""
    if not sweep.contradicts(contact):
        return Source.SWEEP
    if known is not None and known.row_is_same:
        # A detail answer has decided already, or may not be asked for in this run: the cache has what the row says.
        return Source.DETAILS if may_ask and not known.bulk_omits_persons else Source.CACHE
    return Source.DETAILS if may_ask else Source.SWEEP


def _lacks_somebody(contact: Contact, known: KnownContact | None, swept_ids: frozenset[str]) -> bool:
    is_without_primary = contact.primary is not None and not swept_ids
    return is_without_primary or (known is not None and not known.person_ids <= swept_ids)


def _values(person: ContactPerson) -> tuple[str, ...]:
    texts = (person.first_name, person.last_name, person.email, person.phone, person.mobile)
    return tuple(" ".join(text.split()) for text in texts)
